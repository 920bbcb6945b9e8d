// The audits of npm's graphql-http, of the specification "GraphQL over HTTP".
import { auditServer } from "graphql-http";
import { print, url } from "./server.mjs";

const results = await auditServer({ url });
print(results.map(({ name, status, reason }) => ({ name, status, reason })));
