import assert from "node:assert/strict";
import { test } from "node:test";
import { buildSchema, parse } from "graphql";
import { chosenOperation, matches, places, uploadPaths } from "../src/paths";

const schema = buildSchema(`
  scalar Upload
  directive @oneOf on INPUT_OBJECT
  input PictureInput @oneOf { upload: Upload id: ID }
  input OrnamentInput { image: PictureInput! prompt: String again: OrnamentInput }
  input BatchInput { items: [OrnamentInput!]! }
  type Query { ok(input: OrnamentInput, batch: BatchInput, photo: Upload, photos: [Upload!], name: String): Boolean }
`);

function pathsOf(variables: string): string[] {
  const operation = chosenOperation(parse(`query Q(${variables}) { ok }`));
  assert.ok(operation);
  return uploadPaths(operation, schema);
}

test("an Upload is found in a variable, in input objects and in lists", () => {
  assert.deepEqual(pathsOf("$name: String, $photo: Upload!"), ["photo"]);
  assert.deepEqual(pathsOf("$input: OrnamentInput!"), ["input.image.upload"]);
  assert.deepEqual(pathsOf("$photos: [Upload!]!"), ["photos.*"]);
  assert.deepEqual(pathsOf("$batch: BatchInput, $photo: Upload"), ["batch.items.*.image.upload", "photo"]);
});

test("an operation without files, or of unknown types, offers nothing", () => {
  assert.deepEqual(pathsOf("$name: String, $other: Unknown"), []);
});

test("the operation is the named one, or the only one", () => {
  const two = parse("query A { ok } query B { ok }");
  assert.equal(chosenOperation(two, "B")?.name?.value, "B");
  assert.equal(chosenOperation(two, null), undefined);
  assert.equal(chosenOperation(parse("query A { ok }"), "Stale")?.name?.value, "A");
});

test("a list of files offers one place more than are taken", () => {
  assert.deepEqual(places("photos.*", {}, []), ["photos.0"]);
  assert.deepEqual(places("photos.*", {}, ["photos.0", "photos.1"]), ["photos.0", "photos.1", "photos.2"]);
});

test("a list of objects offers a place in each object of the variables", () => {
  const variables = { batch: { items: [{ prompt: "a" }, { prompt: "b" }] } };
  const pattern = "batch.items.*.image.upload";
  assert.deepEqual(places(pattern, variables, []), ["batch.items.0.image.upload", "batch.items.1.image.upload"]);
  assert.deepEqual(places(pattern, undefined, []), ["batch.items.0.image.upload"]);
});

test("a star stands for an index and nothing else", () => {
  assert.ok(matches("photos.12", "photos.*"));
  assert.ok(!matches("photos.first", "photos.*"));
  assert.ok(!matches("photos.0.more", "photos.*"));
  assert.ok(!matches("input.photo", "input.image"));
});
