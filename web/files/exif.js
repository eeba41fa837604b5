/** EXIF of a picture that has been turned upright and brought to sRGB. */

const ORIENTATION = 0x0112, EXIF_IFD = 0x8769;
const COLOR_SPACE = 0xa001, WIDTH = 0xa002, HEIGHT = 0xa003;
const SHORT = 3;
const SRGB = 1;

/**
 * @param {Uint8Array} exif From its byte order mark on.
 * @returns {Uint8Array | undefined} A copy that says how the picture is now, without the small
 *     picture that cameras put there; undefined for damaged EXIF.
 */
export function upright(exif, { width, height }) {
  const result = exif.slice();
  const view = new DataView(result.buffer);
  const little = view.getUint16(0) === 0x4949;
  const now = { [ORIENTATION]: 1, [COLOR_SPACE]: SRGB, [WIDTH]: width, [HEIGHT]: height };
  try {
    const first = view.getUint32(4, little);
    const next = first + 2 + 12 * view.getUint16(first, little);
    const details = rewrite(view, first, little, now);
    if (details) rewrite(view, details, little, now);
    if (next + 4 <= result.length) view.setUint32(next, 0, little);
  } catch {
    return undefined;
  }
  return result;
}

/** Orientation, 1 to 8; 1 where nothing is said. */
export function orientationOf(exif) {
  const view = new DataView(exif.buffer, exif.byteOffset, exif.byteLength);
  const little = view.getUint16(0) === 0x4949;
  try {
    const first = view.getUint32(4, little);
    const count = view.getUint16(first, little);
    for (let entry = first + 2; entry < first + 2 + 12 * count; entry += 12) {
      if (view.getUint16(entry, little) === ORIENTATION) return view.getUint16(entry + 8, little);
    }
  } catch {
    // Damaged EXIF turns nothing.
  }
  return 1;
}

/** Write `now` into the entries of a directory; returns the place of its EXIF directory, or 0. */
function rewrite(view, directory, little, now) {
  let details = 0;
  const count = view.getUint16(directory, little);
  for (let entry = directory + 2; entry < directory + 2 + 12 * count; entry += 12) {
    const tag = view.getUint16(entry, little);
    if (tag === EXIF_IFD) details = view.getUint32(entry + 8, little);
    if (!(tag in now)) continue;
    if (view.getUint16(entry + 2, little) === SHORT) view.setUint16(entry + 8, now[tag], little);
    else view.setUint32(entry + 8, now[tag], little);
  }
  return details;
}
