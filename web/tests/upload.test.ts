import assert from "node:assert/strict";
import { test } from "node:test";
import { multipart } from "../src/upload";

const ring = new File(["ring"], "ring.jpg", { type: "image/jpeg" });
const stone = new File(["stone"], "stone.png", { type: "image/png" });

function field(form: FormData, name: string): unknown {
  return JSON.parse(String(form.get(name)));
}

function nameOf(value: FormDataEntryValue | null): string {
  assert.ok(value instanceof File);
  return value.name;
}

test("operations come first, then the map, then the files", () => {
  const form = multipart({ query: "mutation { a }" }, [{ file: ring, path: "photo" }]);

  assert.deepEqual([...form.keys()], ["operations", "map", "0"]);
  assert.deepEqual(field(form, "map"), { 0: ["variables.photo"] });
  assert.equal(nameOf(form.get("0")), "ring.jpg");
});

test("each file's variable is null, and what is missing on the way is made", () => {
  const variables = { input: { prompt: "Make it shine" } };
  const attachments = [
    { file: ring, path: "input.image.upload" },
    { file: stone, path: "photos.1" },
  ];
  const form = multipart({ query: "q", operationName: "Q", variables }, attachments);

  assert.deepEqual(field(form, "operations"), {
    query: "q",
    operationName: "Q",
    variables: { input: { prompt: "Make it shine", image: { upload: null } }, photos: [null, null] },
  });
  assert.deepEqual(variables, { input: { prompt: "Make it shine" } });
});

test("objects in a list keep their other fields", () => {
  const variables = { items: [{ prompt: "a" }, { prompt: "b" }] };
  const form = multipart({ query: "q", variables }, [{ file: ring, path: "items.1.image" }]);

  assert.deepEqual(field(form, "operations"), {
    query: "q",
    variables: { items: [{ prompt: "a" }, { prompt: "b", image: null }] },
  });
});

test("of two files for one variable the later is sent", () => {
  const form = multipart({ query: "q" }, [
    { file: ring, path: "photo" },
    { file: stone, path: "photo" },
  ]);

  assert.deepEqual([...form.keys()], ["operations", "map", "0"]);
  assert.equal(nameOf(form.get("0")), "stone.png");
});
