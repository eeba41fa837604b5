/** XMP that says that a picture's colors were computed. */
/* global TOOL */

const SOURCE_TYPE =
  "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia";
const EMPTY =
  '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>' +
  '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF ' +
  'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"></rdf:RDF></x:xmpmeta>' +
  '<?xpacket end="w"?>';
const SAID =
  '<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" ' +
  'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" ' +
  `xmp:CreatorTool="${TOOL}" Iptc4xmpExt:DigitalSourceType="${SOURCE_TYPE}"/>`;
// What a packet says already, as an attribute or as an element.
const REPLACED = ["xmp:CreatorTool", "Iptc4xmpExt:DigitalSourceType"].flatMap((name) => [
  new RegExp(`\\s${name}\\s*=\\s*("[^"]*"|'[^']*')`, "g"),
  new RegExp(`<${name}(\\s[^>]*)?>[\\s\\S]*?</${name}>`, "g"),
]);

/** @param {Uint8Array} [packet] Of the source. */
export function describing(packet) {
  const end = "</rdf:RDF>";
  let text = packet ? new TextDecoder().decode(packet) : EMPTY;
  if (!text.includes(end)) text = EMPTY;
  for (const pattern of REPLACED) text = text.replace(pattern, "");
  text = text.replace(/(tiff:Orientation\s*(?:=\s*["']|>)\s*)\d/, "$11");
  return new TextEncoder().encode(text.replace(end, SAID + end));
}
