// Asks one query through the links that send the hashes of queries before their texts:
// `node persisted.mjs http://localhost:8000/graphql`. Prints {link: data} as JSON.
import { createHash } from 'node:crypto';
import { ApolloClient, HttpLink, InMemoryCache, gql } from '@apollo/client/core/index.js';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { Client, fetchExchange } from '@urql/core';
import { persistedExchange } from '@urql/exchange-persisted';

const [uri] = process.argv.slice(2);
const query = 'query Titles($first: Int) { courses(first: $first) { nodes { title } } }';
const variables = { first: 1 };
const sha256 = async (text) => createHash('sha256').update(text).digest('hex');

async function apollo(useGETForHashedQueries) {
  const link = new PersistedQueryLink({ sha256, useGETForHashedQueries });
  const client = new ApolloClient({
    link: link.concat(new HttpLink({ uri })),
    cache: new InMemoryCache(),
  });
  return (await client.query({ query: gql(query), variables })).data;
}

async function urql(preferGetForPersistedQueries) {
  const hashes = persistedExchange({ preferGetForPersistedQueries, generateHash: sha256 });
  const client = new Client({ url: uri, exchanges: [hashes, fetchExchange], preferGetMethod: false });
  return (await client.query(query, variables).toPromise()).data;
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
