// Seals a message to the team, and to its author, and sends it. What it is given in clear leaves it only sealed.
//
// onmessage is set before anything is awaited: a worker that awaits first loses the first message.

import { readKey } from "../../vendor/openpgp/openpgp.min.mjs";
import { Gate } from "./gate.js";
import { asPart } from "./hasher.js";
import { fetchKeys } from "./keys.js";
import { write } from "./message-format.js";
import { inParts, sealText } from "./sealing.js";
import { Server } from "./server.js";
import { Upload } from "./upload.js";

const PART = 4 * 2 ** 20;
let gate = null;

const orders = { send: work, resume: () => gate?.resume(), online: () => gate?.online() };

self.onmessage = ({ data }) => orders[data.order](data);

const tell = (is, rest = {}) => self.postMessage({ is, ...rest });

async function work(order) {
  gate = new Gate((message) => tell("hitch", { message }));
  const server = new Server(order.page, order.token, gate);
  try {
    tell("done", { ...(await send(server, order)), token: server.token });
  } catch (error) {
    tell("failed", { message: error.message || "Something went wrong while sealing." });
  }
}

async function send(server, order) {
  const keys = await fetchKeys(order.keysUrl, order.stated);
  if (order.own) keys.push(await ownKey(order.own));
  const text = await write(order.ref, order.text, order.files);
  const sealed = await sealText(text, keys);
  const begun = await server.post(order.beginUrl, {});
  const upload = await Upload.create(server, begun.uploads_url, order.ref, "message");
  let offset = 0;
  for await (const { bytes, last } of inParts(sealed, () => PART)) {
    await upload.send(await asPart(bytes), offset, last);
    offset += bytes.length;
    tell("sent", { bytes: offset });
  }
  return server.post(begun.submit_url, { answers: order.answers });
}

/** The author's own certificate, so that they can read their words later. */
async function ownKey({ armored, fingerprint }) {
  const key = await readKey({ armoredKey: armored });
  if (key.getFingerprint().toUpperCase() !== fingerprint) throw new Error("Your certificate is not the one that this page states.");
  await key.getEncryptionKey();
  return key;
}
