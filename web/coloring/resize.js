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
  const scale = extent / to;
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
      sum += weights[i * most + x - start] = filter.at((x - center + 0.5) / stretch);
    }
    for (let k = 0; k < stop - start; k++) weights[i * most + k] /= sum;
    first[i] = start;
    count[i] = stop - start;
  }
  return { first, count, weights, most };
}

/** Resize a plane. `extents` are the covered samples [x, y], as in `taps`. */
export function resize(plane, width, height, name, extents = [plane.width, plane.height]) {
  let result = plane;
  if (width !== plane.width || extents[0] !== plane.width) {
    result = across(result, width, taps(plane.width, width, name, extents[0]));
  }
  if (height !== plane.height || extents[1] !== plane.height) {
    result = down(result, height, taps(plane.height, height, name, extents[1]));
  }
  return result;
}

function across(plane, width, { first, count, weights, most }) {
  const { data, height, channels } = plane;
  const result = new data.constructor(width * height * channels);
  const [scaled, end] = finishing(data, weights);
  let place = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const start = (y * plane.width + first[x]) * channels;
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let k = 0; k < count[x]; k++) sum += data[start + k * channels + c] * scaled[x * most + k];
        result[place++] = end(sum);
      }
    }
  }
  return { data: result, width, height, channels };
}

function down(plane, height, { first, count, weights, most }) {
  const { data, width, channels } = plane;
  const row = width * channels;
  const result = new data.constructor(row * height);
  const [scaled, end] = finishing(data, weights);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < row; x++) {
      let sum = 0;
      for (let k = 0; k < count[y]; k++) sum += data[(first[y] + k) * row + x] * scaled[y * most + k];
      result[y * row + x] = end(sum);
    }
  }
  return { data: result, width, height, channels };
}

/** Weights and the last step of a sum, by the type of data. */
function finishing(data, weights) {
  if (data instanceof Float32Array) return [weights, (sum) => sum];
  const fixed = weights.map((w) => Math.trunc(w * FIXED + (w < 0 ? -0.5 : 0.5)));
  return [fixed, (sum) => Math.min(255, Math.max(0, Math.floor(sum / FIXED + 0.5)))];
}

/**
 * Shrink 8-bit RGBA pixels to RGB by Pillow's BICUBIC with reducing_gap 3: whole blocks are
 * averaged first where there are at least three times as many pixels as are needed.
 *
 * @param {{data: Uint8ClampedArray, width: number, height: number}} pixels
 * @param {{left: number, top: number, width: number, height: number}} inside The part to take.
 */
export function shrink(pixels, inside, width, height) {
  const gap = 3;
  const factors = [
    Math.trunc(inside.width / width / gap) || 1,
    Math.trunc(inside.height / height / gap) || 1,
  ];
  const blocks = averaged(pixels, inside, factors);
  const extents = [inside.width / factors[0], inside.height / factors[1]];
  return resize(blocks, width, height, "bicubic", extents);
}

/** Average blocks of pixels, rounded, to RGB; the last ones of a row or column may be cut. */
function averaged(pixels, inside, [across_, down_]) {
  const width = Math.ceil(inside.width / across_);
  const height = Math.ceil(inside.height / down_);
  const result = new Uint8Array(width * height * 3);
  const sums = new Uint32Array(width * 3);
  for (let y = 0; y < height; y++) {
    const first = y * down_;
    const last = Math.min(first + down_, inside.height);
    sums.fill(0);
    for (let row = first; row < last; row++) {
      let place = ((inside.top + row) * pixels.width + inside.left) * 4;
      for (let x = 0, sum = 0; x < width; x++, sum += 3) {
        const end = Math.min((x + 1) * across_, inside.width);
        for (let column = x * across_; column < end; column++, place += 4) {
          sums[sum] += pixels.data[place];
          sums[sum + 1] += pixels.data[place + 1];
          sums[sum + 2] += pixels.data[place + 2];
        }
      }
    }
    for (let x = 0; x < width; x++) {
      const columns = Math.min((x + 1) * across_, inside.width) - x * across_;
      const count = columns * (last - first);
      for (let c = 0; c < 3; c++) {
        result[(y * width + x) * 3 + c] = Math.floor((sums[x * 3 + c] + (count >> 1)) / count);
      }
    }
  }
  return { data: result, width, height, channels: 3 };
}
