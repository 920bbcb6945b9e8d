// GraphQL Yoga on Node's own HTTP server, as its documentation sets it up: `node yoga.mjs IMAGES`.
import { createServer } from "node:http";
import { GraphQLScalarType } from "graphql";
import { createSchema, createYoga } from "graphql-yoga";
import { queryOf, ready, serializeMoment, typeDefs } from "./images.mjs";

const schema = createSchema({
  typeDefs,
  resolvers: {
    Query: queryOf(process.argv[2]),
    DateTime: new GraphQLScalarType({ name: "DateTime", serialize: serializeMoment }),
  },
});
const yoga = createYoga({ schema, graphiql: false, landingPage: false, logging: false });
const server = createServer(yoga);
server.listen(0, "127.0.0.1", () => ready(server));
