/**
 * Chrominance without patches: the guided filter of colornet/coloring/smoothing.py, on the
 * network's small map.
 */

import { resize } from "./resize.js";

const REACH = 1 / 9; // of the map's longer side, that a window extends to each side
const EDGE = 0.03; // of the luminance's [0, 1]: deviations in a window above it count as an edge

/**
 * @param {Float32Array[]} planes a* and b*, width * height each.
 * @param {{data: Float32Array, width: number, height: number}} luminance What the network saw.
 * @returns {Float32Array[]} The smoothed planes.
 */
export function smooth(planes, width, height, luminance) {
  const light = resize({ ...luminance, channels: 1 }, width, height, "box").data;
  const radius = Math.round(REACH * Math.max(width, height));
  const means = (plane) => windowMeans(plane, width, height, radius);
  const times = (one, other) => Float64Array.from(one, (value, i) => value * other[i]);
  const mean = means(light);
  const square = means(times(light, light));
  return planes.map((plane) => {
    const meanPlane = means(plane);
    const product = means(times(light, plane));
    const slopes = product.map(
      (value, i) => (value - mean[i] * meanPlane[i]) / (square[i] - mean[i] ** 2 + EDGE ** 2),
    );
    const offsets = meanPlane.map((value, i) => value - slopes[i] * mean[i]);
    const slope = means(slopes);
    const offset = means(offsets);
    return Float32Array.from(light, (value, i) => slope[i] * value + offset[i]);
  });
}

/** Means over square windows, cut off at the borders. */
function windowMeans(plane, width, height, radius) {
  const rows = Float64Array.from(plane);
  for (let y = 0; y < height; y++) lineMeans(rows, y * width, 1, width, radius);
  for (let x = 0; x < width; x++) lineMeans(rows, x, width, height, radius);
  return rows;
}

function lineMeans(data, start, step, length, radius) {
  const sums = new Float64Array(length + 1);
  for (let i = 0; i < length; i++) sums[i + 1] = sums[i] + data[start + i * step];
  for (let i = 0; i < length; i++) {
    const first = Math.max(0, i - radius);
    const stop = Math.min(length, i + radius + 1);
    data[start + i * step] = (sums[stop] - sums[first]) / (stop - first);
  }
}
