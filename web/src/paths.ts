import {
  getNamedType,
  getNullableType,
  isInputObjectType,
  isInputType,
  isListType,
  typeFromAST,
  type DocumentNode,
  type GraphQLInputType,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from "graphql";
import { isObject } from "./answers";

const UPLOAD = "Upload";
const ANY_INDEX = "*";

/** The operation that is meant by `name`; a document's only operation needs none. */
export function chosenOperation(document: DocumentNode, name?: string | null): OperationDefinitionNode | undefined {
  const operations = document.definitions.filter((node) => node.kind === "OperationDefinition");
  return operations.length === 1 ? operations[0] : operations.find((node) => node.name?.value === name);
}

/**
 * Where an operation's variables take a file, in the order of the operation and its input types.
 *
 * A path's parts are joined by dots, and `*` stands for any index of a list: `input.image.upload`, `photos.*`.
 */
export function uploadPaths(operation: OperationDefinitionNode, schema: GraphQLSchema): string[] {
  return (operation.variableDefinitions ?? []).flatMap((definition) => {
    const type = typeFromAST(schema, definition.type);
    return isInputType(type) ? pathsBelow(type, definition.variable.name.value, []) : [];
  });
}

function pathsBelow(type: GraphQLInputType, path: string, within: readonly string[]): string[] {
  const inner = getNullableType(type);
  if (isListType(inner)) return pathsBelow(inner.ofType, `${path}.${ANY_INDEX}`, within);
  const { name } = getNamedType(inner);
  if (name === UPLOAD) return [path];
  if (!isInputObjectType(inner) || within.includes(name)) return [];
  return Object.values(inner.getFields()).flatMap((field) =>
    pathsBelow(field.type, `${path}.${field.name}`, [...within, name]),
  );
}

/** Whether `path` (with indexes) is one that `pattern` (with `*`) stands for. */
export function matches(path: string, pattern: string): boolean {
  const parts = path.split(".");
  const wanted = pattern.split(".");
  return (
    parts.length === wanted.length &&
    wanted.every((part, at) => part === parts[at] || (part === ANY_INDEX && /^\d+$/.test(parts[at] ?? "")))
  );
}

/**
 * The paths to offer for a pattern: a list of files has one place more than are taken,
 * a list of objects as many as the variables have, one at least.
 */
export function places(pattern: string, variables: unknown, taken: readonly string[]): string[] {
  return placesBelow("", pattern.split("."), variables, taken);
}

function placesBelow(path: string, [part, ...rest]: string[], value: unknown, taken: readonly string[]): string[] {
  if (part === undefined) return [path];
  if (part !== ANY_INDEX) return placesBelow(join(path, part), rest, isObject(value) ? value[part] : undefined, taken);
  const items: readonly unknown[] = Array.isArray(value) ? value : [];
  const count = rest.length === 0 ? nextIndex(path, taken) + 1 : Math.max(items.length, 1);
  return Array.from({ length: count }).flatMap((_, at) => placesBelow(join(path, String(at)), rest, items[at], taken));
}

function nextIndex(list: string, taken: readonly string[]): number {
  const indexes = taken.filter((path) => matches(path, `${list}.${ANY_INDEX}`)).map((path) => Number(path.split(".").at(-1)));
  return Math.max(-1, ...indexes) + 1;
}

function join(path: string, part: string): string {
  return path === "" ? part : `${path}.${part}`;
}
