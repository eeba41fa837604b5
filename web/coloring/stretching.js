/** Contrast stretching of luminance for the network to see, as colornet/pictures/stretching.py. */

const BEYOND = 0.003; // share of the pixels that become blacker than BLACK, or whiter than WHITE
const BLACK = 0.03;
const WHITE = 0.97;
const LEAST = 0.1; // range that is stretched, at least

/** The luminance [low, high] that becomes black and white. */
export function spanOf(luminance) {
  const ordered = luminance.slice().sort();
  const beyond = Math.round(BEYOND * (ordered.length - 1));
  return [ordered[beyond], ordered[ordered.length - 1 - beyond]];
}

/** Luminance between black and white, in [0, 1]. */
export function stretch(luminance, [low, high]) {
  const gain = (WHITE - BLACK) / Math.max(high - low, LEAST);
  const middle = (low + high) / 2;
  return luminance.map((value) =>
    Math.min(1, Math.max(0, (value - middle) * gain + (BLACK + WHITE) / 2)),
  );
}
