// Seals in the ways that openpgp.js knows, for the walker to walk over: `node sealing.mjs FOLDER`. The folder holds
// certificates.asc; every file is written there under the name of the way.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ReadableStream } from "node:stream/web";
import * as openpgp from "../../node_modules/openpgp/dist/node/openpgp.mjs";

const folder = process.argv[2];
const encryptionKeys = await openpgp.readKeys({ armoredKeys: readFileSync(join(folder, "certificates.asc"), "utf8") });
const plain = new Uint8Array(300_000).map((_, index) => (index * 7 + (index >> 8)) & 0xff);

function flowing(size) {
  let position = 0;
  return new ReadableStream({
    pull(controller) {
      controller.enqueue(plain.subarray(position, position + size));
      position += size;
      if (position >= plain.length) controller.close();
    },
  });
}

async function seal(name, binary, how = {}) {
  const message = await openpgp.createMessage({ binary });
  const sealed = await openpgp.encrypt({ message, encryptionKeys, format: "binary", ...how });
  const parts = [];
  if (typeof sealed === "string" || sealed instanceof Uint8Array) parts.push(sealed);
  else for await (const part of sealed) parts.push(part);
  writeFileSync(join(folder, name), Buffer.concat(parts.map((part) => Buffer.from(part))));
}

const short = plain.subarray(0, 200);
await seal("taken-js-short", short);
await seal("taken-js-empty", plain.subarray(0, 0));
await seal("taken-js-whole", plain);
await seal("taken-js-compressed", plain, {
  config: { preferredCompressionAlgorithm: openpgp.enums.compression.zlib },
});
await seal("taken-js-flowing-1000", flowing(1000));
await seal("taken-js-flowing-65536", flowing(65_536));
await seal("taken-js-aead-asked-for-of-these-certificates", short, { config: { aeadProtect: true } });
await seal("armored-js", short, { format: "armored" });
await seal("hidden-recipient-js", short, { wildcard: true });
await seal("symmetric-js", short, { encryptionKeys: [], passwords: ["a password"] });
await seal("symmetric-js-beside-keys", short, { passwords: ["a password"] });
