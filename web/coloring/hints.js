/**
 * Strokes of color that a person painted, spread over the network's chrominance as by
 * colornet/coloring/hints.py: the same grid, weights, and conjugate gradients.
 */

import { chromaOf } from "./colorspace.js";
import { resize } from "./resize.js";

const GRID = 112; // cells of the longer side of the grid that corrections are solved on
const EDGE = 0.03; // luminance difference, of [0, 1], over which a correction hardly spreads
const PULL = 0.001; // weight of "no correction"; that of a neighbor of the same luminance is 1
const STROKE = 100; // weight of the stroke's color in a cell that strokes cover
const ITERATIONS = 500; // of conjugate gradients, at most
const RESIDUAL = 1e-5; // of the right-hand side, at which they stop
const NEIGHBORS = [[0, 1], [1, 0], [1, 1], [1, -1]]; // [down, right]; the other four mirror these

/**
 * Correct chrominance by strokes.
 *
 * @param {{planes: Float32Array[], width: number, height: number}} map a* and b*, the network's.
 * @param {{data: Float32Array, width: number, height: number}} luminance In [0, 1]; any size.
 * @param {{data: Uint8ClampedArray, width: number, height: number}} strokes RGBA; any size.
 * @returns {{planes: Float32Array[], width: number, height: number}} On the grid.
 */
export function applyHints(map, luminance, strokes) {
  const scale = GRID / Math.max(map.width, map.height);
  const width = Math.max(1, Math.round(map.width * scale));
  const height = Math.max(1, Math.round(map.height * scale));
  const fit = (plane, { width: w, height: h }, filter) =>
    resize({ data: plane, width: w, height: h, channels: 1 }, width, height, filter).data;
  const { opaque, colors } = painted(strokes);
  const coverage = fit(opaque, strokes, "box");
  const light = fit(luminance.data, luminance, "box");
  const grid = new Grid(light, coverage, width, height);
  const own = map.planes.map((plane) => fit(plane, map, "bilinear"));
  const corrections = colors.map((color, channel) =>
    fit(color, strokes, "box").map(
      (value, i) => value / Math.max(coverage[i], 1e-6) - own[channel][i],
    ),
  );
  const spread = grid.solve(corrections);
  const planes = own.map((plane, channel) => plane.map((value, i) => value + spread[channel][i]));
  return { planes, width, height };
}

/** How opaque strokes are, and a* and b* times that. */
function painted({ data, width, height }) {
  const [opaque, a, b] = [0, 1, 2].map(() => new Float32Array(width * height));
  for (let i = 0; i < opaque.length; i++) {
    if (!data[4 * i + 3]) continue;
    opaque[i] = data[4 * i + 3] / 255;
    const color = chromaOf(data[4 * i], data[4 * i + 1], data[4 * i + 2]);
    a[i] = opaque[i] * color[0];
    b[i] = opaque[i] * color[1];
  }
  return { opaque, colors: [a, b] };
}

/** Cells that are linked to their eight neighbors, the more the closer their luminance. */
class Grid {
  constructor(light, coverage, width, height) {
    this.coverage = coverage;
    this.links = NEIGHBORS.map(([down, right]) => {
      const step = down * width + right;
      const weights = new Float64Array(light.length); // 0 where there is no such neighbor
      for (let y = 0; y < height - down; y++) {
        for (let x = Math.max(0, -right); x < width - Math.max(0, right); x++) {
          const i = y * width + x;
          weights[i] = Math.exp(-((light[i] - light[i + step]) ** 2) / (2 * EDGE ** 2));
        }
      }
      return { step, weights };
    });
    this.diagonal = Float64Array.from(coverage, (share) => PULL + STROKE * share);
    for (const { step, weights } of this.links) {
      weights.forEach((weight, i) => {
        if (!weight) return;
        this.diagonal[i] += weight;
        this.diagonal[i + step] += weight;
      });
    }
  }

  #times(x) {
    const product = x.map((value, i) => value * this.diagonal[i]);
    for (const { step, weights } of this.links) {
      for (let i = 0; i + step < x.length; i++) {
        product[i] -= weights[i] * x[i + step];
        product[i + step] -= weights[i] * x[i];
      }
    }
    return product;
  }

  /** Spread corrections, which count where there is coverage, by conjugate gradients. */
  solve(corrections) {
    const solutions = corrections.map((correction) => this.#begin(correction));
    for (let iteration = 0; iteration < ITERATIONS; iteration++) {
      if (solutions.every(({ energy, enough }) => energy <= enough)) break;
      solutions.forEach((solution) => this.#improve(solution));
    }
    return solutions.map(({ result }) => result);
  }

  #begin(correction) {
    const residual = Float64Array.from(
      correction,
      (value, i) => STROKE * this.coverage[i] * value,
    );
    const direction = residual.map((value, i) => value / this.diagonal[i]);
    const energy = dot(residual, direction);
    const result = new Float64Array(residual.length);
    return { result, residual, direction, energy, enough: RESIDUAL ** 2 * energy };
  }

  #improve(solution) {
    const { result, residual, direction } = solution;
    const product = this.#times(direction);
    const length = solution.energy / Math.max(dot(direction, product), 1e-30);
    for (let i = 0; i < result.length; i++) {
      result[i] += length * direction[i];
      residual[i] -= length * product[i];
    }
    const scaled = residual.map((value, i) => value / this.diagonal[i]);
    const energy = dot(residual, scaled);
    const share = energy / Math.max(solution.energy, 1e-30);
    solution.direction = scaled.map((value, i) => value + share * direction[i]);
    solution.energy = energy;
  }
}

function dot(x, y) {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * y[i];
  return sum;
}
