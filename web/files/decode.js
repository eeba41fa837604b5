/** A picture's file to upright 8-bit sRGB pixels, decoded by the browser. */

import { readWebpTurn } from "./metadata.js";
import { readPng } from "./png_reading.js";

export const MOST_PIXELS = 50e6;
const STRIP = 1 << 22; // pixels taken from the browser's copy at a time

/** A reason, in words for the page's reader, for which a file is not colored. */
export class Unusable extends Error {}

/**
 * @param {Blob} file
 * @returns {Promise<ImageBitmap>} Upright; to be closed.
 */
export async function openBitmap(file) {
  if (!file.size) throw new Unusable("the file is empty");
  let bitmap;
  try {
    bitmap = await uprightBitmap(file);
  } catch {
    throw new Unusable(
      "this browser cannot open it: it is damaged, or not a picture; try JPEG, PNG, or WebP",
    );
  }
  const { width, height } = bitmap;
  if (width * height > MOST_PIXELS) {
    bitmap.close();
    throw new Unusable(`${width} × ${height} pixels are more than 50 million; make it smaller`);
  }
  return bitmap;
}

async function uprightBitmap(file) {
  const webp = await readWebpTurn(file); // browsers do not agree on turning these
  const bitmap = await createImageBitmap(webp?.file ?? file, {
    imageOrientation: "from-image",
    premultiplyAlpha: "none",
    colorSpaceConversion: "default",
  });
  return webp ? turned(bitmap, webp.orientation) : bitmap;
}

/** A bitmap as EXIF's orientation says that it is to be seen. */
function turned(bitmap, orientation) {
  const { width: w, height: h } = bitmap;
  const [a, b, c, d, e, f] = {
    2: [-1, 0, 0, 1, w, 0],
    3: [-1, 0, 0, -1, w, h],
    4: [1, 0, 0, -1, 0, h],
    5: [0, 1, 1, 0, 0, 0],
    6: [0, 1, -1, 0, h, 0],
    7: [0, -1, -1, 0, h, w],
    8: [0, -1, 1, 0, 0, w],
  }[orientation];
  const canvas = a ? new OffscreenCanvas(w, h) : new OffscreenCanvas(h, w);
  const context = canvas.getContext("2d");
  context.setTransform(a, b, c, d, e, f);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return canvas.transferToImageBitmap();
}

/**
 * Take a bitmap's pixels.
 *
 * @param {ImageBitmap} bitmap
 * @param {Blob} file What it was opened from.
 * @returns {Promise<{data: Uint8ClampedArray, width: number, height: number, opaque: boolean,
 *     deep?: Uint16Array}>} RGBA; and grays of 16 bits of a file that has such.
 */
export async function pixelsOf(bitmap, file) {
  return (await readPng(file)) ?? copied(bitmap);
}

function copied(bitmap) {
  const { width, height } = bitmap;
  const data = new Uint8ClampedArray(width * height * 4);
  const rows = Math.min(height, Math.max(1, Math.floor(STRIP / width)));
  const canvas = new OffscreenCanvas(width, rows);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.globalCompositeOperation = "copy";
  for (let top = 0; top < height; top += rows) {
    const count = Math.min(rows, height - top);
    context.drawImage(bitmap, 0, top, width, count, 0, 0, width, count);
    data.set(context.getImageData(0, 0, width, count).data, top * width * 4);
  }
  return { data, width, height, opaque: isOpaque(data) };
}

function isOpaque(data) {
  for (let i = 3; i < data.length; i += 4) if (data[i] !== 255) return false;
  return true;
}
