// urql with its own exchange for everything: it says with every request that it takes streams, too.
import { Client, fetchExchange } from "@urql/core";
import { codes, EVENTS, headers, ME, MISSPELT, noting, print, PROGRESS, RECENT, SAVE, sequences, started, url } from "./server.mjs";

const contentTypes = [];
const client = new Client({
  url,
  exchanges: [fetchExchange],
  fetch: noting(contentTypes),
  fetchOptions: { headers },
  fetchSubscriptions: true,
  preferGetMethod: false,
});

/** Every result of a subscription; one more, without `hasNext`, tells of its end. */
function all(query, variables) {
  const results = [];
  return new Promise((resolve) => {
    client.subscription(query, variables).subscribe((result) => (result.hasNext ? results.push(result) : resolve(results)));
  });
}

/** The first event of a subscription that is cancelled then. */
function first(query, variables) {
  return new Promise((resolve) => {
    const { unsubscribe } = client.subscription(query, variables).subscribe((result) => {
      resolve(result);
      setTimeout(() => unsubscribe());
    });
  });
}

const query = await client.query(ME, {}).toPromise();
const misspelt = await client.query(MISSPELT, {}).toPromise();
const mutation = await client.mutation(SAVE, {}).toPromise();
const subscription = await all(PROGRESS, { id: await started() });
const argument = await first(PROGRESS, { id: "nonsense" });
const cancelled = await first(EVENTS, RECENT);
print({
  query: query.data.viewer.user.name,
  misspelt: codes(misspelt.error.graphQLErrors),
  mutation: mutation.data.createTemplate.template.text,
  subscription: sequences(subscription),
  subscriptionErrors: subscription.flatMap(({ error }) => error ?? []),
  argument: codes(argument.error.graphQLErrors),
  cancelled: cancelled.data,
  contentTypes,
});
