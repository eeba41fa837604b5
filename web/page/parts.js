/** Where the page's parts are: beside it, or in the one file that it is. */
/* global ASSETS, DOWNLOAD_BYTES */

export const downloadBytes = DOWNLOAD_BYTES;

/** @returns {Promise<{worker: Blob, assets: Object<string, string>}>} Script, and addresses. */
export async function findParts() {
  if (!ASSETS) return inThisFile();
  await offlineCopy();
  const address = (name) => new URL(name, document.baseURI).href;
  const { worker, ...others } = ASSETS;
  const response = await fetch(address(worker));
  if (!response.ok) throw new Error(`${worker}: ${response.status}`);
  const assets = Object.entries(others).map(([name, file]) => [name, address(file)]);
  return { worker: await response.blob(), assets: Object.fromEntries(assets) };
}

function inThisFile() {
  const text = (id) => document.getElementById(id).textContent;
  const names = [...document.querySelectorAll("script[data-asset]")].map(({ id }) => id);
  const assets = names.map((name) => [name, `data:application/gzip;base64,${text(name)}`]);
  return { worker: new Blob([text("worker")]), assets: Object.fromEntries(assets) };
}

/** Start what keeps the page for use without a network connection; waits until it listens. */
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
