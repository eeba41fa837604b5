/** Decodes, colors, joins, and encodes pictures, so that the page stays quick. */
/* global SETTINGS */

import { colorsOf } from "./coloring/colorizer.js";
import { applyHints } from "./coloring/hints.js";
import { join } from "./coloring/joining.js";
import { Network } from "./coloring/network.js";
import { readRecipe } from "./coloring/recipe.js";
import { crc32 } from "./files/crc32.js";
import { openBitmap, pixelsOf } from "./files/decode.js";
import { encode } from "./files/encode.js";
import { readRuntimeBy } from "./runtime.js";

const recipe = readRecipe(SETTINGS);
let network;
let held; // the pixels of the photograph that is shown

const tasks = {
  /** Load the runtime and the network from {name: Blob or data URL}, gzipped. */
  async load({ assets }) {
    readRuntimeBy((name) => unzipped(assets[name]));
    network = await Network.load(await unzipped(assets.network));
  },

  /** Color a file; `colors` is what `paint` and `save` take. */
  async color({ file, longest }) {
    const bitmap = await openBitmap(file);
    try {
      const pixels = await pixelsOf(bitmap, file);
      const { width, height } = pixels;
      const { inside, map, seen, scenes, exact } = await colorsOf(network, recipe, pixels);
      const colors = { inside, map, seen, width, height };
      const thumbnail = smaller(bitmap, longest);
      join(thumbnail, scaled(colors, thumbnail), map);
      return { thumbnail, width, height, scenes: scenes.slice(0, 3), exact, colors };
    } finally {
      bitmap.close();
    }
  },

  /** Hold a file's preview, at most `longest` pixels a side, for `paint`. */
  async preview({ file, longest }) {
    const bitmap = await openBitmap(file);
    held = smaller(bitmap, longest);
    bitmap.close();
    return { preview: copyOf(held) };
  },

  /** Color the held preview. */
  paint({ colors, strength, strokes }) {
    const painted = copyOf(held);
    join(painted, scaled(colors, painted), mapOf(colors, strength, strokes));
    return { painted };
  },

  /** Color a file at its full size and encode it. */
  async save({ file, ...choices }) {
    const { blob, ending } = await encode(file, await joined(file, choices));
    return { blob, ending, checksum: crc32(new Uint8Array(await blob.arrayBuffer())) };
  },

  /** The pixels of a file in color, before they are encoded. */
  async pixels({ file, ...choices }) {
    return { pixels: await joined(file, choices) };
  },
};

async function joined(file, { colors, strength, strokes }) {
  const bitmap = await openBitmap(file);
  const pixels = await pixelsOf(bitmap, file);
  bitmap.close();
  join(pixels, colors.inside, mapOf(colors, strength, strokes));
  return pixels;
}

/** The network's chrominance at a strength; strokes have the colors that they have. */
function mapOf(colors, strength, strokes) {
  const planes = colors.map.planes.map((plane) => plane.map((value) => value * strength));
  const map = { ...colors.map, planes };
  if (!strokes) return map;
  return applyHints(map, colors.seen, cut(strokes, scaled(colors, strokes)));
}

/** A part of RGBA pixels. */
function cut({ data, width }, part) {
  const result = new Uint8ClampedArray(part.width * part.height * 4);
  for (let y = 0; y < part.height; y++) {
    const start = ((part.top + y) * width + part.left) * 4;
    result.set(data.subarray(start, start + part.width * 4), y * part.width * 4);
  }
  return { data: result, width: part.width, height: part.height };
}

function smaller(bitmap, longest) {
  const share = Math.min(1, longest / Math.max(bitmap.width, bitmap.height));
  const width = Math.max(1, Math.round(bitmap.width * share));
  const height = Math.max(1, Math.round(bitmap.height * share));
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  return { data: context.getImageData(0, 0, width, height).data, width, height };
}

const copyOf = (pixels) => ({ ...pixels, data: pixels.data.slice() });

/** Where a picture's mount ends, in its preview. */
function scaled({ inside, width, height }, preview) {
  const across = preview.width / width;
  const down = preview.height / height;
  const left = Math.round(inside.left * across);
  const top = Math.round(inside.top * down);
  return {
    left,
    top,
    width: Math.max(1, Math.round((inside.left + inside.width) * across) - left),
    height: Math.max(1, Math.round((inside.top + inside.height) * down) - top),
  };
}

async function unzipped(source) {
  const packed = source instanceof Blob ? source.stream() : (await fetch(source)).body;
  const plain = packed.pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(plain).arrayBuffer());
}

onmessage = async ({ data: { task, ...values } }) => {
  try {
    const result = await tasks[task](values);
    const large = result && (result.preview ?? result.painted ?? result.pixels);
    postMessage({ result }, large ? [large.data.buffer] : []);
  } catch (error) {
    postMessage({ error: error instanceof RangeError ? "not enough memory for it" : error.message });
  }
};
