/** Strokes of color that a person paints over the photograph in the viewer. */

const LONGEST = 800; // pixels of the strokes' longer side
const STEP = 0.02; // of the longer side, that an arrow key moves
const byId = (id) => document.getElementById(id);

export class Strokes {
  #lists = new WeakMap(); // photograph: [{color, width, points: [[x, y], …]}]
  #list = [];
  #drawn = null; // the stroke that is being drawn
  #cursor = null; // of the keyboard

  /** @param {(strokes: object | null) => void} changed Gets RGBA pixels; null without strokes. */
  constructor(changed) {
    this.canvas = byId("strokes");
    this.changed = changed;
    byId("painting").addEventListener("click", () => this.#switch());
    byId("paint-gray").addEventListener("click", () => (byId("paint-color").value = "#808080"));
    byId("paint-undo").addEventListener("click", () => {
      this.#list.pop();
      this.#finish();
    });
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      this.#begin(this.#placeOf(event));
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (!this.#drawn) return;
      this.#drawn.points.push(this.#placeOf(event));
      this.#render();
    });
    for (const end of ["pointerup", "pointercancel"]) {
      this.canvas.addEventListener(end, () => this.#drawn && this.#finish());
    }
    this.canvas.addEventListener("keydown", (event) => this.#byKey(event));
    this.canvas.addEventListener("blur", () => {
      this.#cursor = null;
      this.#render();
    });
  }

  /** Show the strokes of a photograph over its preview. */
  show(photograph, preview) {
    const scale = Math.min(1, LONGEST / Math.max(preview.width, preview.height));
    this.canvas.width = Math.max(1, Math.round(preview.width * scale));
    this.canvas.height = Math.max(1, Math.round(preview.height * scale));
    if (!this.#lists.has(photograph)) this.#lists.set(photograph, []);
    this.#list = this.#lists.get(photograph);
    this.#drawn = this.#cursor = null;
    this.#render();
  }

  #switch() {
    const on = byId("painting").getAttribute("aria-pressed") !== "true";
    byId("painting").setAttribute("aria-pressed", String(on));
    byId("frame").classList.toggle("painting", on);
    byId("paint-tools").hidden = !on;
    this.canvas.hidden = !on;
  }

  #begin(place) {
    const longest = Math.max(this.canvas.width, this.canvas.height);
    const width = (byId("paint-width").value / 200) * longest;
    this.#drawn = { color: byId("paint-color").value, width, points: [place] };
    this.#list.push(this.#drawn);
    this.#render();
  }

  #finish() {
    this.#drawn = null;
    this.#render();
    this.changed(this.#pixels());
  }

  #placeOf({ clientX, clientY }) {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    const across = this.canvas.width / width;
    return [(clientX - left) * across, ((clientY - top) * this.canvas.height) / height];
  }

  #byKey(event) {
    const { width, height } = this.canvas;
    const step = STEP * Math.max(width, height);
    const [x, y] = this.#cursor ?? [width / 2, height / 2];
    const moved = {
      ArrowLeft: [x - step, y], ArrowRight: [x + step, y], ArrowUp: [x, y - step],
      ArrowDown: [x, y + step], " ": [x, y],
    }[event.key];
    if (!moved) return;
    event.preventDefault();
    this.#cursor = [Math.min(width, Math.max(0, moved[0])), Math.min(height, Math.max(0, moved[1]))];
    if (event.key === " ") {
      this.#begin(this.#cursor);
      this.#finish();
    } else {
      this.#render();
    }
  }

  #render() {
    const context = this.canvas.getContext("2d");
    paint(context, this.#list);
    if (this.#cursor) {
      context.lineWidth = 2;
      context.strokeStyle = "#fff";
      context.beginPath();
      context.arc(...this.#cursor, 8, 0, 2 * Math.PI);
      context.stroke();
    }
    byId("paint-undo").disabled = byId("paint-save").disabled = this.#list.length === 0;
  }

  #pixels() {
    const { width, height } = this.canvas;
    if (!this.#list.length) return null;
    const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    paint(context, this.#list);
    return { data: context.getImageData(0, 0, width, height).data, width, height };
  }
}

function paint(context, list) {
  context.clearRect(0, 0, context.canvas.width, context.canvas.height);
  context.lineCap = context.lineJoin = "round";
  for (const { color, width, points } of list) {
    context.strokeStyle = color;
    context.lineWidth = width;
    context.beginPath();
    context.moveTo(...points[0]);
    for (const [x, y] of points) context.lineTo(x + 0.01, y); // a line of no length is not drawn
    context.stroke();
  }
}
