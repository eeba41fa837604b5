/** The network, computed by LiteRT.js on the CPU. */

import { loadAndCompile, loadLiteRt, Tensor } from "@litertjs/core";

export class Network {
  /**
   * @param {Uint8Array} bytes The model: signature "describe" and one signature for each shape
   *     that a picture may have.
   */
  static async load(bytes) {
    // A GPU would only be asked for its name, and rounds otherwise than the CPU.
    Object.defineProperty(navigator, "gpu", { value: undefined });
    await loadLiteRt("");
    return new Network(await loadAndCompile(bytes, { accelerator: "wasm" }));
  }

  constructor(model) {
    this.model = model;
    this.shapes = Object.entries(model.signatures)
      .filter(([name]) => name !== "describe")
      .map(([name, signature]) => {
        const [, height, width] = byName(signature.getInputDetails(), "luminance").shape;
        return { name, height, width };
      });
  }

  /** The [height, width] that the network takes and that is nearest to a shape. */
  nearestShape(height, width) {
    const distance = (shape) =>
      Math.abs(Math.log(shape.height / height)) + Math.abs(Math.log(shape.width / width));
    const best = this.shapes.reduce((a, b) => (distance(b) < distance(a) ? b : a));
    return [best.height, best.width];
  }

  /** Global features and scene probabilities of square luminance. */
  async describe(luminance) {
    const outputs = await this.#run("describe", { luminance });
    return { features: outputs.global_features, probabilities: outputs.probabilities };
  }

  /** Encoded chrominance, two values a pixel, of luminance in one of the network's shapes. */
  async color(luminance, height, width, features) {
    const { name } = this.shapes.find((shape) => shape.height === height && shape.width === width);
    return (await this.#run(name, { luminance, global_features: features })).chrominance;
  }

  async #run(name, values) {
    const tensors = {};
    for (const { name: input, shape } of this.model.signatures[name].getInputDetails()) {
      tensors[input] = new Tensor(values[input], shape);
    }
    const outputs = await this.model.run(name, tensors);
    const result = {};
    for (const [output, tensor] of Object.entries(outputs)) {
      result[output] = tensor.toTypedArray().slice();
      tensor.delete();
    }
    Object.values(tensors).forEach((tensor) => tensor.delete());
    return result;
  }
}

const byName = (details, name) => details.find((detail) => detail.name === name);
