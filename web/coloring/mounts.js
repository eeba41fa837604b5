/** The even border of a scanned print, found as by colornet/pictures/mounts.py. */

const EVEN = 16; // levels of 255 that a mount's own grain spans, but for a few specks
const RIM = 0.02; // of a side, that a scanner's shadow around a mount is wide
const RULED = 0.01; // of a side, that a line drawn around the picture is wide
const MARKED = 0.45; // of a line, that writing on a mount covers
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
  const { tone, rims } = toneWithinRims(pixels);
  if (tone === null) return whole;
  let [top, bottom, left, right] = [rims[0], height - rims[1], rims[2], width - rims[3]];
  const row = (y) => levels(pixels, y * width + left, 1, right - left);
  const above = thickness((i) => row(top + i), bottom - top, tone);
  const below = thickness((i) => row(bottom - 1 - i), bottom - top, tone);
  if (!above || !below) return whole;
  top += above;
  bottom -= below;
  // Columns are looked at without the mount above and below.
  const column = (x) => levels(pixels, top * width + x, width, bottom - top);
  const before = thickness((i) => column(left + i), right - left, tone);
  const after = thickness((i) => column(right - 1 - i), right - left, tone);
  if (!before || !after) return whole;
  left += before;
  right -= after;
  return { left, top, width: right - left, height: bottom - top };
}

/** The tone that all four sides share, or null; and how many lines of another lie outside of it. */
function toneWithinRims(pixels) {
  const { width, height } = pixels;
  const [down, across] = [Math.trunc(RIM * height), Math.trunc(RIM * width)];
  const row = (y) => levels(pixels, y * width + across, 1, width - 2 * across);
  const column = (x) => levels(pixels, down * width + x, width, height - 2 * down);
  const sides = [
    [row, down],
    [(i) => row(height - 1 - i), down],
    [column, across],
    [(i) => column(width - 1 - i), across],
  ];
  for (let line = 0; line <= down; line++) {
    const tone = toneOf(row(line));
    if (tone === null) continue;
    const rims = sides.map(([side, most]) => {
      let rim = 0;
      while (rim <= most && !isOf(side(rim), tone, EVEN)) rim++;
      return rim <= most ? rim : null;
    });
    if (!rims.includes(null)) return { tone, rims };
  }
  return { tone: null, rims: [] };
}

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

/** Places of a line that are not of the mount's tone. */
function othersOf(line, tone) {
  const places = [];
  line.forEach((value, i) => Math.abs(value - tone) > EVEN / 2 && places.push(i));
  return places;
}

/** Lines from the first on that are the mount's, and perhaps a blurred one; 0 for no mount. */
function thickness(side, length, tone) {
  const most = Math.trunc(MOST * length);
  const ruled = Math.trunc(RULED * length) + 1;
  let count = 0;
  for (let i = 0; i <= most; i++) {
    const line = side(i);
    if (isOf(line, tone, EVEN / 2)) count = i + 1;
    else if (i - count >= ruled && othersOf(line, tone).length / line.length > MARKED) break;
  }
  if (count < Math.max(2, THINNEST * length) || count >= most) return 0;
  for (const thick of [count, count + 1]) {
    const line = side(thick);
    const others = othersOf(line, tone);
    const span = others.length ? others[others.length - 1] - others[0] + 1 : 0;
    if (span >= SHORTEST * line.length && others.length >= DIFFERENT * span) return thick;
  }
  return 0;
}
