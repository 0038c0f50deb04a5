// A researcher's sealed messages: what is typed goes to one worker that seals it, what is read comes from another that opens it.

import { workersAt } from "./workers.js";

const thread = document.getElementById("thread");
const form = document.getElementById("message-form");
const part = (name) => document.getElementById(name);

class Writing {
  #worker;
  #working = false;
  #leaving = false;

  constructor(root, open) {
    this.form = root;
    this.open = open;
    this.token = root.dataset.csrf;
    this.text = part("message-text");
    this.files = part("message-files");
    this.button = part("message-send");
    this.status = part("message-status");
    this.error = part("message-error");
  }

  start() {
    for (const element of this.form.querySelectorAll("[data-write]")) element.hidden = false;
    this.button.addEventListener("click", () => this.#send());
    window.addEventListener("beforeunload", (event) => {
      if (!this.#leaving && (this.#working || this.text.value)) event.preventDefault();
    });
    // The file that gpg has sealed goes the form's own way; leaving the page for it is meant.
    this.form.addEventListener("submit", () => (this.#leaving = true));
  }

  #send() {
    if (this.button.dataset.state === "hitch") return this.#goOn();
    const files = [...this.files.files];
    const size = this.text.value.length + files.reduce((sum, file) => sum + file.size, 0);
    const data = this.form.dataset;
    this.error.hidden = true;
    if (!this.text.value.trim()) return this.#complain("Write something; it is sealed before it leaves this page.");
    if (size * 1.4 > Number(data.maxBytes)) return this.#complain("Text and attachments are too large together for a message.");
    this.#worker ??= this.#begin(data.workerUrl);
    this.#working = true;
    this.button.disabled = true;
    this.status.textContent = "Sealing …";
    const own = part("message-own");
    this.#worker.postMessage({
      order: "send", page: location.href, token: this.token, beginUrl: data.beginUrl, keysUrl: data.keysUrl, ref: data.ref,
      stated: data.fingerprints.split(/\s+/).filter(Boolean), text: this.text.value, files,
      own: own && { armored: own.value, fingerprint: own.dataset.fingerprint }, answers: part("answers")?.checked ?? false,
    });
  }

  #begin(address) {
    const worker = this.open(address);
    worker.onmessage = ({ data }) => this[data.is](data);
    worker.onerror = () => this.failed({ message: "This browser cannot seal here. Seal with gpg instead, as shown below." });
    window.addEventListener("online", () => worker.postMessage({ order: "online" }));
    return worker;
  }

  #goOn() {
    this.button.dataset.state = "";
    this.button.textContent = "Seal and send";
    this.button.disabled = true;
    this.#worker.postMessage({ order: "resume" });
  }

  sent({ bytes }) {
    this.status.textContent = `${(bytes / 2 ** 20).toFixed(1)} MiB sealed and sent …`;
  }

  hitch({ message }) {
    this.status.textContent = message;
    this.button.dataset.state = "hitch";
    this.button.textContent = "Go on";
    this.button.disabled = false;
  }

  failed({ message }) {
    this.#working = false;
    this.button.disabled = false;
    this.status.textContent = "Not sent. What you typed is still here.";
    this.#complain(message);
  }

  done({ url }) {
    this.#leaving = true;
    this.text.value = "";
    this.status.textContent = "Sent, sealed.";
    const page = new URL(url, location.href);
    if (page.origin !== location.origin) return;
    // Where only the fragment differs, the browser would stay on the page as it was.
    if (page.pathname === location.pathname) {
      history.replaceState(null, "", page);
      location.reload();
    } else location.assign(page);
  }

  #complain(message) {
    this.error.textContent = message;
    this.error.hidden = false;
  }
}

class Reading {
  #worker;
  #unlocked = false;

  constructor(root, open) {
    this.root = root;
    this.open = open;
    this.file = part("open-file");
    this.passphrase = part("open-passphrase");
    this.status = part("open-status");
    this.error = part("open-error");
  }

  start() {
    part("open-key").hidden = false;
    for (const button of this.root.querySelectorAll("[data-open]")) {
      button.hidden = false;
      button.addEventListener("click", () => this.#read(button));
    }
  }

  #read(button) {
    this.error.hidden = true;
    const [secret] = this.file.files;
    if (!this.#unlocked && !secret) return this.#complain("Choose your key file first; it stays in this page.");
    this.#worker ??= this.#begin();
    this.status.textContent = `Opening message ${button.dataset.number} …`;
    const message = { number: button.dataset.number, url: button.dataset.open, report: this.root.dataset.ref };
    this.#worker.postMessage(secret ? { ...message, secret, passphrase: this.passphrase.value } : message);
    this.passphrase.value = "";
  }

  #begin() {
    const worker = this.open(this.root.dataset.workerUrl);
    worker.onmessage = ({ data }) => this[data.is](data);
    worker.onerror = () => this.#complain("This browser cannot open messages here. Use gpg, as shown below.");
    return worker;
  }

  opened({ number, text, attachments }) {
    this.#unlocked = true;
    this.file.value = "";
    this.status.textContent = `Message ${number} is open below its line. The key is forgotten when you leave this page.`;
    const place = part(`message-${number}`);
    place.querySelector(".opened")?.remove();
    place.append(shown(text, attachments, number));
    this.#tellRead(Number(number));
  }

  /** That it was read is worth telling, and nothing is lost where it cannot be told. */
  #tellRead(number) {
    const { readUrl, csrf } = this.root.dataset;
    const headers = { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": csrf };
    fetch(readUrl, { method: "POST", headers, body: JSON.stringify({ number }), redirect: "error" }).catch(() => undefined);
  }

  failed({ message, locked }) {
    if (locked) this.#unlocked = false;
    this.status.textContent = "Not opened.";
    this.#complain(message);
  }

  #complain(message) {
    this.error.textContent = message;
    this.error.hidden = false;
    this.error.scrollIntoView({ block: "nearest" });
  }
}

/** What was decrypted, as text and never as markup; attachments as files to save. */
function shown(text, attachments, number) {
  const made = document.createElement("div");
  made.className = "opened";
  made.tabIndex = -1;
  const words = document.createElement("p");
  words.className = "opened-text";
  words.textContent = text;
  made.append(words);
  for (const { name, bytes } of attachments) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
    link.download = `message-${number}-${name}`;
    link.className = "btn btn-quiet btn-small";
    link.textContent = `Save ${name}`;
    made.append(link, " ");
  }
  return made;
}

if (globalThis.Worker && globalThis.crypto?.subtle) {
  const addresses = [thread, form].filter(Boolean).map((root) => root.dataset.workerUrl);
  const open = addresses.length ? workersAt(...addresses) : null;
  if (thread) new Reading(thread, open).start();
  if (form) new Writing(form, open).start();
}
