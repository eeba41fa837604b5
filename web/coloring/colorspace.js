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

/** What 8-bit red, green, and blue add to an index of LIGHTNESS. */
const [RED, GREEN, BLUE] = XYZ_FROM_RGB[1].map((share, channel) =>
  Float32Array.from(
    { length: 256 },
    (_, level) => share * toLinear(level / 255) * (STEPS - 1) + (channel === 0 ? 0.5 : 0),
  ),
);
/** L* of evenly spaced Y in [0, 1]. */
const LIGHTNESS = Float32Array.from({ length: STEPS }, (_, i) => 116 * labF(i / (STEPS - 1)) - 16);
/** L* of evenly spaced sRGB grays in [0, 1]. */
const LIGHTNESS_OF_GRAY = Float32Array.from(
  { length: STEPS },
  (_, i) => 116 * labF(toLinear(i / (STEPS - 1))) - 16,
);
const GAMMA = Uint8ClampedArray.from({ length: STEPS }, (_, i) => 255 * toGamma(i / (STEPS - 1)));
const MATRIX = whiteToLinear();

/** Luminance in [0, 1], Float32Array of a value a pixel, of RGB; or of gray, float in [0, 1]. */
export function luminanceOf({ data, width, height, channels }) {
  const result = new Float32Array(width * height);
  for (let i = 0; i < result.length; i++) {
    result[i] =
      channels === 1
        ? LIGHTNESS_OF_GRAY[Math.round(Math.min(1, Math.max(0, data[i])) * (STEPS - 1))] / 100
        : LIGHTNESS[indexOf(data, 3 * i)] / 100;
  }
  return result;
}

/** [a*, b*] of an 8-bit sRGB color. */
export function chromaOf(...rgb) {
  const linear = rgb.map((value) => toLinear(value / 255));
  const [x, y, z] = XYZ_FROM_RGB.map((row, i) =>
    labF((row[0] * linear[0] + row[1] * linear[1] + row[2] * linear[2]) / WHITE[i]),
  );
  return [500 * (x - y), 200 * (y - z)];
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
const LINE = LOWEST ** 3 - LOWEST / 7.787;
const cube = (f) => (f > LOWEST ? f * f * f : f / 7.787 + LINE);

/** Index of LIGHTNESS of the 8-bit sRGB color at a place. */
function indexOf(data, place) {
  const sum = Math.fround(RED[data[place]] + GREEN[data[place + 1]]);
  const index = Math.fround(sum + BLUE[data[place + 2]]) | 0;
  return index < STEPS ? index : STEPS - 1;
}

/**
 * Give pixels the chrominance of theirs, at their own L*.
 *
 * A color that sRGB does not hold at its L* loses chroma, at constant hue, until sRGB does.
 *
 * @param {Uint8ClampedArray} data RGBA, changed in place; alpha stays.
 * @param {number} start Of the first pixel's red.
 * @param {Float32Array} a, b Chrominance in Lab units, a value a pixel.
 * @param {Uint16Array} [deep] Grays of 16 bits in place of the pixels' colors.
 */
export function colorRow(data, start, a, b, deep) {
  const [m0, m1, m2, m3, m4, m5, m6, m7, m8] = MATRIX;
  const low = -SLACK;
  const high = 1 + SLACK;
  for (let i = 0, place = start; i < a.length; i++, place += 4) {
    const light = deep ? LIGHTNESS_OF_GRAY[deep[i]] : LIGHTNESS[indexOf(data, place)];
    const holds = light > 0 && light < 100; // white and black hold no chroma
    const fy = (light <= 0 ? 16 : light >= 100 ? 116 : light + 16) / 116;
    const y = cube(fy);
    const fa = holds ? a[i] / 500 : 0;
    const fb = holds ? b[i] / 200 : 0;
    let x = cube(fy + fa);
    let z = cube(fy - fb);
    let red = m0 * x + m1 * y + m2 * z;
    let green = m3 * x + m4 * y + m5 * z;
    let blue = m6 * x + m7 * y + m8 * z;
    if (red < low || red > high || green < low || green > high || blue < low || blue > high) {
      let share = 0; // of the chroma
      for (let halving = 1; halving <= BISECTIONS; halving++) {
        const more = share + 1 / (1 << halving);
        x = cube(fy + fa * more);
        z = cube(fy - fb * more);
        red = m0 * x + m1 * y + m2 * z;
        green = m3 * x + m4 * y + m5 * z;
        blue = m6 * x + m7 * y + m8 * z;
        if (red >= low && red <= high && green >= low && green <= high && blue >= low && blue <= high)
          share = more;
      }
      x = cube(fy + fa * share);
      z = cube(fy - fb * share);
      red = m0 * x + m1 * y + m2 * z;
      green = m3 * x + m4 * y + m5 * z;
      blue = m6 * x + m7 * y + m8 * z;
    }
    data[place] = level(red);
    data[place + 1] = level(green);
    data[place + 2] = level(blue);
  }
}

/** 8-bit sRGB of linear light that is in [0, 1] but for a slack. */
function level(linear) {
  const index = (linear * (STEPS - 1) + 0.5) | 0;
  return GAMMA[index < 0 ? 0 : index < STEPS ? index : STEPS - 1];
}
