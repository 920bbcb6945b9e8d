import { isObject } from "./answers";

export interface GraphQLRequest {
  query: string;
  operationName?: string | null;
  variables?: Record<string, unknown> | null;
}

/** A file and the variable that it stands for, such as `input.image.upload` or `photos.0`. */
export interface Attachment {
  file: File;
  path: string;
}

type Container = Record<string, unknown> | unknown[];

/**
 * The body of a request with files, by Jayden Seric's GraphQL multipart request specification.
 *
 * Of two files with one path the later is sent; each file's variable is sent as null, as the specification wants it.
 */
export function multipart(request: GraphQLRequest, attachments: readonly Attachment[]): FormData {
  const files = new Map(attachments.map(({ path, file }) => [path, file]));
  const paths = [...files.keys()];
  const variables = structuredClone(request.variables ?? {});
  for (const path of paths) setNull(variables, path.split("."));

  const form = new FormData();
  form.set("operations", JSON.stringify({ ...request, variables }));
  form.set("map", JSON.stringify(Object.fromEntries(paths.map((path, at) => [at, [`variables.${path}`]]))));
  [...files.values()].forEach((file, at) => {
    form.set(String(at), file, file.name);
  });
  return form;
}

function setNull(container: Container, [key, ...rest]: string[]): void {
  if (key === undefined) return;
  const [next] = rest;
  if (next === undefined) {
    write(container, key, null);
    return;
  }
  const inner = read(container, key);
  const child: Container = isObject(inner) || Array.isArray(inner) ? inner : isIndex(next) ? [] : {};
  write(container, key, child);
  setNull(child, rest);
}

function read(container: Container, key: string): unknown {
  return Array.isArray(container) ? container[Number(key)] : container[key];
}

function write(container: Container, key: string, value: unknown): void {
  if (Array.isArray(container)) {
    const index = Number(key);
    while (container.length < index) container.push(null); // a hole would not survive JSON as an index
    container[index] = value;
  } else {
    container[key] = value;
  }
}

function isIndex(part: string): boolean {
  return /^\d+$/.test(part);
}
