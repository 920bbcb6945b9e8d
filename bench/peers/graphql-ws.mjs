// graphql-ws on ws, as its documentation sets it up: `node graphql-ws.mjs`; `POST /publish` takes a list of events.
import { createServer } from "node:http";
import { setImmediate } from "node:timers/promises";
import { GraphQLScalarType } from "graphql";
import { useServer } from "graphql-ws/use/ws";
import { createPubSub, createSchema } from "graphql-yoga";
import { WebSocketServer } from "ws";
import { ready, serializeMoment, typeDefs } from "./images.mjs";

const events = createPubSub();
const schema = createSchema({
  typeDefs,
  resolvers: {
    Subscription: {
      generationProgress: {
        subscribe: (_, { id }) => events.subscribe(id),
        resolve: (event) => event,
      },
    },
    DateTime: new GraphQLScalarType({ name: "DateTime", serialize: serializeMoment }),
  },
});

async function publish(request, response) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const told = JSON.parse(Buffer.concat(chunks));
  const startedNs = Number(process.hrtime.bigint());
  for (const event of told) {
    events.publish(event.generationId, { ...event, at: new Date(event.at) });
    await setImmediate(); // let those who wait take it
  }
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ startedNs }));
}

const server = createServer(publish);
useServer({ schema }, new WebSocketServer({ server, path: "/graphql", perMessageDeflate: false }));
server.listen(0, "127.0.0.1", () => ready(server));
