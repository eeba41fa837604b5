/**
 * Builds dist/page/ (a folder for any static host) and dist/colorize.html (everything in one file).
 *
 *     node build.mjs NETWORK OUT      NETWORK: folder of `model_export.py --kind web`
 */

import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { build } from "esbuild";

import { readRecipe } from "./coloring/recipe.js";

const HERE = dirname(fileURLToPath(import.meta.url));
const [network, out] = process.argv.slice(2);
if (!out) {
  console.error("expected two folders: node build.mjs NETWORK OUT");
  process.exit(2);
}

const source = (name) => readFile(join(HERE, name), "utf8");
const wasm = join(dirname(createRequire(import.meta.url).resolve("@litertjs/core")), "../wasm");
const zipped = async (name) => gzipSync(await readFile(join(wasm, name)), { level: 9 });

const settings = readRecipe(JSON.parse(await readFile(join(network, "settings.json"), "utf8")));
const large = {
  network: await readFile(join(network, "network.tflite.gz")),
  litert: await zipped("litert_wasm_internal.wasm"),
  "litert-compatible": await zipped("litert_wasm_compat_internal.wasm"), // for older browsers
};
const constants = {
  SETTINGS: settings,
  TOOL: `Let there be Color ${/VERSION = "(.*)"/.exec(await source("../colornet/versions.py"))[1]}`,
  DOWNLOAD_BYTES: large.network.length + large.litert.length,
};
const worker = await bundled("worker.js");
await writeFolder(join(out, "page"));
await writeFile(join(out, "colorize.html"), await oneFile());

/** The text of a script with its modules, and some constants, inside. */
async function bundled(name, more = {}) {
  const named = Object.entries({ ...constants, ...more });
  const made = await build({
    entryPoints: [join(HERE, name)],
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    target: "es2022",
    external: ["node:*"],
    alias: { "@litertjs/wasm-utils": join(HERE, "runtime.js") },
    define: Object.fromEntries(named.map(([key, value]) => [key, JSON.stringify(value)])),
    legalComments: "none",
    plugins: [{ name: "runtime", setup: exportRuntime }],
    logLevel: "warning",
  });
  return made.outputFiles[0].text;
}

/** LiteRT.js has its WebAssembly's scripts define a global; a module has to export it. */
function exportRuntime({ onLoad }) {
  onLoad({ filter: /litert_wasm\w*_internal\.js$/ }, async ({ path }) => ({
    contents: `${await readFile(path, "utf8")}\nexport default ModuleFactory;`,
  }));
}

function sha256(content, encoding) {
  return createHash("sha256").update(content).digest(encoding);
}

/** The page's HTML with a content security policy: what is not listed is forbidden. */
async function html(script, style, connect) {
  const policy = [
    "default-src 'none'",
    `script-src ${script} 'wasm-unsafe-eval'`,
    `worker-src blob: ${script}`,
    `style-src ${style}`,
    `connect-src ${connect}`,
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
  ];
  return (await source("index.html")).replace("POLICY", policy.join("; "));
}

async function writeFolder(folder) {
  const ending = (name) => `${sha256(large[name], "hex").slice(0, 12)}.gz`;
  const names = Object.fromEntries(Object.keys(large).map((name) => [name, `${name}-${ending(name)}`]));
  const small = {
    "style.css": await source("style.css"),
    "icon.svg": await source("icon.svg"),
    "licenses.txt": await source("licenses.txt"),
    "page.js": await bundled("page.js", { ASSETS: { ...names, worker: "worker.js" } }),
    "worker.js": worker,
  };
  const index = await html("'self'", "'self'", "'self'");
  const service = await bundled("service.js", {
    VERSION: sha256([index, ...Object.values(small)].join(""), "hex").slice(0, 12),
    SMALL: ["./", "index.html", ...Object.keys(small)],
    LARGE: Object.values(names),
  });
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const files = { "index.html": index, ...small, "service.js": service };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  for (const name of Object.keys(large)) await writeFile(join(folder, names[name]), large[name]);
}

/** A page that needs no host: scripts and the network inside, the network as base64. */
async function oneFile() {
  const inScript = (text) => text.replaceAll("</script", "<\\/script");
  const style = await source("style.css");
  const script = inScript(await bundled("page.js", { ASSETS: null }));
  const hash = (text) => `'sha256-${sha256(text, "base64")}'`;
  const icon = Buffer.from(await source("icon.svg")).toString("base64");
  const data = Object.entries(large).map(
    ([name, content]) =>
      `<script type="text/plain" id="${name}">${content.toString("base64")}</script>`,
  );
  const scripts = [
    `<script type="text/plain" id="worker">${inScript(worker)}</script>`,
    ...data,
    `<script>${script}</script>`,
  ];
  const parts = {
    '<link rel="icon" href="icon.svg" />': `<link rel="icon" href="data:image/svg+xml;base64,${icon}" />`,
    '<link rel="stylesheet" href="style.css" />': `<style>${style}</style>`,
    '<script type="module" src="page.js"></script>': scripts.join("\n"),
  };
  let page = await html(hash(script), hash(style), "data:");
  for (const [from, to] of Object.entries(parts)) page = page.replace(from, () => to);
  return page;
}
