// Opens sealed messages with the key file that the person has kept. The key stays in this worker and ends with it.
//
// onmessage is set before anything is awaited: a worker that awaits first loses the first message.

import { decrypt, decryptKey, readMessage, readPrivateKey } from "../../vendor/openpgp/openpgp.min.mjs";
import { read } from "./message-format.js";

const MOST = 128 * 2 ** 20;
const CONFIG = { allowUnauthenticatedMessages: false, maxDecompressedMessageSize: MOST };
let key = null;

self.onmessage = async ({ data }) => {
  try {
    if (data.secret) key = await unlocked(data.secret, data.passphrase);
    const { text, attachments } = await opened(data);
    const buffers = attachments.map(({ bytes }) => bytes.buffer);
    self.postMessage({ is: "opened", number: data.number, text, attachments }, buffers);
  } catch (error) {
    self.postMessage({ is: "failed", number: data.number, message: error.message, locked: key === null });
  }
};

async function unlocked(file, passphrase) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const found = await secretKey(bytes);
  if (found.isDecrypted()) return found;
  return decryptKey({ privateKey: found, passphrase }).catch(() => {
    throw new Error("The passphrase does not open this key file.");
  });
}

async function secretKey(bytes) {
  try {
    const armored = String.fromCharCode(...bytes.subarray(0, 5)) === "-----";
    return await readPrivateKey(armored ? { armoredKey: new TextDecoder().decode(bytes) } : { binaryKey: bytes });
  } catch {
    throw new Error("This is no file with a secret key. Choose the one that you saved when you made the key.");
  }
}

async function opened({ url, report }) {
  const response = await fetch(url, { cache: "no-store", credentials: "same-origin", redirect: "error" });
  if (!response.ok) throw new Error("The sealed message cannot be fetched. Reload the page in a while.");
  const message = await readMessage({ binaryMessage: new Uint8Array(await response.arrayBuffer()) });
  const ids = message.getEncryptionKeyIDs().map((id) => id.toHex());
  if (!key.getKeyIDs().some((id) => ids.includes(id.toHex()))) throw new Error("It is sealed to other keys than this one.");
  const { data } = await decrypt({ message, decryptionKeys: key, format: "binary", config: CONFIG }).catch(() => {
    throw new Error("It does not open: it is damaged, or was changed on its way. Nothing of it is shown. Tell the team.");
  });
  return read(data, report);
}
