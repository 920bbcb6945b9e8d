// npm's graphql-sse in distinct connections mode: one request an operation.
import { createClient } from "graphql-sse";
import { operations } from "./operations.mjs";
import { codes, EVENTS, headers, print, url } from "./server.mjs";

const found = await operations(createClient({ url, headers, retryAttempts: 0 }));
const stranger = createClient({ url, retryAttempts: 0 }).iterate({ query: EVENTS });
const { value: refused } = await stranger.next();
print({ ...found, stranger: codes(refused.errors), strangerIsDone: (await stranger.next()).done });
