// npm's graphql-ws: everything over one socket, which is cut once at the end.
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { operations } from "./operations.mjs";
import { ended, EVENTS, print, RECENT, socketsUrl, token } from "./server.mjs";

const KEEP_ALIVE_MS = 20;
const seen = { connected: 0, closed: [] };
const client = createClient({
  url: socketsUrl,
  webSocketImpl: WebSocket,
  connectionParams: { authorization: `Bearer ${token}` },
  lazy: false,
  keepAlive: KEEP_ALIVE_MS,
  retryAttempts: 5,
  retryWait: async () => {},
  shouldRetry: () => true,
  on: {
    connected: () => (seen.connected += 1),
    closed: ({ code }) => seen.closed.push(code),
  },
});

/** Returns when the stream tells of the generation that has ended, as it does once a connection. */
async function heard(events) {
  for (;;) {
    const { value } = await events.next();
    if (value.data.viewerEvents.generationId === ended) {
      return;
    }
  }
}

const pong = new Promise((resolve) => client.on("pong", resolve));
const found = await operations(client);
const closedBefore = [...seen.closed];
const pongReceived = await pong;

const events = client.iterate({ query: EVENTS, variables: RECENT });
await heard(events);
const again = new Promise((resolve) => client.on("connected", resolve));
client.terminate();
await again;
await heard(events);
await events.return();
await client.dispose();
print({ ...found, ...seen, closedBefore, pongReceived, heardAgain: true });
