// One resumable upload (tus 1.0) whose length is told with its last part. A cut costs at most the part on its way.

import { Cut } from "./gate.js";
import { sha256 } from "./hasher.js";
import { Answer, answerOf, busy } from "./server.js";

const VERSION = { "Tus-Resumable": "1.0.0" };

export class Upload {
  #server;
  #gate;
  #address;

  constructor(server, address) {
    this.#server = server;
    this.#gate = server.gate;
    this.#address = address;
  }

  /** Makes an upload for a report; `kind` is "body" or "attachment". */
  static async create(server, url, report, kind) {
    const headers = {
      ...VERSION, "Upload-Defer-Length": "1", "Upload-Metadata": `report ${btoa(report)},kind ${btoa(kind)}`,
    };
    return server.gate.persist(async () => {
      const response = await server.ask("POST", url, headers);
      if (response.status === 429 || response.status >= 502) throw await busy(response);
      if (response.status !== 201) throw await answerOf(response);
      return new Upload(server, response.headers.get("Location"));
    });
  }

  /** Sends one part (see hasher.js) and returns once the server has it all, whatever happens to the line in between. */
  async send({ blob, digest }, from, last) {
    const end = from + blob.size;
    let offset = from;
    let known = true;
    await this.#gate.persist(async () => {
      if (!known) {
        const state = await this.#state();
        if (state.offset < from || state.offset > end) {
          throw new Error("The portal no longer has what it had confirmed of this file. Cancel, and send it again.");
        }
        if (state.offset === end && (!last || state.complete)) return true;
        offset = state.offset;
      }
      known = false;
      const rest = blob.slice(offset - from);
      const checksum = offset === from ? digest : await sha256(await rest.arrayBuffer());
      return this.#patch(rest, checksum, offset, last ? end : null);
    });
  }

  /** Removes it from the server; a failure to do so is no one's concern, the server collects what is left lying. */
  async remove(token) {
    const headers = { ...VERSION, "X-CSRFToken": token };
    await fetch(this.#address, { method: "DELETE", headers, credentials: "same-origin", redirect: "manual" }).catch(() => undefined);
  }

  async #state() {
    const response = await this.#server.ask("HEAD", this.#address, VERSION);
    if (response.status >= 500 || response.status === 429) throw new Cut("busy");
    if (!response.ok) throw new Answer("The portal no longer keeps this upload. Cancel, and send it again.", response.status);
    const offset = Number(response.headers.get("Upload-Offset"));
    return { offset, complete: response.headers.get("Upload-Length") === String(offset) };
  }

  async #patch(blob, checksum, offset, length) {
    const headers = { ...VERSION, "Content-Type": "application/offset+octet-stream", "Upload-Offset": String(offset) };
    if (blob.size > 0) headers["Upload-Checksum"] = `sha256 ${checksum}`;
    if (length !== null) headers["Upload-Length"] = String(length);
    // A Blob goes to the network by reference; developer tools would copy bytes, which costs most of the speed.
    const response = await this.#server.ask("PATCH", this.#address, headers, blob);
    if (response.status === 204) {
      if (Number(response.headers.get("Upload-Offset")) !== offset + blob.size) throw new Cut("only a piece arrived");
      return true;
    }
    if (response.status === 429 || response.status >= 500) throw await busy(response);
    if ([408, 409, 460].includes(response.status)) throw new Cut(`answered ${response.status}`);
    throw await answerOf(response);
  }
}
