/** Where the page's parts are: beside it, or in the one file that it is. */
/* global ASSETS, DOWNLOAD_BYTES */

import { supportsFeature } from "@litertjs/core";

/**
 * @param {(share: number) => void} progress
 * @returns {Promise<{worker: Blob, assets: Object<string, Blob | string>}>} The worker's script;
 *     the network and the runtime, gzipped, the latter by the name that this browser can run.
 */
export async function findParts(progress) {
  const runtime = (await supportsFeature("relaxedSimd")) ? "litert" : "litert-compatible";
  if (!ASSETS) return inThisFile(runtime);
  await offlineCopy();
  let loaded = 0;
  const count = (bytes) => progress(Math.min(1, (loaded += bytes) / DOWNLOAD_BYTES));
  const names = ["worker", "network", runtime];
  const [worker, network, wasm] = await Promise.all(names.map((name) => load(ASSETS[name], count)));
  return { worker, assets: { network, [runtime]: wasm } };
}

async function load(name, count) {
  const response = await fetch(name);
  if (!response.ok) throw new Error(`${name}: ${response.status} ${response.statusText}`);
  const pieces = [];
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return new Blob(pieces);
    pieces.push(value);
    count(value.length);
  }
}

function inThisFile(runtime) {
  const text = (id) => document.getElementById(id).textContent;
  const address = (id) => `data:application/gzip;base64,${text(id)}`; // decoded by the worker
  const assets = { network: address("network"), [runtime]: address(runtime) };
  return { worker: new Blob([text("worker")]), assets };
}

/** Start what keeps the page for use without a connection; waits until it listens. */
async function offlineCopy() {
  const workers = navigator.serviceWorker; // not there without https
  if (!workers) return;
  const listening =
    workers.controller ||
    new Promise((resolve) => workers.addEventListener("controllerchange", resolve, { once: true }));
  try {
    await workers.register("service.js");
    await Promise.race([listening, new Promise((resolve) => setTimeout(resolve, 5000))]);
  } catch {
    // A private window may forbid it; the page colors all the same.
  }
}
