// Requests to the portal: the CSRF token of the session, renewed when it has aged, and answers that a person can read.

import { Busy, Cut, Hitch } from "./gate.js";

const SIGNED_OUT = "You are signed out. Sign in again in another tab, then resume here: nothing is lost.";

/** An answer that is not the expected one; `message` is the server's own sentence where it gave one. */
export class Answer extends Error {
  constructor(message, status, fields = {}) {
    super(message);
    this.status = status;
    this.fields = fields;
  }
}

export class Server {
  /** `page` is the address of the form (it carries a fresh token when asked again), `gate` stops requests. */
  constructor(page, token, gate) {
    this.page = page;
    this.token = token;
    this.gate = gate;
  }

  /** One request. Throws Cut when the network fails; renews the token once where the server refuses it. */
  async ask(method, url, headers = {}, body = undefined) {
    let response = await this.#fetch(method, url, headers, body);
    if (refuses(response) && (await this.#renew())) {
      response = await this.#fetch(method, url, headers, body);
    }
    if (leadsAway(response) || response.status === 401) throw new Hitch(SIGNED_OUT);
    return response;
  }

  /** Posts a value as JSON and gives the answer's. */
  post(url, value) {
    const headers = { "Content-Type": "application/json", Accept: "application/json" };
    return this.gate.persist(async () => {
      const response = await this.ask("POST", url, headers, JSON.stringify(value));
      if (response.status === 429 || response.status >= 502) throw await busy(response);
      if (!response.ok) throw await answerOf(response);
      return response.json().catch((error) => {
        throw new Cut(error.message);
      });
    });
  }

  async #fetch(method, url, headers, body) {
    const all = { ...headers, "X-CSRFToken": this.token };
    try {
      return await fetch(url, {
        method, headers: all, body, signal: this.gate.signal, redirect: "manual", cache: "no-store", credentials: "same-origin",
      });
    } catch (error) {
      throw new Cut(error.message);
    }
  }

  /** A token lives shorter than a long upload. The page itself, asked again, has a new one. */
  async #renew() {
    const response = await this.#fetch("GET", this.page, { Accept: "text/html" });
    if (!response.ok) return false;
    const found = /\bdata-csrf="([^"]+)"/.exec(await response.text());
    const renewed = found !== null && found[1] !== this.token;
    if (renewed) this.token = found[1];
    return renewed;
  }
}

const refuses = (response) => response.status === 400 || response.status === 403 || leadsAway(response);
const leadsAway = (response) => response.type === "opaqueredirect";

/** An Answer from a refusing response: the core's JSON shape, else plain text, else the status alone. */
export async function answerOf(response) {
  const text = (await response.text()).slice(0, 2000);
  const kind = response.headers.get("Content-Type") ?? "";
  if (kind.includes("json")) {
    try {
      const value = JSON.parse(text);
      const message = value.reason ?? value.error ?? "";
      return new Answer(String(message) || plain(response), response.status, value.messages ?? {});
    } catch {
      return new Answer(plain(response), response.status);
    }
  }
  return new Answer(kind.startsWith("text/plain") && text.trim() ? text.trim() : plain(response), response.status);
}

/** The server's own words for why it cannot take something now, and when it may. */
export async function busy(response) {
  const { message } = await answerOf(response).catch(() => ({ message: plain(response) }));
  return new Busy(message, Number(response.headers.get("Retry-After")) || 0);
}

function plain(response) {
  if (response.status === 413) return "The portal refuses it as too large.";
  if (response.status === 429) return "The portal has had too many requests. Try again in a minute.";
  if (response.status === 403) return "The portal refuses this to your account.";
  return `The portal answered with ${response.status}.`;
}
