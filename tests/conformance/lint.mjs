// Holds a schema to graphql-eslint's `schema-recommended` and `schema-relay` rules: `node lint.mjs schema.graphql`.
// Prints what they complain of, [{rule, line, message}], as JSON.
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import graphql from '@graphql-eslint/eslint-plugin';
import { ESLint } from 'eslint';
import { buildSchema } from 'graphql';

// Values without an identity of their own, so without an ID: two that are equal are the same.
const VALUE_TYPES = [
  'AuditActor',
  'AuditChange',
  'CourseFacets',
  'FacetCount',
  'ImportedRating',
  'Money',
  'PageInfo',
  'PlatformStats',
  'RateLimit',
  'RatingBucket',
  'RatingSummary',
  'ReviewReply',
  'UserError',
];

const RULES = {
  ...graphql.configs['flat/schema-recommended'].rules,
  ...graphql.configs['flat/schema-relay'].rules,
  // Connections offer `nodes` beside `edges`, and lists of values exist.
  '@graphql-eslint/relay-edge-types': ['error', { listTypeCanWrapOnlyEdgeType: false }],
  '@graphql-eslint/strict-id-in-types': [
    'error',
    { exceptions: { types: VALUE_TYPES, suffixes: ['Connection', 'Edge', 'Payload'] } },
  ],
};

const schema = resolve(process.argv[2]);
const eslint = new ESLint({
  cwd: dirname(schema),
  overrideConfigFile: true,
  overrideConfig: {
    files: ['**/*.graphql'],
    languageOptions: { parser: graphql.parser, parserOptions: { graphQLConfig: { schema } } },
    plugins: { '@graphql-eslint': graphql },
    rules: RULES,
    linterOptions: { noInlineConfig: true },
  },
});
const text = await readFile(schema, 'utf8');
const [result] = await eslint.lintText(text, { filePath: schema });
const complaints = result.messages.map(({ ruleId, line, message }) => ({ rule: ruleId, line, message }));

// An exception for what isn't there would be one for whatever takes that name later.
const types = buildSchema(text).getTypeMap();
for (const name of VALUE_TYPES.filter((name) => !(name in types) || 'id' in types[name].getFields())) {
  complaints.push({ rule: 'value-types', line: 1, message: `${name} is not a value type of the schema` });
}
console.log(JSON.stringify(complaints));
