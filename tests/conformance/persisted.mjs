// Asks queries twice through the links that send the hashes of queries before their texts:
// `node persisted.mjs http://localhost:8000/graphql`. Prints {link: {data, sent}} as JSON: the last data, and what
// each request had.
import { createHash } from 'node:crypto';
import { ApolloClient, HttpLink, InMemoryCache, gql } from '@apollo/client/core/index.js';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { Client, fetchExchange } from '@urql/core';
import { persistedExchange } from '@urql/exchange-persisted';

const [uri] = process.argv.slice(2);
const queryOf = (name) => `query ${name}${Date.now()}($first: Int) { courses(first: $first) { nodes { title } } }`;
const variables = { first: 1 };
const sha256 = async (text) => createHash('sha256').update(text).digest('hex');

const sent = [];

async function recorded(url, options) {
  const { searchParams } = new URL(url, uri);
  const body = options.body ? JSON.parse(options.body) : Object.fromEntries(searchParams);
  sent.push(body.query ? 'hash and text' : 'hash');
  return fetch(url, options);
}

async function apollo(useGETForHashedQueries) {
  const query = gql(queryOf('Apollo'));
  const link = new PersistedQueryLink({ sha256, useGETForHashedQueries });
  const client = new ApolloClient({
    link: link.concat(new HttpLink({ uri, fetch: recorded })),
    cache: new InMemoryCache(),
  });
  return twice(async () => client.query({ query, variables, fetchPolicy: 'network-only' }));
}

async function urql(preferGetForPersistedQueries) {
  const query = queryOf('Urql');
  const hashes = persistedExchange({ preferGetForPersistedQueries, generateHash: sha256 });
  const client = new Client({ url: uri, exchanges: [hashes, fetchExchange], preferGetMethod: false, fetch: recorded });
  return twice(async () => client.query(query, variables).toPromise());
}

async function twice(ask) {
  sent.length = 0;
  await ask();
  const { data } = await ask();
  return { data, sent: [...sent] };
}

console.log(
  JSON.stringify({
    'Apollo, POST': await apollo(false),
    'Apollo, GET': await apollo(true),
    'urql, POST': await urql(false),
    'urql, GET': await urql(true),
  }),
);
process.exit(0); // Apollo's cache keeps a timer
