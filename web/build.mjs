// Bundles the explorer into dist/: the page, and next to it a folder of files whose names carry their hash.
// `node build.mjs --tests` bundles the unit tests into build/tests/ instead, for node's own test runner.
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import * as esbuild from "esbuild";

const HERE = import.meta.dirname;
const DIST = join(HERE, "dist");
const FILES = join(DIST, "explorer");
const PUBLIC_PATH = "/explorer/";
const WORTH_PACKING_BYTES = 2048;

const COMMON = {
  absWorkingDir: HERE,
  bundle: true,
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
  metafile: true,
  target: "es2022",
};
/** Monaco's scripts import their own styles; graphiql/style.css holds them already. */
const WITHOUT_MONACO_STYLES = {
  name: "without-monaco-styles",
  setup: ({ onLoad }) => onLoad({ filter: /monaco-editor.*\.css$/ }, () => ({ contents: "", loader: "css" })),
};
const BROWSER = {
  ...COMMON,
  entryNames: "[name]-[hash]",
  chunkNames: "chunk-[hash]",
  assetNames: "[name]-[hash]",
  loader: { ".graphql": "text", ".svg": "file" },
  minify: true,
  outdir: FILES,
  plugins: [WITHOUT_MONACO_STYLES],
  publicPath: PUBLIC_PATH,
};
const WORKERS = {
  editor: "monaco-editor/esm/vs/editor/editor.worker.js",
  graphql: "monaco-graphql/esm/graphql.worker.js",
  json: "monaco-editor/esm/vs/language/json/json.worker.js",
};

/** Maps each entry point's name to the address of what was made of it. */
function addresses({ metafile }) {
  const made = Object.entries(metafile.outputs).filter(([, output]) => output.entryPoint);
  return Object.fromEntries(
    made.map(([path, output]) => [basename(path).replace(/-[A-Z0-9]{8}\.js$/, ""), { path: url(path), css: output.cssBundle }]),
  );
}

function url(path) {
  return PUBLIC_PATH + basename(path);
}

/** Monaco's workers run alone, each as one classic script. */
async function buildWorkers() {
  const result = await esbuild.build({
    ...BROWSER,
    entryPoints: Object.entries(WORKERS).map(([out, module]) => ({ in: module, out: `${out}.worker` })),
    format: "iife",
  });
  const made = addresses(result);
  return Object.fromEntries(Object.keys(WORKERS).map((name) => [name, made[`${name}.worker`].path]));
}

async function buildPage(workers) {
  const result = await esbuild.build({
    ...BROWSER,
    define: { "process.env.NODE_ENV": '"production"', WORKER_ADDRESSES: JSON.stringify(workers) },
    entryPoints: ["src/main.tsx"],
    format: "esm",
    jsx: "automatic",
    splitting: true,
  });
  const { main } = addresses(result);
  const favicon = Object.keys(result.metafile.outputs).find((path) => path.endsWith(".svg"));
  const page = await readFile(join(HERE, "src/index.html"), "utf8");
  const values = { main: main.path, style: url(main.css), favicon: url(favicon) };
  await writeFile(join(DIST, "explorer.html"), page.replaceAll(/%(\w+)%/g, (_, name) => values[name]));
}

/** Puts a `.gz` beside each large text file, so that the server never packs one while somebody waits. */
async function pack() {
  const names = (await readdir(FILES)).filter((name) => /\.(js|css|svg)$/.test(name));
  await Promise.all(
    names.map(async (name) => {
      const content = await readFile(join(FILES, name));
      if (content.length >= WORTH_PACKING_BYTES) {
        await writeFile(join(FILES, `${name}.gz`), await promisify(gzip)(content, { level: 9 }));
      }
    }),
  );
}

async function buildTests() {
  const outdir = join(HERE, "build/tests");
  await rm(outdir, { recursive: true, force: true });
  const names = await readdir(join(HERE, "tests"));
  await esbuild.build({
    ...COMMON,
    entryPoints: names.filter((name) => name.endsWith(".test.ts")).map((name) => `tests/${name}`),
    format: "esm",
    outdir,
    outExtension: { ".js": ".mjs" },
    packages: "external",
    platform: "node",
  });
}

if (process.argv.includes("--tests")) {
  await buildTests();
} else {
  await rm(DIST, { recursive: true, force: true });
  await buildPage(await buildWorkers());
  await pack();
}
