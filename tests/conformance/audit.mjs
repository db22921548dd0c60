// Runs the server audits of graphql-http against an endpoint: `node audit.mjs http://localhost:8000/graphql`.
// Prints [{id, name, status, reason}] as JSON; without an endpoint [{id, name}], the audits there are.
import { serverAudits } from 'graphql-http';

const [endpoint] = process.argv.slice(2);

async function outcome(audit) {
  const { status, reason = null } = await audit.fn();
  return { id: audit.id, name: audit.name, status, reason };
}

const outcomes = [];
for (const audit of serverAudits({ url: endpoint ?? 'http://localhost' })) {
  outcomes.push(endpoint ? await outcome(audit) : { id: audit.id, name: audit.name });
}
console.log(JSON.stringify(outcomes));
