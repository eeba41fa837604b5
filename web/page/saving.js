/** Colored photographs to files of the person's own. */

import { encodePng } from "../files/png.js";
import { zipOf } from "../files/zip.js";

export async function saveOne(colorist, photograph) {
  const { blob, ending } = await colorist.save(photograph);
  download(blob, coloredName(photograph.name, ending).split("/").pop());
}

/** Save the strokes of a photograph, as `model_transform.py --hints` takes them. */
export async function saveStrokes({ name, strokes }) {
  const stem = name.split("/").pop().replace(/\.[^.]+$/, "");
  download(await encodePng({ ...strokes, opaque: false }), `${stem}.strokes.png`);
}

/** Save photographs as one ZIP; `progress` gets the number of the one at hand. */
export async function saveAll(colorist, photographs, progress) {
  const taken = new Set();
  const files = [];
  for (const [i, photograph] of photographs.entries()) {
    progress(i + 1);
    const { blob, ending, checksum } = await colorist.save(photograph);
    const name = unused(coloredName(photograph.name, ending), taken);
    files.push({ name, blob, checksum, date: new Date(photograph.file.lastModified) });
  }
  download(zipOf(files), "colored photographs.zip");
}

/** "a/portrait.jpeg" and ".jpg" to "a/portrait.colored.jpeg": an ending of the same kind stays. */
export function coloredName(name, ending) {
  const own = /\.[^./]+$/.exec(name)?.[0] ?? "";
  const same = own.toLowerCase() === ending || (ending === ".jpg" && /^\.(jpe?g|jpe|jfif)$/i.test(own));
  return `${name.slice(0, name.length - own.length)}.colored${same ? own : ending}`;
}

function unused(name, taken) {
  let result = name;
  for (let count = 2; taken.has(result); count++) {
    result = name.replace(/(\.colored\.[^.]+)$/, ` (${count})$1`);
  }
  taken.add(result);
  return result;
}

function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
