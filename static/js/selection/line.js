// Requests one after the other, in the order in which they were asked for, with answers that a person can read.

const SIGNED_OUT = "You are signed out. Sign in again in another tab.";
const OFFLINE = "The portal cannot be reached.";

export class Line {
  /** `page` is an address whose page has a fresh token when this one's has aged. */
  constructor(page) {
    this.page = page;
    this.last = Promise.resolve();
    this.waiting = 0;
  }

  /** Whether something is still on its way. */
  get busy() {
    return this.waiting > 0;
  }

  /** Do something when all that was asked for before is done. */
  queue(work) {
    this.waiting += 1;
    this.last = this.last.then(work).catch((error) => console.error(error)).finally(() => {
      this.waiting -= 1;
    });
    return this.last;
  }

  /** Post a form; gives { html }, { json }, {} (nothing more), or { wrong, final }: final ones need not be tried again. */
  async ask(url, data) {
    data.set("csrf_token", this.token ?? document.querySelector('input[name="csrf_token"]').value);
    const options = { method: "POST", body: data, keepalive: true };
    const answer = await this.#send(url, options);
    if (answer.status !== 400) return answer;
    const page = await this.read(this.page);
    const token = page.html && this.piece(page.html, 'input[name="csrf_token"]');
    if (!token) return page.wrong ? page : answer;
    this.token = token.value;
    data.set("csrf_token", this.token);
    return this.#send(url, options);
  }

  /** Read a piece of a page. */
  read(url) {
    return this.#send(url, { method: "GET" });
  }

  /** The element that a piece of HTML holds. */
  piece(html, selector) {
    const found = new DOMParser().parseFromString(html, "text/html").querySelector(selector);
    return found && document.adoptNode(found);
  }

  async #send(url, options) {
    const headers = { "X-Part": "1", Accept: "application/json" };
    try {
      const response = await fetch(url, { ...options, headers, redirect: "manual", cache: "no-store", credentials: "same-origin" });
      return await read(response);
    } catch {
      return { wrong: `${OFFLINE} Look at your connection.` };
    }
  }
}

async function read(response) {
  if (response.type === "opaqueredirect" || response.status === 401) return { wrong: SIGNED_OUT };
  if (response.status === 204) return {};
  const kind = response.headers.get("Content-Type") ?? "";
  if (response.ok) return kind.includes("json") ? { json: await response.json() } : { html: await response.text() };
  const told = kind.includes("json") ? (await response.json()).reason : "";
  const final = [403, 404, 409, 422].includes(response.status);
  return { wrong: told || `The portal answered with ${response.status}.`, final, status: response.status };
}
