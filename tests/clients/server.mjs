// What every program here is given: the server's address, an access token and a generation of that person that has
// ended. Each prints what its client found, as JSON.

export const [url, token, ended] = process.argv.slice(2);
export const socketsUrl = url.replace("http", "ws");
export const headers = { authorization: `Bearer ${token}` };

export const ME = "query Me { viewer { user { name } } }";
export const MISSPELT = "query Misspelt { viewer { user { nme } } }";
export const SYNTAX_ERROR = "subscription {";
export const SAVE = `mutation Save {
  createTemplate(input: { name: "Shiny", text: "Make it shine" }) { template { text } errors { code } } }`;
export const PROGRESS = `subscription Progress($id: ID!, $after: Int) {
  generationProgress(id: $id, after: $after) { sequence type } }`;
export const EVENTS = `subscription Events($since: DateTime) {
  viewerEvents(since: $since) { generationId type } }`;
/** It brings a snapshot of what has ended at once, then whatever happens. */
export const RECENT = { since: new Date(Date.now() - 3_600_000).toISOString() };

const RECORD = `mutation Record($key: String!) {
  recordDream(input: { text: "I flew over a quiet sea.", idempotencyKey: $key }) { dream { generation { id } } } }`;

/** The id of a generation that begins now: it is asked for beside the client under test. */
export async function started() {
  const body = JSON.stringify({ query: RECORD, variables: { key: crypto.randomUUID() } });
  const answer = await fetch(url, { method: "POST", headers: { ...headers, "content-type": "application/json" }, body });
  const { data } = await answer.json();
  return data.recordDream.dream.generation.id;
}

/** `fetch` that also keeps the content type of each answer. */
export function noting(contentTypes) {
  return async (...request) => {
    const answer = await fetch(...request);
    contentTypes.push(answer.headers.get("content-type").split(";")[0]);
    return answer;
  };
}

export function codes(errors) {
  return errors.map(({ extensions }) => extensions.code);
}

export function sequences(results) {
  return results.map(({ data }) => data.generationProgress.sequence);
}

export function print(found) {
  console.log(JSON.stringify(found));
}
