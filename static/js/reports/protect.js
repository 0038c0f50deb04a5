// What an integrity-protected packet holds (RFC 9580, 5.13.1: version 1): the plain packets between a random prefix and their
// SHA-1, under AES in CFB mode. openpgp.js does the same; where bytes stream it takes four times as long, most of it for SHA-1.

import { Sha1 } from "./sha1.js";

const BLOCK = 16;
const ROOM = 2 ** 18;
const DIGEST = 20;
const MDC = new Uint8Array([0xd3, DIGEST]);

/** Protects a stream of Uint8Array under an AES key; gives a stream that is pulled. */
export function protect(stream, key) {
  const pieces = sealed(stream, key);
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await pieces.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: () => pieces.return(),
    },
    { highWaterMark: 0 },
  );
}

async function* sealed(stream, key) {
  const cipher = new Cipher(await crypto.subtle.importKey("raw", key, "AES-CBC", false, ["encrypt"]));
  for await (const piece of plain(stream)) {
    for (let from = 0; from < piece.length; ) {
      from += cipher.take(piece.subarray(from));
      if (cipher.full) yield cipher.turn();
    }
  }
  yield cipher.end();
}

/** The random prefix with its last two octets again, the packets, and the head of the one that holds the digest. */
async function* plain(stream) {
  const prefix = crypto.getRandomValues(new Uint8Array(BLOCK + 2));
  prefix.copyWithin(BLOCK, BLOCK - 2, BLOCK);
  yield prefix;
  const reader = stream.getReader();
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value;
  } finally {
    await reader.cancel().catch(() => undefined);
  }
  yield MDC;
}

/**
 * CFB by way of CBC, the nearest mode that browsers have: with the ciphertext's last block before the plain octets and no
 * vector, CBC gives just what CFB adds to each block.
 */
class Cipher {
  #key;
  #hash = new Sha1();
  #room = new Uint8Array(BLOCK + ROOM + DIGEST + BLOCK);
  #filled = 0;

  constructor(key) {
    this.#key = key;
  }

  get full() {
    return this.#filled === ROOM;
  }

  /** Takes as many octets as there is room for; says how many. */
  take(bytes) {
    const taken = bytes.subarray(0, ROOM - this.#filled);
    this.#room.set(taken, BLOCK + this.#filled);
    this.#filled += taken.length;
    return taken.length;
  }

  /** Encrypts what it holds. */
  async turn() {
    const encrypted = this.#encrypted(this.#filled);
    // The browser encrypts a copy, beside this.
    this.#hash.update(this.#plain(this.#filled));
    this.#filled = 0;
    return encrypted;
  }

  /** Encrypts what it holds and the digest of everything. */
  async end() {
    const digest = this.#hash.update(this.#plain(this.#filled)).bytes();
    this.#room.set(digest, BLOCK + this.#filled);
    return this.#encrypted(this.#filled + DIGEST);
  }

  async #encrypted(length) {
    const before = this.#room.subarray(0, Math.ceil(length / BLOCK) * BLOCK);
    const added = await crypto.subtle.encrypt({ name: "AES-CBC", iv: new Uint8Array(BLOCK) }, this.#key, before);
    const words = Math.ceil(length / 4);
    const out = new Int32Array(added, 0, words);
    const plain = new Int32Array(this.#room.buffer, BLOCK, words);
    for (let i = 0; i < words; i += 1) out[i] ^= plain[i];
    const bytes = new Uint8Array(added, 0, length);
    this.#room.set(bytes.subarray(-BLOCK));
    return bytes;
  }

  #plain(length) {
    return this.#room.subarray(BLOCK, BLOCK + length);
  }
}
