// The page of a new report: what is typed and chosen goes to the worker, which alone seals and sends it.

import { Files } from "./files.js";

const form = document.getElementById("report-form");
const MIB = 2 ** 20;
const CLEAR = ["title", "kind", "capability", "links", "scenario", "severity", "build"];
const BY_HAND = "*";

class Page {
  #worker;
  #working = false;
  #leaving = false;
  #meter = null;
  #disabled = [];
  #files;

  constructor(root) {
    this.form = root;
    this.#files = new Files(part("list"), part("files"), Number(root.dataset.maxFiles) - 1, (message) => this.#complain(message));
    this.text = part("text");
    this.send = part("send");
    this.pause = part("pause");
    this.cancel = part("cancel") ?? button("seal-cancel", "Cancel", this.pause);
    this.progress = part("progress");
    this.figures = part("figures") ?? paragraph("seal-figures", this.progress);
    this.status = part("status");
    this.error = part("error");
    this.token = root.dataset.csrf;
  }

  start() {
    this.form.querySelector("[data-seal]").hidden = false;
    this.send.disabled = true;
    this.status.textContent = "Fetching the keys of the triage team …";
    this.#worker = openWorker(this.form.dataset.workerUrl);
    this.#worker.onmessage = ({ data }) => this[data.is](data);
    this.#worker.onerror = () => this.unusable({ message: "This browser cannot seal here. Seal with gpg instead, as shown below." });
    this.#worker.postMessage({
      order: "keys", url: this.form.dataset.keysUrl, stated: this.form.dataset.fingerprints.split(/\s+/).filter(Boolean),
    });
    this.send.addEventListener("click", () => this.#submit(null));
    this.form.addEventListener("submit", (event) => this.#submitted(event));
    this.pause.addEventListener("click", () => this.#turn());
    this.cancel.addEventListener("click", () => this.#worker.postMessage({ order: "cancel" }));
    window.addEventListener("online", () => this.#worker.postMessage({ order: "online" }));
    window.addEventListener("beforeunload", (event) => {
      if (!this.#leaving && (this.#working || this.text.value || this.#files.all.length)) event.preventDefault();
    });
  }

  // --- what the worker tells ---

  keys({ keys }) {
    showKeys(keys, this.send);
    this.send.disabled = false;
    this.status.textContent = `Ready: ${keys.length} keys, the ones that this page states.`;
  }

  unusable({ message }) {
    this.status.textContent = "Nothing can be sealed here now.";
    this.send.disabled = true;
    this.#complain(message);
  }

  file({ name, index }) {
    this.#files.mark(index, "sealing");
    this.status.textContent = `Sealing and sending ${name} …`;
  }

  arrived({ index }) {
    this.#files.mark(index, "sent");
  }

  sent({ bytes }) {
    this.#meter.reached(bytes);
    this.progress.value = this.#meter.share;
    this.figures.textContent = this.#meter.toString();
  }

  hitch({ message }) {
    this.#shown("paused");
    this.status.textContent = message;
  }

  failed({ message, fields }) {
    this.#stop("Not sent. What you typed is still here.");
    this.#complain(Object.keys(fields).length > 0 ? "Please check the fields that are marked." : message);
    this.#complainOf(fields);
  }

  cancelled({ message }) {
    this.#stop(message);
  }

  done({ url, ref, token }) {
    this.token = token;
    this.#leaving = true;
    this.status.textContent = `Sent as ${ref}. Opening its page …`;
    const page = new URL(url, location.href);
    if (page.origin === location.origin) location.assign(page);
  }

  // --- what the person does ---

  #submitted(event) {
    const sealed = this.form.querySelector('input[name="sealed"]');
    const byFile = event.submitter !== null && event.submitter.closest("[data-gpg]") !== null;
    event.preventDefault();
    if (byFile && !sealed.files.length) this.#complain("Choose the file that gpg made first.");
    else this.#submit(byFile ? sealed.files[0] : null);
  }

  #submit(sealed) {
    if (this.#working || this.send.disabled) return;
    this.#clearErrors();
    const fields = new FormData(this.form);
    const clear = Object.fromEntries(CLEAR.map((name) => [name, fields.get(name) ?? ""]));
    const known = this.form.elements.known_build;
    const chosen = known && known.value !== BY_HAND;
    this.form.elements.build.required = !chosen;
    if (![...CLEAR, "known_build"].every((name) => valid(this.form.elements[name])) || !valid(part("cvss"))) return;
    if (chosen) clear.build = known.value;
    if (!sealed && !this.text.value.trim()) {
      this.#complain("Write what you have found; that is the part that is sealed.");
      this.text.focus();
      return;
    }
    const files = sealed ? [] : this.#files.all;
    this.#begin((sealed ? [sealed] : files).reduce((sum, file) => sum + file.size, 0) + this.text.value.length);
    const data = this.form.dataset;
    this.#worker.postMessage({
      order: "send", page: location.href, token: this.token, newUrl: data.newUrl, keySet: Number(data.keySet),
      partSize: Number(data.partSize), maxBytes: Number(data.maxBytes), maxFiles: Number(data.maxFiles),
      clear, title: clear.title, build: clear.build, text: this.text.value, cvss: part("cvss").value.trim(), files, sealed,
    });
  }

  #turn() {
    const paused = this.pause.dataset.state === "paused";
    this.#worker.postMessage({ order: paused ? "resume" : "pause" });
    this.#shown(paused ? "running" : "paused");
    this.#meter.restart();
    this.status.textContent = paused ? "Going on …" : "Paused.";
  }

  // --- how it looks ---

  #begin(total) {
    this.#working = true;
    this.#files.begin();
    this.#meter = new Meter(total);
    this.progress.max = 1;
    this.progress.value = 0;
    this.figures.textContent = "";
    this.status.textContent = "Beginning …";
    this.#disabled = [...this.form.elements].filter((element) => !element.disabled && element !== this.pause && element !== this.cancel);
    for (const element of this.#disabled) element.disabled = true;
    this.form.setAttribute("aria-busy", "true");
    this.#shown("running");
    this.pause.focus();
  }

  #stop(status) {
    this.#working = false;
    this.#files.end();
    for (const element of this.#disabled) element.disabled = false;
    this.form.removeAttribute("aria-busy");
    this.#shown("");
    this.figures.textContent = "";
    this.status.textContent = status;
    this.send.focus();
  }

  /** "running", "paused", or "" when nothing is under way. */
  #shown(state) {
    this.pause.dataset.state = state;
    this.pause.textContent = state === "paused" ? "Resume" : "Pause";
    for (const element of [this.pause, this.cancel, this.progress, this.figures]) element.hidden = state === "";
  }

  #complain(message) {
    this.error.textContent = message;
    this.error.hidden = false;
  }

  #complainOf(fields) {
    for (const [name, message] of Object.entries(fields)) {
      const place = this.form.querySelector(`[data-error-for="${CSS.escape(name)}"]`);
      if (!place) continue;
      place.textContent = message;
      place.hidden = false;
      const input = this.form.elements[name];
      if (input instanceof HTMLElement) input.setAttribute("aria-invalid", "true");
    }
    this.form.querySelector('[aria-invalid="true"]')?.focus();
  }

  #clearErrors() {
    this.error.hidden = true;
    for (const place of this.form.querySelectorAll("[data-error-for]")) place.hidden = true;
    for (const input of this.form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  }
}

