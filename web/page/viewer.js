/** The selected photograph before and after, and the strength of its colors. */

import { Strokes } from "./strokes.js";

const LEAST = 0.05; // probability of a scene that is named
const byId = (id) => document.getElementById(id);

export class Viewer {
  #photograph = null;
  #painting = false;
  #again = false;

  constructor(colorist) {
    this.colorist = colorist;
    this.strokes = new Strokes((strokes) => {
      this.#photograph.strokes = strokes;
      this.#paint().catch(() => {}); // what fails here fails again when it is saved, and is named
    });
    byId("split").addEventListener("input", () => this.#showSplit());
    byId("strength").addEventListener("input", ({ target }) => {
      this.#photograph.strength = target.value / 100;
      this.#showStrength();
      this.#paint().catch(() => {});
    });
  }

  async show(photograph) {
    const { file, name } = photograph;
    this.#photograph = photograph;
    const { preview } = await this.colorist.preview(file);
    if (this.#photograph !== photograph) return;
    draw(byId("before"), preview);
    this.strokes.show(photograph, preview);
    byId("name").textContent = name;
    byId("facts").textContent = factsOf(photograph);
    byId("strength").value = Math.round(photograph.strength * 100);
    this.#showStrength();
    this.#showSplit();
    await this.#paint();
    byId("viewer").hidden = false;
  }

  /** Paint the preview; while it is painted, only the last change waits. */
  async #paint() {
    if (this.#painting) {
      this.#again = true;
      return;
    }
    this.#painting = true;
    try {
      do {
        this.#again = false;
        const photograph = this.#photograph;
        const { painted } = await this.colorist.paint(photograph);
        if (photograph === this.#photograph) draw(byId("after"), painted);
      } while (this.#again);
    } finally {
      this.#painting = false;
    }
  }

  #showSplit() {
    const share = byId("split").value;
    byId("frame").style.setProperty("--split", `${share}%`);
    document.querySelector(".corner.left").hidden = share < 15;
    document.querySelector(".corner.right").hidden = share > 85;
    byId("split").setAttribute("aria-valuetext", `${share} % as it was`);
  }

  #showStrength() {
    const text = `${byId("strength").value} %`;
    byId("strength-shown").textContent = text;
    byId("strength").setAttribute("aria-valuetext", text);
  }
}

function draw(canvas, { data, width, height }) {
  Object.assign(canvas, { width, height });
  canvas.getContext("2d").putImageData(new ImageData(data, width, height), 0, 0);
}

function factsOf({ width, height, scenes, exact }) {
  const facts = [`${width} × ${height}`];
  const likely = scenes.filter(({ probability }) => probability >= LEAST);
  if (likely.length) facts.push(`likely scenes: ${likely.map(sceneText).join(", ")}`);
  if (!exact) facts.push("unusual size: colors differ a little from those of the command line");
  return facts.join(" · ");
}

const sceneText = ({ name, probability }) =>
  `${name.replaceAll("_", " ")} ${Math.round(probability * 100)} %`;
