// Runs trusted operations as clients do: `node trusted.mjs URL FOLDER`. The folder has the manifests, and what
// relay-compiler and graphql-codegen have generated. Prints {client: data or message} as JSON.
import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { ApolloClient, HttpLink, InMemoryCache, gql } from '@apollo/client/core/index.js';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { generatePersistedQueryIdsFromManifest } from '@apollo/persisted-query-lists';
import relay from 'relay-runtime';

const [uri, folder] = process.argv.slice(2);
const read = async (name) => readFile(`${folder}/${name}`, 'utf8');
const variables = { first: 1 };

async function post(body) {
  const headers = { 'content-type': 'application/json', accept: 'application/json' };
  const answer = await fetch(uri, { method: 'POST', headers, body: JSON.stringify(body) });
  return answer.json();
}

async function apollo(name, useGETForHashedQueries) {
  const manifest = JSON.parse(await read('apollo.json'));
  const ids = generatePersistedQueryIdsFromManifest({ loadManifest: async () => manifest });
  const link = new PersistedQueryLink({ ...ids, useGETForHashedQueries });
  const cache = new InMemoryCache();
  const client = new ApolloClient({ link: link.concat(new HttpLink({ uri })), cache });
  const query = gql(await read(`${name}.graphql`));
  try {
    return (await client.query({ query, variables })).data;
  } catch (error) {
    return error.message;
  }
}

async function withRelay() {
  const { default: query } = await import(pathToFileURL(`${folder}/__generated__/RelayQuery.graphql.js`));
  const network = relay.Network.create((params, given) => post({ doc_id: params.id, variables: given }));
  const environment = new relay.Environment({ network, store: new relay.Store(new relay.RecordSource()) });
  return relay.fetchQuery(environment, query, variables).toPromise();
}

async function codegen() {
  const [, documentId] = (await read('generated/graphql.ts')).match(/"hash":"([^"]+)"/);
  return (await post({ documentId, variables })).data;
}

console.log(
  JSON.stringify({
    'Apollo, POST': await apollo('Apollo', false),
    'Apollo, GET': await apollo('Apollo', true),
    Relay: await withRelay(),
    codegen: await codegen(),
    'a text': (await post({ query: '{ __typename }' })).errors[0].extensions.code,
    'an unknown id': (await post({ documentId: 'sha256:0' })).errors[0].extensions.code,
  }),
);
process.exit(0); // Apollo's cache keeps a timer
