import assert from "node:assert/strict";
import { test } from "node:test";
import { GraphQLError } from "graphql";
import { pictureAddresses } from "../src/pictures";
import { SessionKeeper } from "../src/session";

const PAGE = new URL("http://regen.test:8000/graphql");

class MemoryStorage {
  readonly #values = new Map<string, string>();
  getItem = (key: string) => this.#values.get(key) ?? null;
  setItem = (key: string, value: string) => void this.#values.set(key, value);
  removeItem = (key: string) => void this.#values.delete(key);
}

test("this server's pictures are found at any depth, in order, once", () => {
  const url = "/media/a.png";
  const data = { viewer: { nodes: [{ picture: { url } }, { picture: { url: "http://regen.test:8000/media/b.png" } }, { url }] } };

  assert.deepEqual(pictureAddresses({ data }, PAGE), ["http://regen.test:8000/media/a.png", "http://regen.test:8000/media/b.png"]);
});

test("other addresses are no pictures of this server", () => {
  const data = { nodes: [{ url: "https://elsewhere.test/media/a.png" }, { url: "/graphql" }, { url: 3 }, { url: "http://[" }] };

  assert.deepEqual(pictureAddresses({ data }, PAGE), []);
  assert.deepEqual(pictureAddresses({ data: null }, PAGE), []);
});

test("a token outlives the page, its refresh token doesn't", () => {
  const storage = new MemoryStorage();
  const session = new SessionKeeper(storage);
  session.watch({ data: { logIn: { session: { accessToken: "a", refreshToken: "r" } } } });

  assert.deepEqual(session.headers(), { authorization: "Bearer a" });
  assert.equal(session.value.refreshToken, "r");
  assert.deepEqual(new SessionKeeper(storage).value, { accessToken: "a", refreshToken: null, hint: null });
  session.forget();
  assert.deepEqual(session.headers(), {});
  assert.deepEqual(new SessionKeeper(storage).headers(), {});
});

test("a refused token is kept, with a hint, until another one comes", () => {
  const session = new SessionKeeper(new MemoryStorage());
  const refused = { errors: [new GraphQLError("Expired.", { extensions: { code: "UNAUTHENTICATED" } })] };
  session.watch(refused);
  assert.equal(session.value.hint, null);

  session.watch({ data: { logIn: { session: { accessToken: "a" } } } });
  session.watch(refused);
  assert.match(session.value.hint ?? "", /refused/);
  assert.deepEqual(session.headers(), { authorization: "Bearer a" });

  session.watch({ data: { logIn: { session: { accessToken: "b" } } } });
  assert.equal(session.value.hint, null);
});
