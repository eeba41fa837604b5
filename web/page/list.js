/** Small pictures of all photographs; the selected one is in the viewer. */

export class List {
  #items = new Map(); // photograph: its <li>

  constructor(element, select) {
    this.element = element;
    this.select_ = select;
  }

  add(photograph) {
    const item = document.createElement("li");
    item.innerHTML =
      '<button type="button"><canvas width="1" height="1" aria-hidden="true"></canvas>' +
      '<span class="label"></span><span class="state">waiting</span></button>';
    item.querySelector(".label").textContent = photograph.name;
    const button = item.querySelector("button");
    button.disabled = true;
    button.addEventListener("click", () => this.select_(photograph));
    this.#items.set(photograph, item);
    this.element.append(item);
    this.#hideForOne();
  }

  show(photograph) {
    const item = this.#items.get(photograph);
    item.querySelector("button").disabled = false;
    item.querySelector(".state").remove();
    const { data, width, height } = photograph.thumbnail;
    const canvas = item.querySelector("canvas");
    Object.assign(canvas, { width, height });
    canvas.getContext("2d").putImageData(new ImageData(data, width, height), 0, 0);
  }

  remove(photograph) {
    this.#items.get(photograph).remove();
    this.#items.delete(photograph);
    this.#hideForOne();
  }

  select(photograph) {
    for (const [other, item] of this.#items) {
      item.querySelector("button").setAttribute("aria-current", String(other === photograph));
    }
  }

  #hideForOne() {
    this.element.hidden = this.#items.size < 2;
  }
}
