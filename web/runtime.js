/**
 * Stands in for @litertjs/wasm-utils, which loads scripts by address: here the runtime's script
 * is part of the worker, and its WebAssembly comes as bytes.
 */

import compatible from "@litertjs/core/wasm/litert_wasm_compat_internal.js";
import usual from "@litertjs/core/wasm/litert_wasm_internal.js";

let readBytes;

/** @param {(name: string) => Promise<Uint8Array>} read Reads "litert" or "litert-compatible". */
export function readRuntimeBy(read) {
  readBytes = read;
}

/** Called by LiteRT.js with the name of the script that this browser can run. */
export async function createWasmLib(Library, script) {
  const [factory, name] = script.includes("compat")
    ? [compatible, "litert-compatible"]
    : [usual, "litert"];
  const wasmBinary = await readBytes(name);
  return new Library(await factory({ wasmBinary, printErr: console.debug })); // it logs its start
}
