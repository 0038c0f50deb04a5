// Seals as the page does, with the page's own scripts: `node seal.mjs SCRIPTS FOLDER`. The folder holds certificates.asc and
// sizes.json, a list of [size, octets in a piece]; each size's plain file and sealed file are written there.

import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readKeys } from "../../static/vendor/openpgp/openpgp.min.mjs";

const [scripts, folder] = process.argv.slice(2);
const { seal, inParts } = await import(join(scripts, "sealing.js"));
const { Sha1 } = await import(join(scripts, "sha1.js"));
const { Sha256 } = await import(join(scripts, "sha256.js"));
const keys = await readKeys({ armoredKeys: readFileSync(join(folder, "certificates.asc"), "utf8") });

function flowing(bytes, piece) {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at < bytes.length) controller.enqueue(bytes.subarray(at, at + piece));
      at += piece;
      if (at >= bytes.length) controller.close();
    },
  });
}

const octets = (size) => new Uint8Array(size).map((_, index) => (index * 7 + (index >> 8)) & 0xff);

for (const [size, piece] of JSON.parse(readFileSync(join(folder, "sizes.json"), "utf8"))) {
  const plain = octets(size);
  const parts = [];
  for await (const { bytes } of inParts(await seal(flowing(plain, piece), size, keys), () => 2 ** 16)) parts.push(bytes);
  writeFileSync(join(folder, `${size}-${piece}.plain`), plain);
  writeFileSync(join(folder, `${size}-${piece}.pgp`), Buffer.concat(parts));
}

// Digests of all short lengths, whole and in pieces, beside the platform's own.
const wrong = [];
for (const [name, Kind] of [["sha1", Sha1], ["sha256", Sha256]]) {
  for (let size = 0; size <= 260; size += 1) {
    const wanted = createHash(name).update(octets(size)).digest("hex");
    for (const piece of [1, 7, 63, 64, 65, 300]) {
      const hash = new Kind();
      for (let at = 0; at < size; at += piece) hash.update(octets(size).subarray(at, at + piece));
      if (hash.hex() !== wanted) wrong.push([name, size, piece]);
    }
  }
}

// A stream that fails, and one that is left early, end what they came from.
const ended = [];
const endless = new ReadableStream({
  pull: (controller) => controller.enqueue(new Uint8Array(100_000)),
  cancel: () => ended.push("left"),
});
for await (const { bytes } of inParts(await seal(endless, 10 ** 9, keys), () => 10)) if (bytes.length) break;
const failing = new ReadableStream({ pull: (controller) => controller.error(new Error("gone")) });
try {
  for await (const part of inParts(await seal(failing, 10, keys), () => 10)) if (part.last) ended.push("whole");
} catch (error) {
  ended.push(error.message);
}
try {
  for await (const part of inParts(await seal(flowing(octets(9), 9), 10, keys), () => 10)) if (part.last) ended.push("whole");
} catch (error) {
  ended.push(error.message);
}
console.log(JSON.stringify({ wrong, ended }));
