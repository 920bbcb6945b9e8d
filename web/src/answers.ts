import type { ExecutionResult, GraphQLErrorExtensions } from "graphql";

/** What GraphQL answers with, over HTTP and in each event of a subscription. */
export type Answer = Pick<ExecutionResult<Record<string, unknown>>, "data" | "errors">;

/** Every object in `value`, at any depth, outer ones first. */
export function* objectsIn(value: unknown): Generator<Record<string, unknown>> {
  if (Array.isArray(value)) {
    for (const item of value) yield* objectsIn(item);
  } else if (isObject(value)) {
    yield value;
    for (const field of Object.values(value)) yield* objectsIn(field);
  }
}

export function hasErrorCode({ errors }: Answer, code: string): boolean {
  return errors?.some(({ extensions }: { extensions?: GraphQLErrorExtensions }) => extensions?.["code"] === code) ?? false;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
