// A key made in the browser: passphrase, key file saved, and only then the public half given to the portal.

import { workersAt } from "./workers.js";

const LEAST = 12;
const root = document.getElementById("make");
const part = (name) => document.getElementById(`make-${name}`);

class Making {
  #worker;
  #saved = false;

  constructor() {
    this.passphrase = part("passphrase");
    this.again = part("again");
    this.key = part("key");
    this.save = part("save");
    this.give = part("give");
    this.status = part("status");
    this.error = part("error");
  }

  start() {
    root.hidden = false;
    this.#worker = workersAt(root.dataset.workerUrl)(root.dataset.workerUrl);
    this.#worker.onmessage = ({ data }) => this[data.is](data);
    this.#worker.onerror = () => this.failed({ message: "This browser cannot make keys here. Give one that gpg has made." });
    this.passphrase.addEventListener("input", () => (part("strength").textContent = strength(this.passphrase.value)));
    this.key.addEventListener("click", () => this.#make());
    this.save.addEventListener("click", () => {
      this.#saved = true;
      this.give.disabled = false;
    });
    this.give.addEventListener("click", () => this.#give());
  }

  #make() {
    this.error.hidden = true;
    const passphrase = this.passphrase.value;
    if (passphrase.length < LEAST) return this.#complain(`The passphrase has fewer than ${LEAST} characters.`);
    if (new Set(passphrase).size < 5) return this.#complain("The passphrase repeats itself. Choose another one.");
    if (passphrase !== this.again.value) return this.#complain("The two passphrases differ.");
    this.key.disabled = true;
    this.status.textContent = "Making the key …";
    const { name, email } = root.dataset;
    this.#worker.postMessage({ order: "make", name, email, passphrase });
    this.passphrase.value = "";
    this.again.value = "";
    part("strength").textContent = "";
  }

  made({ secret, fingerprint }) {
    this.save.href = URL.createObjectURL(new Blob([secret], { type: "application/octet-stream" }));
    this.save.download = `key-${fingerprint.slice(-16)}-secret.asc`;
    this.save.hidden = false;
    this.save.focus();
    this.status.textContent = `Made: ${fingerprint.replace(/(.{4})(?!$)/g, "$1 ")}. Save the key file now.`;
  }

  #give() {
    if (!this.#saved) return;
    this.error.hidden = true;
    this.give.disabled = true;
    this.status.textContent = "Giving the certificate, and proving that the key opens what is sealed to it …";
    this.#worker.postMessage({ order: "give", page: location.href, token: root.dataset.csrf, giveUrl: root.dataset.giveUrl });
  }

  given() {
    this.status.textContent = "Given and proved.";
    location.reload();
  }

  failed({ message }) {
    this.key.disabled = !this.save.hidden;
    this.give.disabled = !this.#saved;
    this.status.textContent = "Not done.";
    this.#complain(message);
  }

  #complain(message) {
    this.error.textContent = message;
    this.error.hidden = false;
  }
}

/** A hint, no measure: length counts most. */
function strength(passphrase) {
  if (passphrase.length < LEAST) return `${LEAST - passphrase.length} more characters at least.`;
  if (new Set(passphrase).size < 5) return "It repeats itself.";
  return passphrase.length < 20 ? "Long enough; longer is better." : "Good.";
}

if (root && globalThis.Worker && globalThis.crypto?.subtle) new Making().start();
