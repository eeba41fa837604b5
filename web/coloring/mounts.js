/** The even border of a scanned print, found as by colornet/pictures/mounts.py. */

const EVEN = 16; // levels of 255 that a mount's own grain spans, but for a few specks
const THINNEST = 0.01; // of a side
const MOST = 0.35; // of a side, on one end of it
const SHORTEST = 0.3; // of a side, that the picture's edge is long
const DIFFERENT = 0.5; // of the pixels along that edge, which are not of the mount's tone

/**
 * Find the picture within its mount; all of the pixels where there is none.
 *
 * @param {{data: Uint8ClampedArray, width: number, height: number}} pixels RGBA.
 * @returns {{left: number, top: number, width: number, height: number}}
 */
export function withinMount(pixels) {
  const { width, height } = pixels;
  const whole = { left: 0, top: 0, width, height };
  const row = (y, left = 0, right = width) => levels(pixels, y * width + left, 1, right - left);
  const tone = toneOf(row(0));
  if (tone === null) return whole;
  const edges = [row(height - 1), column(pixels, 0, 0, height), column(pixels, width - 1, 0, height)];
  if (!edges.every((line) => isOf(line, tone, EVEN))) return whole;
  const top = thickness((i) => row(i), height, width, tone);
  const bottom = thickness((i) => row(height - 1 - i), height, width, tone);
  if (!top || !bottom) return whole;
  const inner = height - top - bottom; // columns are looked at without the mount above and below
  const left = thickness((i) => column(pixels, i, top, inner), width, inner, tone);
  const right = thickness((i) => column(pixels, width - 1 - i, top, inner), width, inner, tone);
  if (!left || !right) return whole;
  return { left, top, width: width - left - right, height: inner };
}

const column = (pixels, x, top, count) => levels(pixels, top * pixels.width + x, pixels.width, count);

/** Mean levels of a line of pixels. */
function levels({ data }, first, step, count) {
  const result = new Float32Array(count);
  for (let i = 0, place = first * 4; i < count; i++, place += step * 4) {
    result[i] = (data[place] + data[place + 1] + data[place + 2]) / 3;
  }
  return result;
}

/** Median level of an even line; null for others. */
function toneOf(line) {
  const ordered = line.slice().sort();
  const specks = Math.floor(ordered.length / 50); // at either end
  const even = ordered[ordered.length - 1 - specks] - ordered[specks] <= EVEN;
  return even ? ordered[Math.floor(ordered.length / 2)] : null;
}

function isOf(line, tone, most) {
  const found = toneOf(line);
  return found !== null && Math.abs(found - tone) <= most;
}

/** Lines from the first on that are the mount's, and perhaps a blurred one; 0 for no mount. */
function thickness(line, lines, length, tone) {
  const most = Math.trunc(MOST * lines);
  let count = 1;
  while (count < most && isOf(line(count), tone, EVEN / 2)) count++;
  if (count < Math.max(2, THINNEST * lines) || count === most) return 0;
  for (const thick of [count, count + 1]) {
    const other = [];
    line(thick).forEach((value, i) => Math.abs(value - tone) > EVEN / 2 && other.push(i));
    const span = other.length ? other[other.length - 1] - other[0] + 1 : 0;
    if (span >= SHORTEST * length && other.length >= DIFFERENT * span) return thick;
  }
  return 0;
}
