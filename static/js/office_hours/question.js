// The page of a question: what is typed and chosen is sealed here, and leaves the page only sealed.

import { Gate } from "../reports/gate.js";
import { describe, fetchKeys } from "../reports/keys.js";
import { seal } from "../reports/sealing.js";
import { answerOf, Server } from "../reports/server.js";
import { tar } from "./tar.js";

const form = document.getElementById("question-form");
const part = (name) => document.getElementById(`seal-${name}`);

class Page {
  #keys = null;
  #leaving = false;

  constructor(root) {
    this.form = root;
    this.server = new Server(location.href, root.dataset.csrf, new Gate());
    this.text = part("text");
    this.send = part("send");
  }

  async start() {
    this.form.querySelector("[data-seal]").hidden = false;
    this.send.disabled = true;
    this.#say("Fetching the keys of your hosts …");
    window.addEventListener("beforeunload", (event) => {
      if (!this.#leaving && this.text.value) event.preventDefault();
    });
    this.send.addEventListener("click", () => this.#submit());
    try {
      const stated = this.form.dataset.fingerprints.split(/\s+/).filter(Boolean);
      this.#keys = await fetchKeys(this.form.dataset.keysUrl, stated, "your hosts");
      const told = await Promise.all(this.#keys.map(describe));
      this.send.disabled = false;
      this.#say(`Ready: sealed to ${told.map(({ owner }) => owner).join(" and ")}, with the keys that this page states.`);
    } catch (error) {
      this.#say("Nothing can be sealed here now. Seal with gpg instead, as shown below.");
      this.#complain(error.message);
    }
  }

  async #submit() {
    if (!this.text.value.trim()) {
      this.#complain("Write your question; that is the part that is sealed.");
      this.text.focus();
      return;
    }
    part("error").hidden = true;
    this.send.disabled = true;
    this.form.setAttribute("aria-busy", "true");
    this.#say("Sealing and sending …");
    try {
      const url = new URL(await this.#sent(await this.#sealed()), location.href);
      this.#leaving = true;
      this.#say("Sent. Opening the booking …");
      if (url.origin === location.origin) location.assign(url);
    } catch (error) {
      this.#say("Not sent. What you typed is still here.");
      this.#complain(readable(error));
      this.send.disabled = false;
    } finally {
      this.form.removeAttribute("aria-busy");
    }
  }

  /** Text and attachments as one archive, and that as one sealed message. */
  async #sealed() {
    const files = [...part("files").files];
    const most = Number(this.form.dataset.maxBytes);
    const given = [{ name: "question.md", bytes: new TextEncoder().encode(this.text.value) }];
    if (files.reduce((sum, file) => sum + file.size, given[0].bytes.length) > most - 16384) {
      throw new Error("Text and attachments together are larger than the portal takes.");
    }
    for (const file of files) given.push({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) });
    const archive = tar(given);
    return new Response(await seal(archive.stream(), archive.size, this.#keys)).blob();
  }

  async #sent(sealed) {
    const body = new FormData();
    body.append("csrf_token", this.server.token);
    body.append("sealed", sealed, "question.pgp");
    const response = await this.server.ask("POST", location.href, { Accept: "application/json" }, body);
    if (!response.ok) throw await answerOf(response);
    return (await response.json()).url;
  }

  #say(text) {
    part("status").textContent = text;
  }

  #complain(text) {
    part("error").textContent = text;
    part("error").hidden = false;
  }
}

function readable(error) {
  if (error.name === "NotReadableError" || error.name === "NotFoundError") {
    return "A chosen file can no longer be read: it has changed or is gone. Choose it again.";
  }
  return Object.values(error.fields ?? {})[0] ?? error.message ?? "Something went wrong while sealing.";
}

if (form && globalThis.crypto?.subtle) new Page(form).start();
