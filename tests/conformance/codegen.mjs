// Generates the types of a schema and of operations on it: `node codegen.mjs SCHEMA FOLDER OPERATIONS...` leaves
// schema.ts and operations.ts in the folder.
import { generate } from '@graphql-codegen/cli';

const [schema, folder, ...documents] = process.argv.slice(2);
const config = { strictScalars: true, scalars: { DateTime: 'string', JSON: 'unknown' } };

await generate({
  schema,
  documents,
  silent: true,
  generates: {
    [`${folder}/schema.ts`]: { plugins: ['typescript'], config },
    [`${folder}/operations.ts`]: { plugins: ['typescript-operations'], config },
  },
});
