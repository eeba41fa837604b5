/** PNG's chunks, and writing: a canvas would lose the colors of transparent pixels. */

import { crc32 } from "./crc32.js";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const SUB = 1; // filter: each byte less that of the pixel before

/** Encode RGBA pixels as RGB, or RGBA where they are not opaque. */
export async function encodePng({ data, width, height, opaque }) {
  const channels = opaque ? 3 : 4;
  let row = 0;
  const rows = new ReadableStream({
    pull(controller) {
      const count = Math.min(64, height - row);
      controller.enqueue(filtered(data, width, row, count, channels));
      row += count;
      if (row === height) controller.close();
    },
  });
  const packed = rows.pipeThrough(new CompressionStream("deflate"));
  const body = new Uint8Array(await new Response(packed).arrayBuffer());
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, opaque ? 2 : 6], 8);
  const parts = [new Uint8Array(SIGNATURE), chunk("IHDR", header), chunk("IDAT", body)];
  return new Blob([...parts, chunk("IEND", new Uint8Array())], { type: "image/png" });
}

function filtered(data, width, first, count, channels) {
  const result = new Uint8Array(count * (1 + width * channels));
  let place = 0;
  for (let row = first; row < first + count; row++) {
    result[place++] = SUB;
    for (let x = 0, from = row * width * 4; x < width; x++, from += 4) {
      for (let c = 0; c < channels; c++) {
        result[place++] = data[from + c] - (x ? data[from + c - 4] : 0);
      }
    }
  }
  return result;
}

/** A chunk of a PNG: length, name, content, checksum. */
export function chunk(name, content) {
  const result = new Uint8Array(12 + content.length);
  const view = new DataView(result.buffer);
  view.setUint32(0, content.length);
  for (let i = 0; i < 4; i++) result[4 + i] = name.charCodeAt(i);
  result.set(content, 8);
  view.setUint32(8 + content.length, crc32(result.subarray(4, 8 + content.length)));
  return result;
}

/** The chunks of a PNG, one by one: {name, content}. */
export function* pngChunks(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let place = 8; place + 12 <= bytes.length; place += 12 + view.getUint32(place)) {
    const name = String.fromCharCode(...bytes.subarray(place + 4, place + 8));
    yield { name, content: bytes.subarray(place + 8, place + 8 + view.getUint32(place)) };
  }
}
