// An integrity-protected packet (RFC 9580, 5.13.1: version 1): a literal packet between a random prefix and the SHA-1 of both,
// under AES in CFB mode. openpgp.js does the same; where bytes stream it takes more than twice as long, most of it for SHA-1.

import { Sha1 } from "./sha1.js";

const BLOCK = 16;
const ROOM = 2 ** 18;
const DIGEST = 20;
const MDC = new Uint8Array([0xd3, DIGEST]);
const PROTECTED = 18;
const LITERAL = 11;
// Binary, without a name, without a time.
const BINARY = [0x62, 0, 0, 0, 0, 0];

/**
 * Protects a stream of so many octets under an AES key; gives a stream that is pulled and begins with `before`. Nothing is
 * compressed: it is slow, and the size of what it makes tells about the content.
 */
export function protect(stream, size, key, before) {
  const pieces = sealed(stream, size, key, before);
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await pieces.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel(reason) {
        await pieces.return();
        // Left so early that nobody reads it yet.
        if (!stream.locked) await stream.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

async function* sealed(stream, size, key, before) {
  const cipher = new Cipher(await crypto.subtle.importKey("raw", key, "AES-CBC", false, ["encrypt"]));
  const prefix = crypto.getRandomValues(new Uint8Array(BLOCK + 2));
  // Its last two octets come twice.
  prefix.copyWithin(BLOCK, BLOCK - 2, BLOCK);
  const literal = head(LITERAL, BINARY.length + size, BINARY);
  yield before;
  yield head(PROTECTED, 1 + prefix.length + literal.length + size + MDC.length + DIGEST, [1]);
  for await (const piece of inTurn(prefix, literal, stream, size)) {
    for (let from = 0; from < piece.length; ) {
      from += cipher.take(piece.subarray(from));
      if (cipher.full) yield cipher.turn();
    }
  }
  yield cipher.end();
}

async function* inTurn(prefix, literal, stream, size) {
  yield prefix;
  yield literal;
  const reader = stream.getReader();
  let left = size;
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      left -= read.value.length;
      yield read.value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
  if (left !== 0) throw new Error("What was to be sealed has another length than it had.");
  yield MDC;
}

/** The head of a packet of so many octets, and the first ones of them. */
function head(tag, length, first) {
  const bytes = new Uint8Array([0xc0 | tag, 0xff, 0, 0, 0, 0, ...first]);
  new DataView(bytes.buffer).setUint32(2, length);
  return bytes;
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
