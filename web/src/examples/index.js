// The tabs of a first visit, in order. Each is a .graphql file, its variables in the .json of the same name;
// tests/app/test_graphiql.py runs every one of them against the sample data.
const queries = import.meta.glob("./*.graphql", { query: "?raw", import: "default", eager: true });
const variables = import.meta.glob("./*.json", { query: "?raw", import: "default", eager: true });

export const examples = Object.keys(queries)
  .sort()
  .map((path) => ({
    query: queries[path].trimEnd(),
    variables: variables[path.replace(/graphql$/, "json")]?.trimEnd() ?? null,
  }));
