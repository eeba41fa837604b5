/**
 * From pixels to chrominance: copies for the network, the network, smoothing. What colors a
 * picture is the map that `colorsOf` returns; `join` brings it to the picture's size.
 */

import { decodeChrominance, luminanceOf } from "./colorspace.js";
import { withinMount } from "./mounts.js";
import { workingShape } from "./recipe.js";
import { resize, shrink } from "./resize.js";
import { smooth } from "./smoothing.js";
import { spanOf, stretch } from "./stretching.js";

/**
 * Compute the chrominance of a picture.
 *
 * @param {Network} network
 * @param {object} recipe Of `readRecipe`.
 * @param {{data: Uint8ClampedArray, width: number, height: number}} pixels RGBA.
 * @returns {Promise<{inside, map, seen, scenes, exact: boolean}>} `inside` and `map` as `join`
 *     takes them; `seen`, the luminance that the network saw, for `applyHints`; scenes as [{name,
 *     probability}], the likeliest first; whether the network's copy has the shape that
 *     model_transform.py gives it.
 */
export async function colorsOf(network, recipe, pixels) {
  const inside = recipe.mount ? withinMount(pixels) : all(pixels);
  const wanted = workingShape(inside.height, inside.width, recipe.working_size);
  const [height, width] = network.nearestShape(...wanted);
  const copies = copiesOf(recipe, pixels, inside, height, width);
  const { features, probabilities } = await network.describe(copies.global);
  const encoded = await network.color(copies.local, height, width, features);
  const map = chrominanceMap(encoded, Math.ceil(height / 2), Math.ceil(width / 2));
  const seen = { data: copies.local, width, height };
  if (recipe.smoothing) map.planes = smooth(map.planes, map.width, map.height, seen);
  map.planes = map.planes.map((plane) => plane.map((value) => value * recipe.chroma));
  const exact = height === wanted[0] && width === wanted[1];
  return { inside, map, seen, scenes: ordered(recipe.class_names, probabilities), exact };
}

const all = ({ width, height }) => ({ left: 0, top: 0, width, height });

/** Luminance for the network's two paths: of the picture's shape, and square. */
function copiesOf(recipe, pixels, inside, height, width) {
  const local = luminanceOf(shrink(pixels, inside, width, height));
  const plane = { data: local, width, height, channels: 1 };
  const square = resize(plane, recipe.crop_size, recipe.crop_size, "bicubic").data;
  const global = square.map((value) => Math.min(1, Math.max(0, value)));
  if (!recipe.stretching) return { local, global };
  const span = spanOf(global);
  return { local: stretch(local, span), global: stretch(global, span) };
}

function chrominanceMap(encoded, height, width) {
  const planes = [0, 1].map((channel) =>
    Float32Array.from({ length: width * height }, (_, i) =>
      decodeChrominance(encoded[2 * i + channel]),
    ),
  );
  if (!planes.every((plane) => plane.every(Number.isFinite))) {
    throw new Error("the network produced values that are not finite");
  }
  return { planes, width, height };
}

function ordered(names, probabilities) {
  return Array.from(probabilities ?? [], (probability, i) => ({ name: names[i], probability })).sort(
    (a, b) => b.probability - a.probability,
  );
}
