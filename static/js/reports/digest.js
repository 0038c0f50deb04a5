// What SHA-1 and SHA-256 share: blocks of 64 octets, the padding, and words with the highest octet first.

export const BLOCK = 64;

export class Digest {
  #state;
  #rest = new Uint8Array(BLOCK);
  #resting = 0;
  #length = 0;

  /** `state` are the words to begin with. `blocks(state, view, to)` of a subclass takes whole blocks into them. */
  constructor(state) {
    this.#state = new Int32Array(state);
  }

  /** Takes more bytes (Uint8Array). */
  update(bytes) {
    this.#length += bytes.length;
    let from = 0;
    if (this.#resting > 0) {
      from = Math.min(BLOCK - this.#resting, bytes.length);
      this.#rest.set(bytes.subarray(0, from), this.#resting);
      this.#resting += from;
      if (this.#resting < BLOCK) return this;
      this.#take(this.#rest);
      this.#resting = 0;
    }
    const whole = bytes.length - ((bytes.length - from) % BLOCK);
    this.#take(bytes.subarray(from, whole));
    this.#rest.set(bytes.subarray(whole));
    this.#resting = bytes.length - whole;
    return this;
  }

  /** Ends it: the digest. */
  bytes() {
    const bits = this.#length * 8;
    const padding = new Uint8Array((this.#resting < 56 ? 64 : 128) - this.#resting);
    padding[0] = 0x80;
    const view = new DataView(padding.buffer);
    view.setUint32(padding.length - 8, Math.floor(bits / 2 ** 32));
    view.setUint32(padding.length - 4, bits >>> 0);
    this.update(padding);
    const digest = new DataView(new ArrayBuffer(this.#state.byteLength));
    this.#state.forEach((word, index) => digest.setInt32(4 * index, word));
    return new Uint8Array(digest.buffer);
  }

  /** Ends it: the digest in lower-case hex. */
  hex() {
    return Array.from(this.bytes(), (octet) => octet.toString(16).padStart(2, "0")).join("");
  }

  #take(bytes) {
    this.blocks(this.#state, new DataView(bytes.buffer, bytes.byteOffset), bytes.length);
  }
}
