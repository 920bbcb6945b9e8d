import type { Fetcher, FetcherParams } from "@graphiql/toolkit";
import { parse, type DocumentNode, type GraphQLSchema, type OperationDefinitionNode } from "graphql";
import type { Answer } from "./answers";
import type { FileShelf } from "./shelf";
import { chosenOperation } from "./paths";
import type { SessionKeeper } from "./session";
import { subscription } from "./socket";
import { multipart, type GraphQLRequest } from "./upload";

const ACCEPT = "application/graphql-response+json, application/json;q=0.9";
const INTROSPECTION = "IntrospectionQuery"; // GraphiQL's own, which no person asked for
/** Asks the server's guard against forged requests to let a multipart body in: no plain form can send it. */
const PREFLIGHT = { "graphql-require-preflight": "true" };
const EXCERPT_CHARACTERS = 500;

export interface FetcherParts {
  url: URL;
  session: SessionKeeper;
  files: FileShelf;
  schema: () => GraphQLSchema | null;
  onAnswer: (answer: Answer) => void;
}

/** Sends what GraphiQL runs: subscriptions by WebSocket, operations with files as multipart, all else as JSON. */
export function createFetcher({ url, session, files, schema, onAnswer }: FetcherParts): Fetcher {
  return (params, options) => {
    const own = lowerCased(options?.headers);
    const headers = () => ({ ...session.headers(), ...own });
    const operation = operationOf(params);
    const request = requestOf(params, operation);
    if (operation?.operation === "subscription") {
      return subscription({ url: socketAddress(url), connectionParams: headers, onAnswer }, request);
    }
    const attachments = operation ? files.attachments(operation, schema()) : [];
    const answer = attachments.length
      ? post(url, multipart(request, attachments), { ...PREFLIGHT, ...withoutContentType(headers()) })
      : post(url, JSON.stringify(request), asJson(headers()));
    return params.operationName === INTROSPECTION ? answer : told(answer, onAnswer);
  };
}

async function told(answer: Promise<Answer>, onAnswer: (answer: Answer) => void): Promise<Answer> {
  onAnswer(await answer);
  return answer;
}

async function post(url: URL, body: BodyInit, headers: Record<string, string>): Promise<Answer> {
  const response = await fetch(url, { method: "POST", body, headers: { accept: ACCEPT, ...headers } });
  const text = await response.text();
  try {
    return JSON.parse(text) as Answer;
  } catch {
    const type = response.headers.get("content-type") ?? "no content type";
    throw new Error(`The server answered ${response.status} with ${type}: ${text.slice(0, EXCERPT_CHARACTERS)}`);
  }
}

/** GraphiQL's own parse trails the editor by a moment; this one reads what is being sent. */
function operationOf({ query, operationName }: FetcherParams): OperationDefinitionNode | undefined {
  let document: DocumentNode;
  try {
    document = parse(query);
  } catch {
    return undefined; // the server says what is wrong with it
  }
  return chosenOperation(document, operationName);
}

function requestOf({ query, operationName, variables }: FetcherParams, operation?: OperationDefinitionNode): GraphQLRequest {
  const name = operation ? operation.name?.value : operationName;
  return { query, ...(name ? { operationName: name } : {}), ...(variables ? { variables } : {}) };
}

function socketAddress(url: URL): string {
  const address = new URL(url);
  address.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return address.href;
}

function asJson(headers: Record<string, string>): Record<string, string> {
  return { "content-type": "application/json", ...headers };
}

/** The browser names the boundary of a multipart body itself. */
function withoutContentType({ "content-type": _, ...headers }: Record<string, string>): Record<string, string> {
  return headers;
}

function lowerCased(headers: Record<string, unknown> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]));
}
