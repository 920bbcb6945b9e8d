import type { Observable } from "@graphiql/toolkit";
import { GraphQLError } from "graphql";
import { CloseCode, createClient, type Client, type ExecutionResult } from "graphql-ws";
import type { Answer } from "./answers";
import type { GraphQLRequest } from "./upload";

const PING_EVERY_MS = 15_000;
const PONG_WITHIN_MS = 5_000;
const RECONNECTIONS = 8;
const RECONNECT_AFTER_MS = 250;
const RECONNECT_WITHIN_MS = 10_000;
const PONG_MISSED = 4408;

export interface Socket {
  url: string;
  /** Read anew on each connection, so that one made after a new sign-in carries the new token. */
  connectionParams: () => Record<string, string>;
  onAnswer: (answer: Answer) => void;
}

interface Observer {
  next: (answer: Answer) => void;
  error: (reason: unknown) => void;
  complete: () => void;
}

/**
 * A subscription over its own WebSocket (`graphql-transport-ws`), opened when it starts and closed when it ends.
 *
 * A connection that breaks or falls silent is made again and the operation sent again; one that the server refuses isn't.
 */
export function subscription(socket: Socket, request: GraphQLRequest): Observable<ExecutionResult> {
  const subscribe = ({ next, error, complete }: Observer) => {
    const client = connect(socket);
    const stop = client.subscribe<Answer["data"]>(withoutNulls(request), {
      next(result) {
        const answer = result as Answer;
        socket.onAnswer(answer);
        next(answer);
      },
      error(reason) {
        socket.onAnswer({ errors: errorsOf(reason) });
        error(readable(reason));
      },
      complete,
    });
    const unsubscribe = () => {
      stop();
      void client.dispose();
    };
    return { unsubscribe };
  };
  return { subscribe: subscribe as Observable<ExecutionResult>["subscribe"] };
}

function connect({ url, connectionParams }: Socket): Client {
  let watch: ReturnType<typeof setTimeout> | undefined;
  let open: WebSocket | undefined;
  return createClient({
    url,
    connectionParams,
    lazy: true,
    keepAlive: PING_EVERY_MS,
    retryAttempts: RECONNECTIONS,
    retryWait: (failures) => new Promise((resolve) => setTimeout(resolve, waitOf(failures))),
    shouldRetry: (reason) => isClosing(reason) && reason.code !== CloseCode.Forbidden,
    on: {
      opened: (made) => {
        open = made as WebSocket;
      },
      ping: (received) => {
        if (!received) watch = setTimeout(() => open?.close(PONG_MISSED, "No pong"), PONG_WITHIN_MS);
      },
      pong: (received) => {
        if (received) clearTimeout(watch);
      },
      closed: () => {
        clearTimeout(watch);
      },
    },
  });
}

/** Doubles with each failure; the random part keeps many pages from coming back at one moment. */
function waitOf(failures: number): number {
  return Math.min(RECONNECT_AFTER_MS * 2 ** failures, RECONNECT_WITHIN_MS) + Math.random() * RECONNECT_AFTER_MS;
}

function isClosing(reason: unknown): reason is { code: number; reason: string } {
  return typeof reason === "object" && reason !== null && "code" in reason && "reason" in reason;
}

function errorsOf(reason: unknown): NonNullable<Answer["errors"]> {
  if (Array.isArray(reason)) return reason as GraphQLError[];
  const refused = isClosing(reason) && (reason.code === CloseCode.Unauthorized || reason.code === CloseCode.Forbidden);
  return refused ? [new GraphQLError(reason.reason, { extensions: { code: "UNAUTHENTICATED" } })] : [];
}

function readable(reason: unknown): unknown {
  if (isClosing(reason)) return new Error(`The server closed the WebSocket: ${reason.code} ${reason.reason}`.trim());
  return reason instanceof Event ? new Error("The WebSocket could not be opened.") : reason;
}

function withoutNulls({ query, operationName, variables }: GraphQLRequest): GraphQLRequest {
  return { query, ...(operationName ? { operationName } : {}), ...(variables ? { variables } : {}) };
}
