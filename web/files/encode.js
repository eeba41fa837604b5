/** Pixels to a file of the kind that they came from, with what that file says of the photograph. */

import { Unusable } from "./decode.js";
import { readMetadata, withMetadata } from "./metadata.js";
import { encodePng } from "./png.js";

const QUALITY = 0.95; // of JPEG and WebP
const LONGEST = 16383; // pixels of a WebP's side, and of a canvas's in the narrowest browsers
const ENDINGS = { "image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp" };

/**
 * @param {Blob} file What the pixels came from.
 * @param {{data: Uint8ClampedArray, width: number, height: number, opaque: boolean}} pixels
 * @returns {Promise<{blob: Blob, ending: string}>}
 */
export async function encode(file, pixels) {
  const metadata = readMetadata(new Uint8Array(await file.arrayBuffer()));
  const wanted = ENDINGS[metadata.type] ? metadata.type : "image/png";
  const made =
    wanted === "image/png" || Math.max(pixels.width, pixels.height) > LONGEST
      ? await encodePng(pixels)
      : await byBrowser(pixels, wanted);
  const bytes = new Uint8Array(await made.arrayBuffer());
  const blob = new Blob([withMetadata(bytes, made.type, metadata, pixels)], { type: made.type });
  return { blob, ending: ENDINGS[made.type] };
}

async function byBrowser({ data, width, height }, type) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Unusable("there is not enough memory to save it");
  context.putImageData(new ImageData(data, width, height), 0, 0);
  return canvas.convertToBlob({ type, quality: QUALITY }); // PNG where it cannot write the type
}
