// The files that will go along with a report: chosen in one or several goes, each with its size and how far it has come.

const SIZES = ["bytes", "KiB", "MiB", "GiB"];
const SAID = { waiting: "waiting", sealing: "being sealed and sent", sent: "sent" };

export class Files {
  #list;
  #input;
  #chosen = [];
  #removals = [];

  /** `list` is an element for the items, `input` where files are chosen, `most` how many may be; `complain` says why not. */
  constructor(list, input, most, complain) {
    this.#list = list;
    this.#input = input;
    this.most = most;
    this.complain = complain;
    input.addEventListener("change", () => this.add(input.files));
  }

  /** The chosen files, in their order. */
  get all() {
    return this.#chosen.map(({ file }) => file);
  }

  /** Adds files; one that is there already is not taken twice. */
  add(files) {
    const there = new Set(this.#chosen.map(({ file }) => key(file)));
    const fresh = [...files].filter((file) => !there.has(key(file)));
    // What was chosen is kept here, so that a second choice adds to the first one.
    this.#input.value = "";
    if (this.#chosen.length + fresh.length > this.most) {
      this.complain(`Choose at most ${this.most} files. Put several into one archive.`);
      return;
    }
    for (const file of fresh) this.#chosen.push(this.#item(file));
    this.#list.append(...this.#chosen.slice(-fresh.length || this.#chosen.length).map(({ element }) => element));
    this.#list.hidden = this.#chosen.length === 0;
  }

  /** While they are on their way, none can be taken away. */
  begin() {
    this.#removals = this.#chosen.map(({ remove }) => remove);
    for (const button of this.#removals) button.hidden = true;
    this.#chosen.forEach((_, index) => this.mark(index, "waiting"));
  }

  /** One of them is "waiting", "sealing" or "sent". */
  mark(index, state) {
    const item = this.#chosen[index];
    if (!item) return;
    item.state.textContent = SAID[state] ?? "";
    item.element.dataset.state = state;
  }

  /** Nothing is under way any more. */
  end() {
    for (const button of this.#removals) button.hidden = false;
    this.#chosen.forEach((_, index) => this.mark(index, ""));
  }

  #item(file) {
    const element = document.createElement("li");
    const name = piece("span", "seal-file-name", file.name);
    const state = piece("span", "seal-file-state", "");
    const remove = piece("button", "btn btn-quiet btn-small", "Remove");
    remove.type = "button";
    remove.setAttribute("aria-label", `Remove ${file.name}`);
    element.append(name, piece("span", "seal-file-size", told(file.size)), state, remove);
    const item = { file, element, state, remove };
    remove.addEventListener("click", () => this.#remove(item));
    return item;
  }

  #remove(item) {
    const index = this.#chosen.indexOf(item);
    this.#chosen.splice(index, 1);
    item.element.remove();
    this.#list.hidden = this.#chosen.length === 0;
    (this.#chosen[Math.min(index, this.#chosen.length - 1)]?.remove ?? this.#input).focus();
  }
}

const key = (file) => `${file.size} ${file.lastModified} ${file.name}`;

function told(bytes) {
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), SIZES.length - 1);
  return `${power ? (bytes / 1024 ** power).toFixed(1) : bytes} ${SIZES[power]}`;
}

function piece(kind, classes, text) {
  const made = document.createElement(kind);
  made.className = classes;
  made.textContent = text;
  return made;
}
