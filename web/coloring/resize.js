/**
 * Pillow's resampling, so that the network sees here what it sees on the command line.
 *
 * Planes are {data, width, height, channels} with interleaved channels: Uint8 data is rounded
 * after each direction with fixed-point weights, as Pillow does, and Float32 data is not.
 */

const FIXED = 1 << 22; // Pillow's weights of 8-bit pixels are integers of this many parts

const FILTERS = {
  box: { support: 0.5, at: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, at: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, at: bicubic },
};

function bicubic(x) {
  const a = -0.5;
  const d = Math.abs(x);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  if (d < 2) return (((d - 5) * d + 8) * d - 4) * a;
  return 0;
}

/**
 * Compute which input samples make each output sample.
 *
 * @param {number} from Input samples.
 * @param {number} to Output samples.
 * @param {string} name One of FILTERS.
 * @param {number} extent Input samples that the output covers; below `from` where an averaged
 *     last sample stands for a part only.
 * @returns {{first: Int32Array, count: Int32Array, weights: Float64Array, most: number}} Weights
 *     of output i start at i * most.
 */
export function taps(from, to, name, extent = from) {
  const filter = FILTERS[name];
  const scale = Math.fround(extent) / to;
  const stretch = Math.max(scale, 1);
  const support = filter.support * stretch;
  const most = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(to);
  const count = new Int32Array(to);
  const weights = new Float64Array(to * most);
  for (let i = 0; i < to; i++) {
    const center = (i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(center - support + 0.5));
    const stop = Math.min(from, Math.trunc(center + support + 0.5));
    let sum = 0;
    for (let x = start; x < stop; x++) {
      sum += weights[i * most + x - start] = filter.at((x - center + 0.5) * (1 / stretch));
    }
    for (let k = 0; k < stop - start; k++) weights[i * most + k] /= sum;
    first[i] = start;
    count[i] = stop - start;
  }
  return { first, count, weights, most };
}

/**
 * Resize a plane: rows first, unless the height shrinks by more than twice what the width does.
 *
 * @param {number[]} extents The covered samples [x, y], as in `taps`.
 */
export function resize(plane, width, height, name, extents = [plane.width, plane.height]) {
  const passes = [
    width === plane.width && extents[0] === width
      ? null
      : (from) => across(from, width, taps(plane.width, width, name, extents[0])),
    height === plane.height && extents[1] === height
      ? null
      : (from) => down(from, height, taps(plane.height, height, name, extents[1])),
  ];
  const shrinks = plane.height - height;
  if (shrinks > 0 && shrinks > 2 * (plane.width - width)) passes.reverse();
  return passes.reduce((from, pass) => (pass ? pass(from) : from), plane);
}

function across({ data, width: length, height, channels }, width, found) {
  const result = like(data, width * height * channels);
  const [weights, half] = scaled(found.weights, data);
  const { first, count, most } = found;
  let place = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const start = (y * length + first[x]) * channels;
      const stop = start + count[x] * channels;
      for (let c = 0; c < channels; c++) {
        let sum = half;
        let weight = x * most;
        for (let from = start + c; from < stop; from += channels) sum += data[from] * weights[weight++];
        result[place++] = half ? Math.floor(sum) : sum;
      }
    }
  }
  return { data: result, width, height, channels };
}

function down({ data, width, channels }, height, found) {
  const row = width * channels;
  const result = like(data, row * height);
  const [weights, half] = scaled(found.weights, data);
  const { first, count, most } = found;
  const sums = new Float64Array(row);
  for (let y = 0; y < height; y++) {
    sums.fill(half);
    for (let k = 0; k < count[y]; k++) {
      const weight = weights[y * most + k];
      const start = (first[y] + k) * row;
      for (let x = 0; x < row; x++) sums[x] += data[start + x] * weight;
    }
    for (let x = 0; x < row; x++) result[y * row + x] = half ? Math.floor(sums[x]) : sums[x];
  }
  return { data: result, width, height, channels };
}

/** Floats, or bytes that are clipped when they are written. */
function like(data, length) {
  return data instanceof Float32Array ? new Float32Array(length) : new Uint8ClampedArray(length);
}

/** Weights, and what is added to a sum that is rounded by cutting it off; 0 for floats. */
function scaled(weights, data) {
  if (data instanceof Float32Array) return [weights, 0];
  return [weights.map((w) => Math.trunc(w * FIXED + (w < 0 ? -0.5 : 0.5)) / FIXED), 0.5];
}

/**
 * Shrink pixels by Pillow's BICUBIC with reducing_gap 3: whole blocks are averaged first where
 * there are at least three times as many pixels as are needed.
 *
 * @param {{data: Uint8ClampedArray, width: number, height: number, deep?: Uint16Array}} pixels
 *     As `join` takes them.
 * @param {{left: number, top: number, width: number, height: number}} inside The part to take.
 * @returns {{data, width, height, channels}} RGB of 8 bits; of `deep`, floats around [0, 1].
 */
export function shrink(pixels, inside, width, height) {
  const gap = 3;
  const across = Math.trunc(inside.width / width / gap) || 1;
  const down = Math.trunc(inside.height / height / gap) || 1;
  const blocks = averaged(pixels, inside, across, down);
  return resize(blocks, width, height, "bicubic", [inside.width / across, inside.height / down]);
}

/** Average blocks of pixels; the last ones of a row or column may be cut. */
function averaged(pixels, inside, across, down) {
  const [data, stride, channels] = pixels.deep ? [pixels.deep, 1, 1] : [pixels.data, 4, 3];
  const width = Math.ceil(inside.width / across);
  const height = Math.ceil(inside.height / down);
  const result = new (pixels.deep ? Float32Array : Uint8Array)(width * height * channels);
  const sums = new Float64Array(width * channels);
  for (let y = 0; y < height; y++) {
    const stop = Math.min((y + 1) * down, inside.height);
    sums.fill(0);
    for (let row = y * down; row < stop; row++) {
      const first = ((inside.top + row) * pixels.width + inside.left) * stride;
      addBlocks(sums, data, first, inside.width, across, stride, channels);
    }
    const rows = stop - y * down;
    for (let i = 0, left = inside.width; i < sums.length; left -= across) {
      const count = Math.min(across, left) * rows;
      const share = pixels.deep ? 1 / count / 65535 : Math.trunc(Math.fround(2 ** 24 / count));
      for (let c = 0; c < channels; c++, i++) {
        const mean = pixels.deep ? sums[i] * share : ((sums[i] + (count >> 1)) * share) / 2 ** 24;
        result[y * sums.length + i] = mean; // cut off in bytes, as Pillow does
      }
    }
  }
  return { data: result, width, height, channels };
}

/** Add a row's pixels to the sums of their blocks. */
function addBlocks(sums, data, first, width, across, stride, channels) {
  for (let c = 0; c < channels; c++) {
    let place = first + c;
    for (let x = 0, sum = c; x < width; sum += channels) {
      const end = Math.min(x + across, width);
      let total = 0;
      for (; x < end; x++, place += stride) total += data[place];
      sums[sum] += total;
    }
  }
}
