// Sealing: plain bytes in, OpenPGP bytes (RFC 9580, one SEIPDv1 message) out, in parts of bounded size.

import { encryptSessionKey, generateSessionKey } from "../../vendor/openpgp/openpgp.min.mjs";
import { protect } from "./protect.js";

const CONFIG = { aeadProtect: false };
const MIB = 2 ** 20;

/** Seals a stream of so many octets to the certificates; gives a stream that is pulled, so that memory stays bounded. */
export async function seal(stream, size, keys) {
  const { data, algorithm } = await generateSessionKey({ encryptionKeys: keys, config: CONFIG });
  if (!algorithm.startsWith("aes")) throw new Error("The keys of the triage team do not agree on AES.");
  const sealed = await encryptSessionKey({ data, algorithm, encryptionKeys: keys, format: "binary", config: CONFIG });
  return protect(stream, size, data, sealed);
}

/** Seals a short text. */
export function sealText(text, keys) {
  const blob = new Blob([text]);
  return seal(blob.stream(), blob.size, keys);
}

/** What a chosen file holds, piece by piece. Fails with a sentence if it changes or vanishes meanwhile. */
export function streamOfFile(file) {
  const changed = () => new Error(`${file.name} can no longer be read: it has changed or is gone. Choose it again.`);
  const reader = file.stream().getReader();
  let left = file.size;
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await reader.read().catch(() => {
          throw changed();
        });
        left -= value?.length ?? 0;
        if (done && left) throw changed();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason).catch(() => undefined),
    },
    { highWaterMark: 0 },
  );
}

/**
 * Cuts a stream into {bytes, last}; `size` is asked before each part. Only the last may be shorter; none is empty.
 * Buffers that are put into `spare` are used again: garbage of megabytes is collected late.
 */
export async function* inParts(stream, size, spare = []) {
  const fresh = (length) => {
    const index = spare.findIndex((buffer) => buffer.byteLength >= length);
    return index < 0 ? new Uint8Array(length) : new Uint8Array(spare.splice(index, 1)[0], 0, length);
  };
  const reader = stream.getReader();
  let part = fresh(size());
  let filled = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      for (let from = 0; from < value.length; ) {
        if (filled === part.length) {
          yield { bytes: part, last: false };
          part = fresh(size());
          filled = 0;
        }
        const taken = value.subarray(from, from + part.length - filled);
        part.set(taken, filled);
        filled += taken.length;
        from += taken.length;
      }
    }
    yield { bytes: part.subarray(0, filled), last: true };
  } finally {
    // Left early, the stream is ended from here, and with it the reading of the file.
    await reader.cancel().catch(() => undefined);
  }
}

/** Parts that fit the line: small at first, larger while they pass quickly, so that a cut costs seconds, not minutes. */
export class PartSize {
  constructor(most) {
    this.most = most;
    this.now = Math.min(MIB, most);
  }

  /** Learns how long a part took on its way. */
  took(milliseconds) {
    if (milliseconds < 2000) this.now = Math.min(this.now * 2, this.most);
    else if (milliseconds > 8000) this.now = Math.max(this.now / 2, MIB / 4);
  }
}

const ARMORED = "-----BEGIN PGP";
const SESSION_KEY_TAG = 1;

/** Refuses a file that does not begin as a message sealed to somebody's key; says what to do instead. */
export async function checkSealed(file) {
  const head = await file.slice(0, ARMORED.length).arrayBuffer().catch(() => {
    throw new Error(`${file.name} can no longer be read: it has changed or is gone. Choose it again.`);
  });
  const start = new Uint8Array(head);
  if (start.length === 0) throw new Error(`${file.name} is empty.`);
  if (String.fromCharCode(...start) === ARMORED) {
    throw new Error(`${file.name} is armored text. Take the binary form: gpg --dearmor < ${file.name} > report.pgp`);
  }
  const tag = start[0] & 0x40 ? start[0] & 0x3f : (start[0] & 0x3c) >> 2;
  if (!(start[0] & 0x80) || tag !== SESSION_KEY_TAG) {
    const advice = "Seal it first, as the recipe on this page shows, or choose it above to have it sealed here.";
    throw new Error(`${file.name} is not sealed to a key. ${advice}`);
  }
}
