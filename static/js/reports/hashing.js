// A Hasher in a worker of its own, so that hashing and copying cost the sealing no time.

import { Hasher } from "./hasher.js";

/** Bytes are lent: they are unusable until the answer brings them back as `bytes`. `hex` ends one file. */
export class Hashing {
  #worker = null;
  #answers = [];
  #inline = null;

  constructor() {
    try {
      this.#worker = new Worker(new URL("hash-worker.js", import.meta.url), { type: "module" });
      this.#worker.onmessage = ({ data }) => this.#answers.shift().resolve(data);
      this.#worker.onerror = () => this.#answers.splice(0).forEach(({ reject }) => reject(new Error("Hashing failed.")));
    } catch {
      // There are browsers in which a worker cannot have one of its own.
      this.#inline = new Hasher();
    }
  }

  update(bytes) {
    return this.#ask("update", bytes);
  }

  part(bytes) {
    return this.#ask("part", bytes);
  }

  async hex() {
    return (await this.#ask("hex")).hex;
  }

  close() {
    this.#worker?.terminate();
  }

  async #ask(ask, bytes = undefined) {
    if (this.#inline) return this.#inline[ask](bytes);
    return new Promise((resolve, reject) => {
      this.#answers.push({ resolve, reject });
      this.#worker.postMessage({ ask, bytes }, bytes ? [bytes.buffer] : []);
    });
  }
}
