// Has graphql-codegen write its manifest: `node manifests.mjs SCHEMA FOLDER OPERATIONS...`.
import { generate } from '@graphql-codegen/cli';

const [schema, folder, ...documents] = process.argv.slice(2);
const generates = { [`${folder}/generated/`]: { preset: 'client', presetConfig: { persistedDocuments: true } } };
await generate({ schema, documents, silent: true, generates });
