/** The page: files in, photographs in color out. */

import { Colorist } from "./page/colorist.js";
import { takeFiles } from "./page/intake.js";
import { List } from "./page/list.js";
import { saveAll, saveOne, saveStrokes } from "./page/saving.js";
import { Viewer } from "./page/viewer.js";

const byId = (id) => document.getElementById(id);
const photographs = []; // {file, name, strength, state, colors, …} in the order that they came
const colorist = new Colorist();
const list = new List(byId("photographs"), select);
const viewer = new Viewer(colorist);
let selected = null;
let message = ""; // what is being done besides coloring

function add(files, leftOut) {
  for (const { file, name } of files) {
    const photograph = { file, name, strength: 1, state: "waiting" };
    photographs.push(photograph);
    list.add(photograph);
    color(photograph);
  }
  document.body.classList.toggle("filled", photographs.length > 0);
  if (leftOut) report(`${leftOut} ${leftOut === 1 ? "file" : "files"} in folders`, "not pictures");
  showStatus();
}

async function color(photograph) {
  try {
    Object.assign(photograph, await colorist.color(photograph.file), { state: "colored" });
    list.show(photograph);
    if (!selected) select(photograph);
  } catch (error) {
    photograph.state = "failed";
    list.remove(photograph);
    report(photograph.name, error.message);
  }
  showStatus();
}

function select(photograph) {
  if (photograph.state !== "colored") return;
  selected = photograph;
  list.select(photograph);
  viewer.show(photograph).catch((error) => report(photograph.name, error.message));
}

function report(name, reason) {
  const line = document.createElement("li");
  line.textContent = `${name}: ${reason}`;
  byId("problems").append(line);
  byId("problems").hidden = false;
}

function showStatus() {
  const count = (state) => photographs.filter((photograph) => photograph.state === state).length;
  const [waiting, colored] = [count("waiting"), count("colored")];
  const done = waiting + colored && `${colored} of ${waiting + colored} colored`;
  byId("status").textContent = [message, done].filter(Boolean).join(" · ");
  byId("save-all").hidden = photographs.length < 2;
  byId("save-all").disabled = waiting > 0 || colored === 0 || Boolean(message);
}

function say(text) {
  message = text;
  showStatus();
}

/** Run a save, one at a time, and name what went wrong. */
async function saving(work) {
  byId("save").disabled = true;
  try {
    await work();
  } catch (error) {
    report("Saving", error.message);
  } finally {
    byId("save").disabled = false;
    say("");
  }
}

byId("save").addEventListener("click", () => {
  saving(() => {
    say(`Saving ${selected.name}`);
    return saveOne(colorist, selected);
  });
});
byId("paint-save").addEventListener("click", () => saving(() => saveStrokes(selected)));
byId("save-all").addEventListener("click", () => {
  const colored = photographs.filter((photograph) => photograph.state === "colored");
  saving(() => saveAll(colorist, colored, (count) => say(`Saving ${count} of ${colored.length}`)));
});
takeFiles(document, add);

colorist
  .start((share) => say(share < 1 ? `Loading the network, once: ${10 * Math.floor(share * 10)} %` : ""))
  .then(() => say(""))
  .catch((error) => report("The network cannot be loaded", error.message));
