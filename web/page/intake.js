/** Files that are chosen, dropped, or pasted, and those in folders. */

/**
 * Listen for files.
 *
 * @param {Document} document
 * @param {(files: {file: File, name: string}[], leftOut: number) => void} add Names hold the
 *     folders of files that come in folders; `leftOut` counts those of them that are no pictures.
 */
export function takeFiles(document, add) {
  const byId = (id) => document.getElementById(id);
  for (const [button, input] of [["choose-files", "files"], ["choose-folder", "folder"]]) {
    byId(button).addEventListener("click", () => byId(input).click());
    byId(input).addEventListener("change", ({ target }) => {
      const files = Array.from(target.files, (file) => entryOf(file, file.webkitRelativePath));
      give(files, add);
      target.value = ""; // so that the same file can be chosen again
    });
  }
  byId("choose-folder").hidden = !("webkitdirectory" in byId("folder")); // on some phones
  document.addEventListener("paste", ({ clipboardData }) => {
    give(Array.from(clipboardData.files, (file) => entryOf(file)), add);
  });
  const over = (is) => byId("drop").classList.toggle("over", is);
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    over(true);
  });
  document.addEventListener("dragleave", ({ relatedTarget }) => relatedTarget || over(false));
  document.addEventListener("drop", async (event) => {
    event.preventDefault();
    over(false);
    give(await dropped(event.dataTransfer), add);
  });
}

const entryOf = (file, path) => ({ file, name: path || file.name, inFolder: Boolean(path) });

function give(files, add) {
  const wanted = files.filter(({ file, inFolder }) => !inFolder || file.type.startsWith("image/"));
  wanted.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
  if (files.length) add(wanted, files.length - wanted.length);
}

async function dropped(transfer) {
  const entries = Array.from(transfer.items, (item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return Array.from(transfer.files, (file) => entryOf(file));
  return (await Promise.all(entries.map((entry) => filesOf(entry, "")))).flat();
}

async function filesOf(entry, folder) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    return [entryOf(file, folder && folder + file.name)];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) break;
    found.push(...some);
  }
  return (await Promise.all(found.map((one) => filesOf(one, `${folder}${entry.name}/`)))).flat();
}
