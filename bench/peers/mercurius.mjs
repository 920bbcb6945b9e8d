// Mercurius on Fastify, as its documentation sets it up: `node mercurius.mjs IMAGES [jit]`.
import Fastify from "fastify";
import { GraphQLScalarType } from "graphql";
import mercurius from "mercurius";
import { queryOf, ready, serializeMoment, typeDefs } from "./images.mjs";

const app = Fastify();
app.register(mercurius, {
  schema: typeDefs,
  resolvers: {
    Query: queryOf(process.argv[2]),
    DateTime: new GraphQLScalarType({ name: "DateTime", serialize: serializeMoment }),
  },
  jit: process.argv[3] === "jit" ? 1 : 0,
});
await app.listen({ host: "127.0.0.1", port: 0 });
ready(app.server);
