/**
 * PNGs that a canvas would change: it has no more than 8 bits, and forgets the colors of
 * transparent pixels. Of all others, and of those with a color profile, `readPng` is undefined.
 */

import { pngChunks } from "./png.js";

const GRAY = 0, GRAY_ALPHA = 4, RGB_ALPHA = 6; // kinds of pixels, in the header
const CHANNELS = { [GRAY]: 1, [GRAY_ALPHA]: 2, [RGB_ALPHA]: 4 };
const LEFT_TO_THE_BROWSER = ["iCCP", "gAMA", "cICP", "tRNS", "eXIf", "acTL"];

/**
 * @param {Blob} file
 * @returns {Promise<object | undefined>} Pixels as of `pixelsOf`.
 */
export async function readPng(file) {
  if (file.type && file.type !== "image/png") return undefined;
  const head = new Uint8Array(await file.slice(0, 33).arrayBuffer());
  const [bits, kind, , , interlaced] = head.subarray(24);
  const wanted = bits === 16 ? kind in CHANNELS : bits === 8 && kind in CHANNELS && kind !== GRAY;
  if (head[0] !== 0x89 || head[1] !== 0x50 || !wanted || interlaced) return undefined;
  const chunks = [...pngChunks(new Uint8Array(await file.arrayBuffer()))];
  if (chunks.some(({ name }) => LEFT_TO_THE_BROWSER.includes(name))) return undefined;
  const view = new DataView(head.buffer);
  const size = { width: view.getUint32(16), height: view.getUint32(20) };
  const packed = chunks.filter(({ name }) => name === "IDAT").map(({ content }) => content);
  try {
    const plain = new Blob(packed).stream().pipeThrough(new DecompressionStream("deflate"));
    const bytes = new Uint8Array(await new Response(plain).arrayBuffer());
    return pixelsFrom(bytes, size, CHANNELS[kind], bits / 8);
  } catch {
    return undefined; // damaged: the browser shows what is left of it
  }
}

function pixelsFrom(bytes, { width, height }, channels, depth) {
  const step = channels * depth;
  const length = width * step;
  if (bytes.length < height * (length + 1)) return undefined;
  const data = new Uint8ClampedArray(width * height * 4).fill(255);
  const deep = channels === 1 ? new Uint16Array(width * height) : undefined;
  let above = new Uint8Array(length);
  for (let y = 0, pixel = 0; y < height; y++) {
    const start = y * (length + 1);
    const row = bytes.subarray(start + 1, start + 1 + length);
    unfilter(bytes[start], row, above, step);
    above = row;
    for (let place = 0; place < length; place += step, pixel++) {
      if (deep) deep[pixel] = row[place] * 256 + row[place + 1];
      const alpha = channels - 1;
      for (let c = 0; c < 3; c++) data[4 * pixel + c] = row[place + (channels > 2 ? c * depth : 0)];
      if (alpha) data[4 * pixel + 3] = row[place + alpha * depth];
    }
  }
  return { data, width, height, opaque: channels === 1, deep };
}

/** Undo a row's filter, in place. */
function unfilter(filter, row, above, step) {
  for (let i = 0; i < row.length; i++) {
    const left = i < step ? 0 : row[i - step];
    const up = above[i];
    if (filter === 1) row[i] += left;
    else if (filter === 2) row[i] += up;
    else if (filter === 3) row[i] += (left + up) >> 1;
    else if (filter === 4) row[i] += paeth(left, up, i < step ? 0 : above[i - step]);
  }
}

function paeth(left, up, corner) {
  const all = left + up - corner;
  const [a, b, c] = [Math.abs(all - left), Math.abs(all - up), Math.abs(all - corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}
