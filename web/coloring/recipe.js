/**
 * How the network's pictures are prepared and joined: the settings that model_export.py writes
 * beside the network. A setting that this page does not know is refused, so that the page never
 * silently colors otherwise than model_transform.py.
 */

const isCount = (value) => Number.isInteger(value) && value > 0;
const isFlag = (value) => typeof value === "boolean";

const KNOWN = {
  working_size: isCount,
  crop_size: isCount,
  chroma: (value) => typeof value === "number" && value >= 0,
  smoothing: isFlag,
  stretching: isFlag,
  mount: isFlag,
  class_names: (value) => Array.isArray(value) && value.every((name) => typeof name === "string"),
};

/** Check settings; throws an Error that names what the page cannot do. */
export function readRecipe(settings) {
  for (const [name, value] of Object.entries(settings)) {
    if (!KNOWN[name]) {
      throw new Error(`the network has a setting that this page does not know: ${name}`);
    }
    if (!KNOWN[name](value)) {
      throw new Error(`the network's setting ${name} is not one this page can use: ${value}`);
    }
  }
  for (const name of Object.keys(KNOWN)) {
    if (!(name in settings)) throw new Error(`the network's settings lack ${name}`);
  }
  return settings;
}

const MOST_SQUEEZE = 2; // times that the longer side is shrunk more than the shorter, at most
const SMALLEST = 8; // pixels; sides of the network's copy are at least this

/** [height, width] of the network's copy of a picture: no side over workingSize. */
export function workingShape(height, width, workingSize) {
  const most = (MOST_SQUEEZE * workingSize) / Math.max(height, width);
  return [height, width].map((side) =>
    Math.max(Math.min(SMALLEST, side), roundToEven(side * Math.min(1, workingSize / side, most))),
  );
}

/** Round as Python does: halves to the even neighbor. */
function roundToEven(value) {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 ? rounded - 1 : rounded;
}
