import type { GraphQLSchema, OperationDefinitionNode } from "graphql";
import { matches, uploadPaths } from "./paths";
import { Store } from "./store";
import type { Attachment } from "./upload";

/** A chosen file. Its `path` is null where a person said not to send it, undefined until an operation takes files. */
export interface ShelvedFile {
  id: number;
  file: File;
  path: string | null | undefined;
}

/** The files that a person has chosen, each bound to a variable; they stay in the page until sent. */
export class FileShelf extends Store<readonly ShelvedFile[]> {
  #lastId = 0;

  constructor() {
    super([]);
  }

  /** Puts files on the shelf, each bound to the first of the `places` that is free, or else to the first of all. */
  add(files: Iterable<File>, places: () => readonly string[]): void {
    for (const file of files) {
      this.#lastId += 1;
      this.set([...this.value, { id: this.#lastId, file, path: this.#firstFree(places()) }]);
    }
  }

  bind(id: number, path: string | null): void {
    this.set(this.value.map((shelved) => (shelved.id === id ? { ...shelved, path } : shelved)));
  }

  /** Binds what waits for an operation that takes files. */
  bindWaiting(places: () => readonly string[]): void {
    for (const { id, path } of this.value) {
      const place = this.#firstFree(places());
      if (path === undefined && place !== undefined) this.bind(id, place);
    }
  }

  remove(id: number): void {
    this.set(this.value.filter((shelved) => shelved.id !== id));
  }

  get taken(): string[] {
    return this.value.map(({ path }) => path).filter((path) => typeof path === "string");
  }

  /** What goes with an operation: the files bound to one of its variables. */
  attachments(operation: OperationDefinitionNode, schema: GraphQLSchema | null): Attachment[] {
    const patterns = schema ? uploadPaths(operation, schema) : [];
    return this.value.flatMap(({ file, path }) =>
      typeof path === "string" && patterns.some((pattern) => matches(path, pattern)) ? [{ file, path }] : [],
    );
  }

  #firstFree(places: readonly string[]): string | undefined {
    return places.find((place) => !this.taken.includes(place)) ?? places[0];
  }
}
