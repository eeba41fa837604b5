/** A ZIP archive of files as they are: pictures are compressed already. */

const UTF8_NAMES = 0x0800;
const ZIP64 = 0xffffffff; // sizes from here on need another format

/**
 * @param {{name: string, blob: Blob, checksum: number, date: Date}[]} files With different names,
 *     and each with its CRC-32.
 * @returns {Blob}
 */
export function zipOf(files) {
  const parts = [];
  const directory = [];
  let place = 0;
  for (const { name, blob, checksum, date } of files) {
    const encoded = new TextEncoder().encode(name);
    const fields = common(encoded, blob.size, checksum, date);
    const head = record(0x04034b50, [], fields, []);
    parts.push(head, encoded, blob);
    const rest = [[2, 0], [2, 0], [2, 0], [4, 0], [4, place]]; // comment, disk, attributes, place
    directory.push(record(0x02014b50, [[2, 20]], fields, rest), encoded);
    place += head.length + encoded.length + blob.size;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  if (place + size >= ZIP64) throw new Error("the pictures are too large for one ZIP; save them one by one");
  const counts = [[2, 0], [2, 0], [2, files.length], [2, files.length]];
  const end = record(0x06054b50, counts, [[4, size], [4, place], [2, 0]], []);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}

/** Fields that a file's head and its entry in the directory share. */
function common(name, length, checksum, date) {
  const time = (date.getHours() << 11) | (date.getMinutes() << 5) | (date.getSeconds() >> 1);
  const day = (Math.max(0, date.getFullYear() - 1980) << 9) | ((date.getMonth() + 1) << 5) | date.getDate();
  const size = [4, length];
  return [
    [2, 20], [2, UTF8_NAMES], [2, 0], [2, time], [2, day], [4, checksum], size, size,
    [2, name.length], [2, 0],
  ];
}

/** A signature and little-endian numbers given as [bytes, value]. */
function record(signature, ...groups) {
  const fields = [[4, signature], ...groups.flat()];
  const result = new Uint8Array(fields.reduce((sum, [bytes]) => sum + bytes, 0));
  const view = new DataView(result.buffer);
  let place = 0;
  for (const [bytes, value] of fields) {
    if (bytes === 2) view.setUint16(place, value, true);
    else view.setUint32(place, value, true);
    place += bytes;
  }
  return result;
}
