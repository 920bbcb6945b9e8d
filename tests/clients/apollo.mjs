// Apollo Client: its multipart subscriptions, and a file by apollo-upload-client, the link that its users take.
import { openAsBlob } from "node:fs";
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from "@apollo/client/core";
import UploadHttpLink from "apollo-upload-client/UploadHttpLink.mjs";
import { codes, EVENTS, headers, ME, MISSPELT, noting, print, PROGRESS, RECENT, SAVE, sequences, started, url } from "./server.mjs";

const UPLOAD = `mutation Upload($file: Upload!) {
  uploadOrnament(input: { image: { upload: $file } }) { generation { id } errors { code } } }`;
const [, , , , , photo] = process.argv;

const contentTypes = [];
const uploads = new UploadHttpLink({ uri: url, headers: { ...headers, "Apollo-Require-Preflight": "true" } });
const others = new HttpLink({ uri: url, headers, fetch: noting(contentTypes) });
const client = new ApolloClient({
  cache: new InMemoryCache({ addTypename: false }),
  link: ApolloLink.split(({ operationName }) => operationName === "Upload", uploads, others),
  defaultOptions: { query: { fetchPolicy: "no-cache", errorPolicy: "all" } },
});

function subscribed(query, variables) {
  return client.subscribe({ query: gql(query), variables, fetchPolicy: "no-cache", errorPolicy: "all" });
}

/** Every result of a subscription, to its end. */
function all(query, variables) {
  const results = [];
  return new Promise((resolve, reject) => {
    const next = (result) => results.push(result);
    subscribed(query, variables).subscribe({ next, error: reject, complete: () => resolve(results) });
  });
}

/** The first event of a subscription that is cancelled then. */
function first(query, variables) {
  return new Promise((resolve, reject) => {
    const next = ({ data }) => {
      subscription.unsubscribe();
      resolve(data);
    };
    const subscription = subscribed(query, variables).subscribe({ next, error: reject });
  });
}

const query = await client.query({ query: gql(ME) });
const misspelt = await client.query({ query: gql(MISSPELT) });
const mutation = await client.mutate({ mutation: gql(SAVE) });
const subscription = sequences(await all(PROGRESS, { id: await started() }));
const [argument] = await all(PROGRESS, { id: "nonsense" });
const file = new File([await openAsBlob(photo)], "photo.jpg", { type: "image/jpeg" });
const upload = await client.mutate({ mutation: gql(UPLOAD), variables: { file } });
const { uploadOrnament } = upload.data;
print({
  query: query.data.viewer.user.name,
  misspelt: codes(misspelt.error.errors),
  mutation: mutation.data.createTemplate.template.text,
  subscription,
  argument: codes(argument.error.errors),
  cancelled: await first(EVENTS, RECENT),
  contentTypes,
  uploadErrors: uploadOrnament.errors,
  made: sequences(await all(PROGRESS, { id: uploadOrnament.generation.id })),
});
client.stop();
