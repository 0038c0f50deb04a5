// What pause, resume and cancel act on. Work asks the gate before each step and passes its signal to each request.

export class Cancelled extends Error {
  constructor() {
    super("Cancelled. Nothing was submitted.");
  }
}

/** The network did not carry a request or its answer. What the server did with it is unknown. */
export class Cut extends Error {}

/** The portal asks for patience: it says why in `message`, and for how many seconds if it knows. */
export class Busy extends Cut {
  constructor(message, seconds = 0) {
    super(message);
    this.seconds = seconds;
  }
}

/** A failure that the person can mend: the work pauses, says why, and goes on when they resume. */
export class Hitch extends Error {}

const TRIES = 8;
const LONGEST_REST = 30_000;
const GONE = "The portal cannot be reached. What is sealed so far is kept: resume when the connection is back.";

export class Gate {
  #paused = false;
  #cancelled = false;
  #abort = new AbortController();
  #waiting = [];
  #hurry = () => undefined;

  /** `hitched` is told the reason when the work pauses by itself. */
  constructor(hitched = () => undefined) {
    this.hitched = hitched;
  }

  get paused() {
    return this.#paused;
  }

  get cancelled() {
    return this.#cancelled;
  }

  /** Aborts with a pause or a cancel: a request that is cut by it is not a failure of the network. */
  get signal() {
    return this.#abort.signal;
  }

  pause() {
    if (this.#paused || this.#cancelled) return;
    this.#paused = true;
    this.#abort.abort();
  }

  resume() {
    if (!this.#paused || this.#cancelled) return;
    this.#paused = false;
    this.#abort = new AbortController();
    this.#wake();
  }

  cancel() {
    this.#cancelled = true;
    this.#abort.abort();
    this.#wake();
  }

  /** Resolves while work may go on; waits through a pause; throws Cancelled after a cancel. */
  async open() {
    while (this.#paused && !this.#cancelled) {
      await new Promise((resolve) => this.#waiting.push(resolve));
    }
    if (this.#cancelled) throw new Cancelled();
  }

  /** Repeats a step through cuts, resting longer each time, and through pauses, until it is done, fails or is cancelled. */
  async persist(step) {
    for (let cuts = 0; ; ) {
      await this.open();
      const signal = this.signal;
      try {
        return await step();
      } catch (error) {
        if (signal.aborted) continue;
        if (error instanceof Cut && cuts + 1 < TRIES) {
          cuts += 1;
          await this.#rest(Math.min(Math.max(250 * 2 ** cuts, 1000 * (error.seconds ?? 0)), LONGEST_REST));
        } else if (error instanceof Cut || error instanceof Hitch) {
          cuts = 0;
          this.pause();
          this.hitched(error instanceof Hitch || error instanceof Busy ? error.message : GONE);
        } else {
          throw error;
        }
      }
    }
  }

  /** The network is back, so a rest need not go on. Pages hear of it and tell their workers: in Chromium these do not. */
  online() {
    this.#hurry();
  }

  /** Waits so many milliseconds, less when the network comes back, or when the person pauses or cancels. */
  async #rest(milliseconds) {
    const over = new AbortController();
    await new Promise((resolve) => {
      this.#hurry = resolve;
      const timer = setTimeout(resolve, milliseconds);
      over.signal.addEventListener("abort", () => clearTimeout(timer));
      this.signal.addEventListener("abort", resolve, { signal: over.signal });
    });
    over.abort();
  }

  #wake() {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