/** How much has arrived, how fast of late, and how long the rest will take. */
class Meter {
  #seen = [];

  constructor(total) {
    this.total = total;
    this.bytes = 0;
    this.restart();
  }

  get share() {
    return Math.min(1, this.bytes / Math.max(this.total, this.bytes, 1));
  }

  /** A pause does not count into the speed. */
  restart() {
    this.#seen = [[performance.now(), this.bytes]];
  }

  reached(bytes) {
    this.bytes = bytes;
    this.#seen.push([performance.now(), bytes]);
    if (this.#seen.length > 12) this.#seen.shift();
  }

  toString() {
    const [[from, before], [until, now]] = [this.#seen[0], this.#seen.at(-1)];
    const speed = (now - before) / Math.max((until - from) / 1000, 0.001);
    const left = Math.max(0, this.total - this.bytes) / Math.max(speed, 1);
    const size = (bytes) => (bytes / MIB).toFixed(1);
    return `${size(this.bytes)} of ${size(Math.max(this.total, this.bytes))} MiB, ${size(speed)} MiB/s, ${duration(left)} left`;
  }
}

const duration = (seconds) => (seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.round(seconds / 60)} min`);

const part = (name) => document.getElementById(`seal-${name}`);

/** A group of radio buttons is valid when its first one is. */
function valid(input) {
  const one = input instanceof RadioNodeList ? input[0] : input;
  return !one || one.disabled || one.reportValidity();
}

function button(id, label, beside) {
  const made = document.createElement("button");
  Object.assign(made, { id, type: "button", className: beside.className, textContent: label, hidden: true });
  beside.after(" ", made);
  return made;
}

function paragraph(id, after) {
  const made = document.createElement("p");
  Object.assign(made, { id, hidden: true });
  after.after(made);
  return made;
}

function showKeys(keys, before) {
  const list = document.getElementById("seal-keys") ?? document.createElement("ul");
  list.id = "seal-keys";
  list.replaceChildren(...keys.map(({ owner, fingerprint }) => {
    const item = document.createElement("li");
    const code = document.createElement("code");
    code.textContent = fingerprint;
    item.append(code, ` ${owner}`);
    return item;
  }));
  if (list.isConnected) return;
  const label = document.createElement("p");
  label.id = "seal-keys-label";
  label.textContent = "Sealed to these keys. Compare their fingerprints with those you know from elsewhere:";
  list.setAttribute("aria-labelledby", label.id);
  (before.closest("p") ?? before).before(label, list);
}

/** The one address that the page's Trusted Types policy lets become a script's. */
function openWorker(address) {
  const only = (asked) => {
    if (asked !== address) throw new TypeError("not the worker's address");
    return asked;
  };
  const policy = globalThis.trustedTypes?.createPolicy("seal", { createScriptURL: only });
  return new Worker(policy ? policy.createScriptURL(address) : address, { type: "module" });
}

if (form && globalThis.Worker && globalThis.crypto?.subtle) new Page(form).start();
