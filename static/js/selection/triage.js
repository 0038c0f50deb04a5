// Triage by keyboard. A key shows the next card at once, which is here already; the verdict travels meanwhile, one request
// after the other. What cannot be saved comes back with its card.
import { Line } from "./line.js";

const AWAY = 60_000; // how often reading on is told to the portal
const STRIP_EVERY = 10; // after so many verdicts the line of figures is fetched anew
const SETTLE = 600; // keys pressed within this time after a card has come back were meant for another one
const VERDICTS = { 1: "yes", 2: "maybe", 3: "no", c: "conflict", s: "spam" };

function typing(target) {
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.isContentEditable
    || (target instanceof HTMLInputElement && !["radio", "checkbox", "submit", "button"].includes(target.type));
}

class Triage {
  constructor(root) {
    this.root = root;
    this.line = new Line(root.dataset.page);
    this.place = this.part("place");
    this.cards = []; // the one on the screen first, then those that come next, in the order of their coming
    this.count = 0;
    this.saving = 0;
    this.saved = 0;
    this.deaf = 0; // keys before this instant are not heard
    this.busy = false;
    this.kept = Date.now();
    this.add(this.place.querySelector("[data-card]"));
    this.listen();
    this.fetchNext();
    root.dataset.ready = "";
  }

  part(name) {
    return this.root.querySelector(`[data-${name}]`);
  }

  get current() {
    return this.cards[0];
  }

  // Cards

  add(card, before = false) {
    if (!card || this.cards.some((other) => other.dataset.card === card.dataset.card)) return;
    this.count += 1;
    card.dataset.turn = before ? Number(this.current?.dataset.turn ?? 0) - 1 : this.count;
    this.put(card);
  }

  put(card) {
    this.cards.push(card);
    this.cards.sort((one, other) => one.dataset.turn - other.dataset.turn);
    this.show();
  }

  show() {
    const shown = this.place.querySelector("[data-card]");
    this.part("fetching").hidden = Boolean(this.current);
    if (shown === this.current) {
      this.since ??= Date.now();
      return;
    }
    if (shown) shown.remove();
    if (!this.current) return;
    this.place.append(this.current);
    this.since = Date.now();
    window.scrollTo(0, 0);
    this.current.querySelector("[data-card-title]").focus({ preventScroll: true });
  }

  // Asking the portal

  shown(card) {
    const data = new FormData();
    if (card) data.append("shown", card.dataset.card);
    return data;
  }

  /** Ask for a card and take it; gives whether it went well. `lost` is told what to do where it did not. */
  async ask(url, data, lost, before = false) {
    const asked = Date.now();
    const answer = await this.line.ask(url, data);
    if (answer.wrong) {
      lost(answer);
      return false;
    }
    this.kept = asked;
    if (answer.html) this.add(this.line.piece(answer.html, "[data-card]"), before);
    else if (!this.current && !this.saving) window.location.replace(this.root.dataset.page);
    return true;
  }

  fetchNext() {
    return this.line.queue(() => this.ask(this.root.dataset.next, this.shown(this.current), (answer) => {
      if (!this.current) this.wrong(`${answer.wrong} Reload the page to go on.`);
    }));
  }

  answer(verdict) {
    const card = this.current;
    if (!card || this.busy) return;
    const data = new FormData(card.querySelector("[data-verdict]"));
    data.set("verdict", verdict);
    data.set("seconds", String(Math.round((Date.now() - this.since) / 1000)));
    this.cards.shift();
    this.part("wrong").hidden = true;
    this.tell(`${verdict}: ${card.querySelector("[data-card-title]").textContent}`);
    this.saving += 1;
    this.show();
    this.line.queue(() => this.save(card, data));
  }

  async save(card, data) {
    this.saving -= 1;
    if (this.current) data.append("shown", this.current.dataset.card);
    const url = card.querySelector("[data-verdict]").action;
    if (await this.ask(url, data, (answer) => this.comeBack(card, answer))) this.tally(data.get("verdict"));
  }

  comeBack(card, answer) {
    const name = card.querySelector("[data-card-title]").textContent;
    if (answer.final) {
      this.wrong(`${name}: ${answer.wrong}`);
      this.fetchNext();
      return;
    }
    this.deaf = Date.now() + SETTLE;
    this.put(card);
    this.wrong(`${name} is not saved. ${answer.wrong} Then say it again.`);
  }

