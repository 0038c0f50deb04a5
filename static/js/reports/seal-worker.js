// Seals a report and uploads it, off the page's thread. What it is given in clear leaves it only sealed.
//
// onmessage is set before anything is awaited: a worker that awaits first loses the first message.

import { Cancelled, Gate } from "./gate.js";
import { Hashing } from "./hashing.js";
import { describe, fetchKeys } from "./keys.js";
import { checkSealed, inParts, PartSize, seal, sealText, streamOfFile } from "./sealing.js";
import { Answer, Server } from "./server.js";
import { Upload } from "./upload.js";

const FORMAT = "sealed-report/1";
let gate = null;
let keys = null;
let draft = null;

const orders = {
  keys: loadKeys,
  send: work,
  pause: () => gate?.pause(),
  resume: () => gate?.resume(),
  online: () => gate?.online(),
  cancel: () => gate?.cancel(),
};

self.onmessage = ({ data }) => orders[data.order](data);

const tell = (is, rest = {}) => self.postMessage({ is, ...rest });

async function loadKeys({ url, stated }) {
  try {
    keys = await fetchKeys(url, stated);
    tell("keys", { keys: await Promise.all(keys.map(describe)) });
  } catch (error) {
    tell("unusable", { message: error.message });
  }
}

/** One report from the first byte to its submission; everything that happens is told to the page. */
async function work(order) {
  gate = new Gate((message) => tell("hitch", { message }));
  const server = new Server(order.page, order.token, gate);
  const job = new Job(server, order);
  try {
    await job.check();
    draft = await drafted(server, order);
    tell("done", { ...(await job.run(draft)), token: server.token });
    draft = null;
  } catch (error) {
    await job.remove();
    // What the server refused of a draft may be the draft itself: the next try makes a new one.
    if (error instanceof Answer) draft = null;
    if (error instanceof Cancelled) tell("cancelled", { message: error.message });
    else tell("failed", { message: readable(error), fields: error.fields ?? {} });
  } finally {
    job.close();
  }
}

/** The report's row on the server; a second try with the same words in clear goes on with the first one's. */
async function drafted(server, order) {
  const clear = JSON.stringify(order.clear);
  if (draft?.clear === clear) return draft;
  return { ...(await server.post(order.newUrl, order.clear)), clear };
}

class Job {
  #server;
  #order;
  #uploads = [];
  #hashing = new Hashing();
  #sent = 0;
  #size;
  #spare = [];

  constructor(server, order) {
    this.#server = server;
    this.#order = order;
    this.#size = new PartSize(order.partSize);
  }

  /** Everything that can be found out before the server is asked. */
  async check() {
    const { sealed, files, maxFiles, maxBytes } = this.#order;
    if (sealed) await checkSealed(sealed);
    if (files.length + 1 > maxFiles) throw new Error(`Choose at most ${maxFiles - 1} files; the report's text is one more.`);
    for (const file of sealed ? [sealed] : files) {
      if (file.size > maxBytes) throw new Error(`${file.name} is larger than the portal takes.`);
    }
  }

  /** Attachments first: the sealed manifest holds the hashes of their ciphertext. */
  async run(report) {
    const { sealed, files } = this.#order;
    if (sealed) {
      await this.#upload(streamOfFile(sealed), report, "body", sealed.name);
    } else {
      const attachments = [];
      for (const [index, file] of files.entries()) {
        const stream = await seal(streamOfFile(file), file.size, keys);
        const sha256 = await this.#upload(stream, report, "attachment", file.name, index);
        tell("arrived", { index });
        attachments.push({ name: file.name, size: file.size, sha256 });
      }
      const stream = await sealText(this.#manifest(attachments, report), keys);
      await this.#upload(stream, report, "body", "the report");
    }
    return this.#server.post(report.submit_url, {});
  }

  /** Takes back what has been uploaded, after a failure or a cancel. */
  async remove() {
    await Promise.all(this.#uploads.map((upload) => upload.remove(this.#server.token)));
  }

  close() {
    this.#hashing.close();
  }

  #manifest(attachments, report) {
    const { title, text, build, cvss, keySet } = this.#order;
    if (report.key_set !== keySet) throw new Error("The portal's keys have just changed. Reload the page; copy your text first.");
    return JSON.stringify({ format: FORMAT, title, text, build, cvss: cvss || null, key_set: keySet, attachments }, null, 1);
  }

  /**
   * One part is on its way and one waits while the next is sealed, so that neither the line nor the sealing stands still
   * for the other. Gives the SHA-256 of all that was sent.
   */
  async #upload(stream, report, kind, name, index = -1) {
    tell("file", { name, index });
    const upload = await Upload.create(this.#server, report.uploads_url, report.ref, kind);
    this.#uploads.push(upload);
    let offset = 0;
    let before = Promise.resolve();
    let flying = before;
    for await (const { bytes, last } of inParts(stream, () => this.#size.now, this.#spare)) {
      await before;
      const from = offset;
      offset += bytes.length;
      const part = this.#part(bytes);
      before = flying;
      flying = flying.then(async () => this.#send(upload, await part, from, last));
      // Its failure is met at the next await; until then it must not count as unheard.
      flying.catch(() => undefined);
    }
    await flying;
    return this.#hashing.hex();
  }

  async #part(bytes) {
    const part = await this.#hashing.part(bytes);
    const { buffer } = part.bytes;
    // Parts grow: smaller buffers are of no use any more.
    if (buffer.byteLength >= this.#size.now && this.#spare.length < 2) this.#spare.push(buffer);
    return part;
  }

  async #send(upload, part, from, last) {
    const begun = performance.now();
    await upload.send(part, from, last);
    this.#size.took(performance.now() - begun);
    this.#sent += part.blob.size;
    tell("sent", { bytes: this.#sent });
  }
}

const readable = (error) => error.message || "Something went wrong while sealing.";
