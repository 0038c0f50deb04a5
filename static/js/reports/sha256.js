// SHA-256 in steps (FIPS 180-4). The browser's own digest wants all bytes at once, and a sealed file may be a gigabyte.

const K = new Int32Array([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]);
const BLOCK = 64;

const big0 = (a) => ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
const big1 = (e) => ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));

export class Sha256 {
  #state = new Int32Array([
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
  ]);
  #schedule = new Int32Array(64);
  #rest = new Uint8Array(BLOCK);
  #resting = 0;
  #length = 0;

  /** Takes more bytes (Uint8Array). */
  update(bytes) {
    this.#length += bytes.length;
    let from = 0;
    if (this.#resting > 0) {
      from = Math.min(BLOCK - this.#resting, bytes.length);
      this.#rest.set(bytes.subarray(0, from), this.#resting);
      this.#resting += from;
      if (this.#resting < BLOCK) return this;
      this.#blocks(this.#rest, 0, BLOCK);
      this.#resting = 0;
    }
    const whole = bytes.length - ((bytes.length - from) % BLOCK);
    this.#blocks(bytes, from, whole);
    this.#rest.set(bytes.subarray(whole));
    this.#resting = bytes.length - whole;
    return this;
  }

  /** Ends it: the digest as 64 lower-case hex digits. */
  hex() {
    const bits = this.#length * 8;
    const padding = new Uint8Array((this.#resting < 56 ? 64 : 128) - this.#resting);
    padding[0] = 0x80;
    const view = new DataView(padding.buffer);
    view.setUint32(padding.length - 8, Math.floor(bits / 2 ** 32));
    view.setUint32(padding.length - 4, bits >>> 0);
    this.update(padding);
    return Array.from(this.#state, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  }

  #blocks(bytes, from, to) {
    const w = this.#schedule;
    const state = this.#state;
    let [h0, h1, h2, h3, h4, h5, h6, h7] = state;
    for (let at = from; at < to; at += BLOCK) {
      for (let i = 0, j = at; i < 16; i += 1, j += 4) {
        w[i] = (bytes[j] << 24) | (bytes[j + 1] << 16) | (bytes[j + 2] << 8) | bytes[j + 3];
      }
      for (let i = 16; i < 64; i += 1) {
        const x = w[i - 15];
        const y = w[i - 2];
        const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
        const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
        w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
      }
      let a = h0, b = h1, c = h2, d = h3, e = h4, f = h5, g = h6, h = h7;
      // Eight rounds at a time: the names turn once round, so that nothing is moved from one to the next.
      for (let i = 0; i < 64; i += 8) {
        h = (h + K[i] + w[i] + (g ^ (e & (f ^ g))) + big1(e)) | 0;
        d = (d + h) | 0;
        h = (h + big0(a) + ((a & b) | (c & (a | b)))) | 0;
        g = (g + K[i + 1] + w[i + 1] + (f ^ (d & (e ^ f))) + big1(d)) | 0;
        c = (c + g) | 0;
        g = (g + big0(h) + ((h & a) | (b & (h | a)))) | 0;
        f = (f + K[i + 2] + w[i + 2] + (e ^ (c & (d ^ e))) + big1(c)) | 0;
        b = (b + f) | 0;
        f = (f + big0(g) + ((g & h) | (a & (g | h)))) | 0;
        e = (e + K[i + 3] + w[i + 3] + (d ^ (b & (c ^ d))) + big1(b)) | 0;
        a = (a + e) | 0;
        e = (e + big0(f) + ((f & g) | (h & (f | g)))) | 0;
        d = (d + K[i + 4] + w[i + 4] + (c ^ (a & (b ^ c))) + big1(a)) | 0;
        h = (h + d) | 0;
        d = (d + big0(e) + ((e & f) | (g & (e | f)))) | 0;
        c = (c + K[i + 5] + w[i + 5] + (b ^ (h & (a ^ b))) + big1(h)) | 0;
        g = (g + c) | 0;
        c = (c + big0(d) + ((d & e) | (f & (d | e)))) | 0;
        b = (b + K[i + 6] + w[i + 6] + (a ^ (g & (h ^ a))) + big1(g)) | 0;
        f = (f + b) | 0;
        b = (b + big0(c) + ((c & d) | (e & (c | d)))) | 0;
        a = (a + K[i + 7] + w[i + 7] + (h ^ (f & (g ^ h))) + big1(f)) | 0;
        e = (e + a) | 0;
        a = (a + big0(b) + ((b & c) | (d & (b | c)))) | 0;
      }
      h0 = (h0 + a) | 0;
      h1 = (h1 + b) | 0;
      h2 = (h2 + c) | 0;
      h3 = (h3 + d) | 0;
      h4 = (h4 + e) | 0;
      h5 = (h5 + f) | 0;
      h6 = (h6 + g) | 0;
      h7 = (h7 + h) | 0;
    }
    state.set([h0, h1, h2, h3, h4, h5, h6, h7]);
  }
}
