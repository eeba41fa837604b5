/** The worker as a queue: what the person waits for goes first. */

import { findParts } from "./parts.js";

const LONGEST = 1600; // pixels of a preview's side
const THUMBNAIL = 240;

export class Colorist {
  #waiting = [];
  #current = null;
  #worker = null;

  /** Load the worker and the network; `progress` gets the share that is loaded. */
  async start(progress) {
    const { worker, assets } = await findParts(progress);
    this.#worker = new Worker(URL.createObjectURL(new Blob([worker], { type: "text/javascript" })));
    this.#worker.onmessage = ({ data }) => this.#finish(data);
    this.#worker.onerror = (event) => this.#finish({ error: event.message || "it stopped" });
    await this.#ask("load", { assets }, true);
  }

  /** Color a file: {thumbnail, width, height, scenes, exact, colors}. */
  color(file) {
    return this.#ask("color", { file, longest: THUMBNAIL });
  }

  /** Pixels of a file, small enough to be shown; the next `paint` is of these. */
  preview(file) {
    return this.#ask("preview", { file, longest: LONGEST }, true);
  }

  /** The last preview in color. */
  paint({ colors, strength, strokes }) {
    return this.#ask("paint", { colors, strength, strokes }, true);
  }

  /** A file in color, encoded: {blob, ending, checksum}. */
  save({ file, colors, strength, strokes }) {
    return this.#ask("save", { file, colors, strength, strokes }, true);
  }

  #ask(task, values, urgent = false) {
    return new Promise((resolve, reject) => {
      const entry = { message: { task, ...values }, resolve, reject, urgent };
      const place = urgent ? this.#waiting.findIndex((other) => !other.urgent) : -1;
      this.#waiting.splice(place < 0 ? this.#waiting.length : place, 0, entry);
      this.#next();
    });
  }

  #next() {
    if (this.#current || !this.#worker || !this.#waiting.length) return;
    this.#current = this.#waiting.shift();
    this.#worker.postMessage(this.#current.message);
  }

  #finish({ result, error }) {
    const entry = this.#current;
    this.#current = null;
    if (error === undefined) entry?.resolve(result);
    else entry?.reject(new Error(error));
    this.#next();
  }
}