  undo() {
    if (this.busy) return;
    this.busy = true;
    this.part("wrong").hidden = true;
    this.tell("Taking back …");
    this.line.queue(async () => {
      const beside = this.current;
      const before = [...this.cards];
      this.cards = beside ? [beside] : []; // the portal lets go of the others
      const well = await this.ask(this.part("undo").action, this.shown(beside), (answer) => {
        this.cards = before;
        this.tell("");
        this.wrong(answer.wrong);
      }, true);
      this.busy = false;
      if (!well) return;
      this.saved -= 1;
      this.tell(`Taken back: ${this.current?.querySelector("[data-card-title]").textContent ?? ""}`);
      this.refreshStrip();
    });
  }

  // What is told

  tell(text) {
    this.part("told").textContent = text;
  }

  wrong(text) {
    const box = this.part("wrong");
    box.textContent = text;
    box.hidden = false;
  }

  tally(verdict) {
    this.saved += 1;
    if (this.saved % STRIP_EVERY === 0) this.refreshStrip();
    if (verdict === "conflict") return;
    for (const figure of [this.part("mine"), this.part("today")]) {
      figure.textContent = (Number(figure.textContent.replaceAll(",", "")) + 1).toLocaleString("en-US");
    }
  }

  async refreshStrip() {
    const answer = await this.line.read(this.root.dataset.pace);
    const strip = answer.html && this.line.piece(answer.html, "[data-strip]");
    if (strip) this.part("strip").replaceWith(strip);
  }

  // Staying and going away

  get lease() {
    return Number(this.place.querySelector("[data-card]")?.dataset.lease ?? 600) * 1000;
  }

  /** Somebody reads: their cards stay theirs. */
  alive() {
    if (this.expired() || Date.now() - this.kept < AWAY || !this.current || this.busy) return;
    const asked = Date.now();
    this.kept = asked; // one question a minute, answered or not; the portal's own clock decides in the end
    this.line.queue(async () => {
      const answer = await this.line.ask(this.root.dataset.keep, new FormData());
      if (answer.json) this.stillMine(answer.json.held.map(String));
      else if (answer.wrong) this.kept = asked - AWAY / 2;
    });
  }

  stillMine(held) {
    const lost = this.cards.filter((card) => !held.includes(card.dataset.card));
    if (!lost.length) return;
    this.cards = this.cards.filter((card) => held.includes(card.dataset.card));
    this.show();
    this.wrong("Somebody else has that card now.");
    this.fetchNext();
  }

  /** Whether the lease has run out; then the card goes from the screen, as it may be on another one. */
  expired() {
    if (this.saving || !this.current || Date.now() - this.kept < this.lease - 5000) return false;
    this.cards = [];
    this.show();
    this.part("fetching").hidden = true;
    const paused = this.part("paused");
    paused.hidden = false;
    paused.querySelector("h2").focus();
    return true;
  }

  listen() {
    document.addEventListener("keydown", (event) => this.press(event));
    this.root.addEventListener("submit", (event) => this.submit(event));
    for (const kind of ["keydown", "pointermove", "pointerdown", "wheel"]) {
      document.addEventListener(kind, () => this.alive(), { passive: true });
    }
    document.addEventListener("visibilitychange", () => this.expired());
    setInterval(() => this.expired(), 5000);
    window.addEventListener("beforeunload", (event) => {
      if (this.saving || this.line.busy) event.preventDefault();
    });
    window.addEventListener("pageshow", (event) => {
      if (event.persisted) window.location.reload();
    });
  }

  submit(event) {
    if (event.target.matches("[data-verdict]")) {
      event.preventDefault();
      this.answer(event.submitter?.value ?? "");
    } else if (event.target.matches("[data-undo]")) {
      event.preventDefault();
      this.undo();
    }
  }

  press(event) {
    if (event.defaultPrevented || event.repeat || event.isComposing || typing(event.target)) return;
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog:modal")) return;
    const acts = { u: () => this.undo(), "?": () => this.part("help").toggleAttribute("open") };
    const act = VERDICTS[event.key] ? () => this.answer(VERDICTS[event.key]) : acts[event.key];
    if (!act || Date.now() < this.deaf) return;
    event.preventDefault();
    act();
  }
}

const root = document.querySelector("[data-triage]");
if (root) new Triage(root);
