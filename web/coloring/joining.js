/** A picture's own luminance joined with chrominance, as colornet/coloring/joining.py. */

import { lightness, writeRgb } from "./colorspace.js";
import { resize, taps } from "./resize.js";

/**
 * Color RGBA pixels in place, row by row; alpha stays. What is outside of `inside` becomes gray.
 *
 * @param {{data: Uint8ClampedArray, width: number, height: number}} pixels
 * @param {{left: number, top: number, width: number, height: number}} inside
 * @param {{planes: Float32Array[], width: number, height: number}} map a* and b* in Lab units,
 *     brought to the size of `inside` bilinearly.
 * @param {number} strength Multiplies the chrominance.
 */
export function join(pixels, inside, map, strength = 1) {
  const { data, width, height } = pixels;
  const [wideA, wideB] = map.planes.map(
    (plane) =>
      resize({ data: plane, width: map.width, height: map.height, channels: 1 }, inside.width,
        map.height, "bilinear").data,
  );
  const { first, count, weights, most } = taps(map.height, inside.height, "bilinear");
  const a = new Float32Array(inside.width);
  const b = new Float32Array(inside.width);
  for (let y = 0; y < height; y++) {
    const row = y - inside.top;
    const holds = row >= 0 && row < inside.height;
    if (holds) {
      a.fill(0);
      b.fill(0);
      for (let k = 0; k < count[row]; k++) {
        const weight = weights[row * most + k] * strength;
        const start = (first[row] + k) * inside.width;
        for (let x = 0; x < inside.width; x++) {
          a[x] += wideA[start + x] * weight;
          b[x] += wideB[start + x] * weight;
        }
      }
    }
    for (let x = 0, place = y * width * 4; x < width; x++, place += 4) {
      const light = lightness(data[place], data[place + 1], data[place + 2]);
      const column = x - inside.left;
      const colored = holds && column >= 0 && column < inside.width;
      writeRgb(data, place, light, colored ? a[column] : 0, colored ? b[column] : 0);
    }
  }
}
