// What graphql-ws and graphql-sse are both asked to do: their clients look the same.
import { codes, ended, ME, EVENTS, MISSPELT, PROGRESS, RECENT, SAVE, sequences, started, SYNTAX_ERROR } from "./server.mjs";

const AT_ONCE = 5;

/** Every result of an operation, to its end. */
async function all(client, query, variables) {
  const results = [];
  for await (const result of client.iterate({ query, variables })) {
    results.push(result);
  }
  return results;
}

/** The codes of an operation that brings nothing but errors, or is refused as a whole. */
async function failure(client, query, variables) {
  try {
    const [result, ...more] = await all(client, query, variables);
    return more.length ? more : codes(result.errors);
  } catch (errors) {
    return codes(errors);
  }
}

/** One that is cancelled after its first event; what it is told after that. */
async function cancelled(client) {
  const late = [];
  await new Promise((resolve, reject) => {
    let over = false;
    const cancel = client.subscribe(
      { query: EVENTS, variables: RECENT },
      {
        next: (result) => {
          if (over) {
            late.push(result);
          }
          setTimeout(() => {
            over = true;
            cancel();
            resolve();
          });
        },
        error: reject,
        complete: () => {},
      },
    );
  });
  return late;
}

/** All of them, while one more subscription is open from the first to the last. */
export async function operations(client) {
  const sibling = client.iterate({ query: EVENTS, variables: RECENT });
  const { value: first } = await sibling.next();
  const late = await cancelled(client);
  const found = {
    first: first.data.viewerEvents,
    query: await all(client, ME),
    mutation: await all(client, SAVE),
    parallel: await Promise.all(
      Array.from({ length: AT_ONCE }, async (_, after) => sequences(await all(client, PROGRESS, { id: ended, after }))),
    ),
    syntax: await failure(client, SYNTAX_ERROR),
    misspelt: await failure(client, MISSPELT),
    argument: await failure(client, PROGRESS, { id: "nonsense" }),
  };
  const id = await started();
  const subscription = sequences(await all(client, PROGRESS, { id }));
  for await (const { data } of sibling) {
    if (data.viewerEvents.generationId === id && data.viewerEvents.type === "SUCCEEDED") {
      break;
    }
  }
  return { ...found, subscription, siblingHeardTheEnd: true, afterCancel: late.length };
}
