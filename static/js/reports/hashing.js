// The SHA-256 of a stream, computed by a worker of its own so that it costs the sealing no time.

import { Sha256 } from "./sha256.js";

/** `update` resolves when the bytes are taken, so that no more than one part waits; `hex` ends one file. */
export class Hashing {
  #worker = null;
  #answers = [];

  constructor() {
    try {
      this.#worker = new Worker(new URL("hash-worker.js", import.meta.url), { type: "module" });
      this.#worker.onmessage = ({ data }) => this.#answers.shift().resolve(data);
      this.#worker.onerror = () => this.#answers.splice(0).forEach(({ reject }) => reject(new Error("Hashing failed.")));
    } catch {
      this.#worker = new Inline();
    }
  }

  update(bytes) {
    return this.#ask(bytes);
  }

  /** Like `update`, but the bytes are lent: they are unusable until it resolves with them, and nothing is copied. */
  lend(bytes) {
    return this.#ask(bytes, [bytes.buffer]);
  }

  hex() {
    return this.#ask(null);
  }

  close() {
    this.#worker.terminate();
  }

  #ask(message, lent = []) {
    return new Promise((resolve, reject) => {
      this.#answers.push({ resolve, reject });
      const answer = this.#worker.postMessage(message, lent);
      if (this.#worker instanceof Inline) this.#answers.shift().resolve(answer);
    });
  }
}

/** For browsers in which a worker cannot have one of its own. */
class Inline {
  #hash = new Sha256();

  postMessage(bytes) {
    if (bytes === null) return this.#hash.hex();
    this.#hash.update(bytes);
    return bytes;
  }

  terminate() {}
}
