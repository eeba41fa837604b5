/**
 * sRGB and CIE L*a*b*, as colornet/pictures/colorspace.py: the same constants, tables of the same
 * length, and the same loss of chroma for colors that sRGB does not hold.
 */

const XYZ_FROM_RGB = [
  [0.412453, 0.35758, 0.180423],
  [0.212671, 0.71516, 0.072169],
  [0.019334, 0.119193, 0.950227],
];
const WHITE = [0.95047, 1.0, 1.08883]; // XYZ of D65
const STEPS = 1 << 16; // entries of the tables over [0, 1]
const BISECTIONS = 8; // halvings of the chroma
const SLACK = 0.2 / 255 / 12.92; // linear light below 0 that still rounds to 0

export const decodeChrominance = (value) => value * 200 - 100;

const toLinear = (s) => (s > 0.04045 ? ((s + 0.055) / 1.055) ** 2.4 : s / 12.92);
const toGamma = (l) => (l > 0.0031308 ? 1.055 * l ** (1 / 2.4) - 0.055 : 12.92 * l);
const labF = (share) => (share > 0.008856 ? Math.cbrt(share) : 7.787 * share + 16 / 116);

/** What 8-bit red, green, and blue add to the index of the lightness table. */
const SHARES = XYZ_FROM_RGB[1].map((share, channel) =>
  Float32Array.from(
    { length: 256 },
    (_, level) => share * toLinear(level / 255) * (STEPS - 1) + (channel === 0 ? 0.5 : 0),
  ),
);
const LIGHTNESS = Float32Array.from({ length: STEPS }, (_, i) => 116 * labF(i / (STEPS - 1)) - 16);
const GAMMA = Uint8ClampedArray.from({ length: STEPS }, (_, i) => 255 * toGamma(i / (STEPS - 1)));
const MATRIX = whiteToLinear();

/** L* of an 8-bit sRGB color. */
export function lightness(red, green, blue) {
  const sum = Math.fround(SHARES[0][red] + SHARES[1][green]);
  return LIGHTNESS[Math.min(STEPS - 1, Math.fround(sum + SHARES[2][blue]) | 0)];
}

/** Luminance in [0, 1] of an RGB plane: Float32Array, a value a pixel. */
export function luminanceOf({ data, width, height }) {
  const result = new Float32Array(width * height);
  for (let i = 0; i < result.length; i++) {
    result[i] = lightness(data[3 * i], data[3 * i + 1], data[3 * i + 2]) / 100;
  }
  return result;
}

/** Matrix from XYZ relative to white to linear sRGB, row by row; grays come out gray. */
function whiteToLinear() {
  const [[a, b, c], [d, e, f], [g, h, i]] = XYZ_FROM_RGB;
  const adjugate = [
    [e * i - f * h, c * h - b * i, b * f - c * e],
    [f * g - d * i, a * i - c * g, c * d - a * f],
    [d * h - e * g, b * g - a * h, a * e - b * d],
  ];
  const rows = adjugate.map((row) => row.map((value, k) => value * WHITE[k]));
  return Float32Array.from(rows.flatMap((row) => {
    const sum = row[0] + row[1] + row[2];
    return row.map((value) => value / sum);
  }));
}

const LOWEST = 6 / 29; // below it CIE's cube continues as a straight line
const cube = (f) => (f > LOWEST ? f * f * f : LOWEST ** 3 + (f - LOWEST) / 7.787);
const inGamut = (value) => value >= -SLACK && value <= 1 + SLACK;
const level = (linear) =>
  GAMMA[linear <= 0 ? 0 : linear >= 1 ? STEPS - 1 : (linear * (STEPS - 1) + 0.5) | 0];

/**
 * Write the 8-bit sRGB color of an L*, a*, and b* into `target` at `place`.
 *
 * A color that sRGB does not hold at its L* loses chroma, at constant hue, until sRGB does.
 */
export function writeRgb(target, place, light, a, b) {
  const holds = light > 0 && light < 100; // white and black hold no chroma
  const fy = (Math.min(100, Math.max(0, light)) + 16) / 116;
  const fa = holds ? a / 500 : 0;
  const fb = holds ? b / 200 : 0;
  const y = cube(fy);
  if (!writeIfHeld(target, place, y, fy, fa, fb, false)) {
    let share = 0; // of the chroma
    for (let halving = 1; halving <= BISECTIONS; halving++) {
      const more = share + 0.5 ** halving;
      if (isHeld(y, fy, fa * more, fb * more)) share = more;
    }
    writeIfHeld(target, place, y, fy, fa * share, fb * share, true);
  }
}

function isHeld(y, fy, fa, fb) {
  const x = cube(fy + fa);
  const z = cube(fy - fb);
  const m = MATRIX;
  return (
    inGamut(m[0] * x + m[1] * y + m[2] * z) &&
    inGamut(m[3] * x + m[4] * y + m[5] * z) &&
    inGamut(m[6] * x + m[7] * y + m[8] * z)
  );
}

function writeIfHeld(target, place, y, fy, fa, fb, anyway) {
  const x = cube(fy + fa);
  const z = cube(fy - fb);
  const m = MATRIX;
  const red = m[0] * x + m[1] * y + m[2] * z;
  const green = m[3] * x + m[4] * y + m[5] * z;
  const blue = m[6] * x + m[7] * y + m[8] * z;
  if (!anyway && !(inGamut(red) && inGamut(green) && inGamut(blue))) return false;
  target[place] = level(red);
  target[place + 1] = level(green);
  target[place + 2] = level(blue);
  return true;
}
