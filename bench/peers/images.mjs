// The images that the peers in Node.js serve, and what their schema needs besides its text.
import { readFileSync } from "node:fs";
import { GraphQLError } from "graphql";

export const typeDefs = readFileSync(new URL("schema.graphql", import.meta.url), "utf8");

// Those of a file, joined with their relatives.
function readImages(path) {
  const rows = JSON.parse(readFileSync(path, "utf8"));
  const images = new Map(
    rows.map((row) => [row.id, { ...row, createdAt: new Date(row.createdAt), parent: null, children: [] }]),
  );
  for (const row of rows) {
    if (row.parentId) {
      const image = images.get(row.id);
      image.parent = images.get(row.parentId);
      image.parent.children.push(image);
    }
  }
  return [...images.values()];
}

export function serializeMoment(moment) {
  if (!(moment instanceof Date)) throw new GraphQLError("A DateTime is a Date.");
  return moment.toISOString();
}

export function queryOf(path) {
  const images = readImages(path);
  return { gallery: async (_, { first }) => images.slice(0, first) };
}

export function ready(server) {
  console.log(`ready ${server.address().port}`);
}
