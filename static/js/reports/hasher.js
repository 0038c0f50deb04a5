// What is known of bytes that pass: the SHA-256 of all of them, and each part as it goes over the line.

import { Sha256 } from "./sha256.js";

export class Hasher {
  #hash = new Sha256();

  /** Takes more bytes (Uint8Array). */
  update(bytes) {
    this.#hash.update(bytes);
    return { bytes };
  }

  /** Like `update`, and gives them as a part of an upload: {blob, digest}, the SHA-256 of these bytes alone in base64. */
  async part(bytes) {
    // The browser's own digest works on a copy, beside this.
    const part = asPart(bytes);
    this.#hash.update(bytes);
    return { bytes, ...(await part) };
  }

  /** Ends it: the SHA-256 of all as 64 hex digits. The next bytes begin anew. */
  hex() {
    const hex = this.#hash.hex();
    this.#hash = new Sha256();
    return { hex };
  }
}

/** Bytes as a part of an upload. They may be changed or lent as soon as this is called. */
export async function asPart(bytes) {
  const blob = new Blob([bytes]);
  return { blob, digest: await sha256(bytes) };
}

/** The SHA-256 of bytes, in base64. */
export async function sha256(bytes) {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return btoa(String.fromCharCode(...hash));
}
