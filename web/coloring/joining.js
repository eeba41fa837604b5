/** A picture's own luminance joined with chrominance, as colornet/coloring/joining.py. */

import { colorRow } from "./colorspace.js";
import { resize, taps } from "./resize.js";

/**
 * Color RGBA pixels in place, row by row; alpha stays. What is outside of `inside` becomes gray.
 *
 * @param {{data: Uint8ClampedArray, width: number, height: number, deep?: Uint16Array}} pixels
 *     `deep` are grays of 16 bits, where there are such.
 * @param {{left: number, top: number, width: number, height: number}} inside
 * @param {{planes: Float32Array[], width: number, height: number}} map a* and b* in Lab units,
 *     brought to the size of `inside` bilinearly.
 */
export function join(pixels, inside, map) {
  const { width, height } = pixels;
  const { left, top } = inside;
  const wide = map.planes.map((plane) => {
    const all = { data: plane, width: map.width, height: map.height, channels: 1 };
    return resize(all, inside.width, map.height, "bilinear").data;
  });
  const { first, count, weights, most } = taps(map.height, inside.height, "bilinear");
  const rows = wide.map(() => new Float32Array(width)); // a* and b* of a row; 0 in the mount
  for (let y = 0; y < height; y++) {
    const row = y - top;
    wide.forEach((plane, channel) => {
      const sums = rows[channel].subarray(left, left + inside.width).fill(0);
      if (row < 0 || row >= inside.height) return;
      for (let k = 0; k < count[row]; k++) {
        addTimes(sums, plane, (first[row] + k) * inside.width, weights[row * most + k]);
      }
    });
    const deep = pixels.deep?.subarray(y * width, (y + 1) * width);
    colorRow(pixels.data, y * width * 4, ...rows, deep);
  }
}

function addTimes(sums, plane, start, weight) {
  for (let x = 0; x < sums.length; x++) sums[x] += plane[start + x] * weight;
}
