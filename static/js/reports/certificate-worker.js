// Makes a key pair whose public half gpg 2.2 can seal to, and proves to the portal that it opens. The secret half leaves
// this worker only as the key file, encrypted with the passphrase.
//
// onmessage is set before anything is awaited: a worker that awaits first loses the first message.

import { decrypt, decryptKey, generateKey, readMessage } from "../../vendor/openpgp/openpgp.min.mjs";
import { Gate } from "./gate.js";
import { Server } from "./server.js";

const YEARS = 2 * 365 * 86_400;
// Version 4, Curve25519 in the form that gpg 2.2 knows, Features 0x01; as many rounds over the passphrase as S2K can have.
const CONFIG = { v6Keys: false, aeadProtect: false, s2kIterationCountByte: 255 };
let made = null;

const orders = { make, give };
const DONE = { make: "made", give: "given" };

self.onmessage = async ({ data }) => {
  try {
    self.postMessage({ is: DONE[data.order], ...(await orders[data.order](data)) });
  } catch (error) {
    self.postMessage({ is: "failed", message: error.message || "Something went wrong." });
  }
};

async function make({ name, email, passphrase }) {
  const { privateKey, publicKey } = await generateKey({
    type: "ecc", curve: "curve25519Legacy", userIDs: [{ name, email }], passphrase, keyExpirationTime: YEARS, format: "object",
    config: CONFIG,
  });
  made = { certificate: publicKey.armor(), key: await decryptKey({ privateKey, passphrase }) };
  return { secret: privateKey.armor(), fingerprint: publicKey.getFingerprint().toUpperCase() };
}

async function give({ page, token, giveUrl }) {
  const server = new Server(page, token, new Gate((message) => self.postMessage({ is: "failed", message })));
  const { challenge, prove_url: proveUrl } = await server.post(giveUrl, { certificate: made.certificate });
  const message = await readMessage({ armoredMessage: challenge });
  const { data } = await decrypt({ message, decryptionKeys: made.key });
  return server.post(proveUrl, { digits: data.trim() });
}
