/** What a colored picture keeps of its file: EXIF, XMP, IPTC, texts, resolution; and what it says of its colors. */

import { orientationOf, upright } from "./exif.js";
import { chunk, pngChunks } from "./png.js";
import { describing } from "./xmp.js";

const EXIF_HEAD = "Exif\0\0";
const XMP_HEAD = "http://ns.adobe.com/xap/1.0/\0";
const XMP_WORD = "XML:com.adobe.xmp";
const LONGEST_SEGMENT = 65000; // bytes of one kind of metadata in a JPEG
const APP0 = 0xe0, APP1 = 0xe1, APP13 = 0xed, START_OF_SCAN = 0xda;

/**
 * @param {Uint8Array} bytes Of any file.
 * @returns {{type: string, exif?: Uint8Array, xmp?: Uint8Array, own: {name, content}[]}} Its media
 *     type, or ""; `own` are parts that only a file of the same type can hold.
 */
export function readMetadata(bytes) {
  const result = { type: typeOf(bytes), own: [] };
  try {
    ({ "image/jpeg": readJpeg, "image/png": readPng, "image/webp": readWebp })[result.type]?.(
      bytes,
      result,
    );
  } catch {
    // Damaged metadata is no reason to refuse a picture.
  }
  return result;
}

/** The bytes of an encoded picture with metadata of its source, and with what made its colors. */
export function withMetadata(bytes, type, metadata, size) {
  const exif = metadata.exif && upright(metadata.exif, size);
  const xmp = describing(metadata.xmp);
  const own = metadata.type === type ? metadata.own : [];
  const write = { "image/jpeg": toJpeg, "image/png": toPng, "image/webp": toWebp }[type];
  return write(bytes, exif, xmp, own, size);
}

function typeOf(bytes) {
  if (startsWith(bytes, 0, "\xff\xd8\xff")) return "image/jpeg";
  if (startsWith(bytes, 0, "\x89PNG")) return "image/png";
  return startsWith(bytes, 0, "RIFF") && startsWith(bytes, 8, "WEBP") ? "image/webp" : "";
}

function startsWith(bytes, place, text) {
  return [...text].every((letter, i) => bytes[place + i] === letter.charCodeAt(0));
}

const latin1 = (text) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const viewOf = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function joined(...parts) {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let place = 0;
  for (const part of parts) {
    result.set(part, place);
    place += part.length;
  }
  return result;
}

function readJpeg(bytes, result) {
  const view = viewOf(bytes);
  let place = 2;
  while (place + 4 <= bytes.length && bytes[place] === 0xff && bytes[place + 1] !== START_OF_SCAN) {
    const name = bytes[place + 1];
    const end = place + 2 + view.getUint16(place + 2);
    const content = bytes.subarray(place + 4, end);
    if (name === APP1 && startsWith(content, 0, EXIF_HEAD)) {
      result.exif ??= content.subarray(EXIF_HEAD.length);
    } else if (name === APP1 && startsWith(content, 0, XMP_HEAD)) {
      result.xmp ??= content.subarray(XMP_HEAD.length);
    } else if (name === APP13 || (name === APP0 && startsWith(content, 0, "JFIF\0"))) {
      result.own.push({ name, content });
    }
    place = end;
  }
}

function toJpeg(bytes, exif, xmp, own) {
  const segments = [];
  const add = (name, content) => {
    if (content.length > LONGEST_SEGMENT) return;
    const head = new Uint8Array([0xff, name, 0, 0]);
    viewOf(head).setUint16(2, content.length + 2);
    segments.push(head, content);
  };
  const [jfif] = own.filter(({ name }) => name === APP0);
  let place = 2;
  if (bytes[3] === APP0) {
    const end = 4 + viewOf(bytes).getUint16(4);
    const content = bytes.slice(6, end);
    if (jfif) content.set(jfif.content.subarray(7, 12), 7); // unit and density
    add(APP0, content);
    place = end;
  }
  if (exif) add(APP1, joined(latin1(EXIF_HEAD), exif));
  add(APP1, joined(latin1(XMP_HEAD), xmp));
  for (const { name, content } of own) if (name === APP13) add(name, content);
  return joined(bytes.subarray(0, 2), ...segments, bytes.subarray(place));
}

function readPng(bytes, result) {
  for (const { name, content } of pngChunks(bytes)) {
    if (name === "eXIf") result.exif = content;
    else if (name === "iTXt" && startsWith(content, 0, XMP_WORD)) {
      const packed = content[XMP_WORD.length + 1] === 1;
      if (!packed) result.xmp = content.subarray(afterTexts(content, XMP_WORD.length + 3));
    } else if (["pHYs", "tEXt", "zTXt", "iTXt"].includes(name)) result.own.push({ name, content });
  }
}

/** Place after the two texts (language, translated word) that each end with a zero. */
function afterTexts(content, place) {
  return content.indexOf(0, content.indexOf(0, place) + 1) + 1;
}

function toPng(bytes, exif, xmp, own) {
  const chunks = own.map(({ name, content }) => chunk(name, content));
  if (exif) chunks.push(chunk("eXIf", exif));
  chunks.push(chunk("iTXt", joined(latin1(`${XMP_WORD}\0\0\0\0\0`), xmp)));
  const header = 8 + 25; // signature and IHDR
  return joined(bytes.subarray(0, header), ...chunks, bytes.subarray(header));
}

function* webpChunks(bytes) {
  const view = viewOf(bytes);
  for (let place = 12; place + 8 <= bytes.length; ) {
    const name = String.fromCharCode(...bytes.subarray(place, place + 4));
    const length = view.getUint32(place + 4, true);
    yield { name, content: bytes.subarray(place + 8, place + 8 + length) };
    place += 8 + length + (length & 1);
  }
}

function readWebp(bytes, result) {
  for (const { name, content } of webpChunks(bytes)) {
    if (name === "EXIF") result.exif = withoutHead(content);
    else if (name === "XMP ") result.xmp = content;
  }
}

/** Some writers put what starts EXIF in a JPEG into a WebP as well. */
function withoutHead(exif) {
  return exif.subarray(startsWith(exif, 0, EXIF_HEAD) ? EXIF_HEAD.length : 0);
}

/** A WebP that its EXIF turns: {file without EXIF, orientation}; undefined for other files. */
export async function readWebpTurn(file) {
  const head = new Uint8Array(await file.slice(0, 12).arrayBuffer());
  if (typeOf(head) !== "image/webp") return undefined;
  const bytes = new Uint8Array(await file.arrayBuffer());
  const found = [...webpChunks(bytes)].find(({ name }) => name === "EXIF");
  const orientation = found ? orientationOf(withoutHead(found.content)) : 1;
  if (!(orientation > 1 && orientation <= 8)) return undefined;
  bytes.set(latin1("none"), found.content.byteOffset - 8); // its name: no reader knows this one
  return { file: new Blob([bytes], { type: "image/webp" }), orientation };
}

function toWebp(bytes, exif, xmp, own, { width, height, opaque }) {
  const chunks = [...webpChunks(bytes)].filter(({ name }) => name !== "VP8X");
  const profile = chunks.some(({ name }) => name === "ICCP");
  const extended = new Uint8Array(10);
  const view = viewOf(extended);
  extended[0] = (profile ? 0x20 : 0) | (opaque ? 0 : 0x10) | (exif ? 0x08 : 0) | 0x04;
  view.setUint16(4, (width - 1) & 0xffff, true);
  view.setUint32(6, ((width - 1) >>> 16) | ((height - 1) << 8), true);
  chunks.unshift({ name: "VP8X", content: extended });
  if (exif) chunks.push({ name: "EXIF", content: exif });
  chunks.push({ name: "XMP ", content: xmp });
  const body = joined(latin1("WEBP"), ...chunks.flatMap(webpChunk));
  const head = latin1("RIFF\0\0\0\0");
  viewOf(head).setUint32(4, body.length, true);
  return joined(head, body);
}

function webpChunk({ name, content }) {
  const head = latin1(`${name}\0\0\0\0`);
  viewOf(head).setUint32(4, content.length, true);
  return [head, content, new Uint8Array(content.length & 1)];
}
