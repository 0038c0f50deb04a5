// The queue without the mouse: j and k move from report to report, Enter opens (it is a link), x selects, ? shows the keys.
const rows = [...document.querySelectorAll("[data-queue] tbody tr")];

function typing(target) {
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement
    || (target instanceof HTMLInputElement && !["radio", "checkbox", "submit", "button"].includes(target.type));
}

function current() {
  return rows.findIndex((row) => row.contains(document.activeElement));
}

function go(step) {
  const here = current();
  const next = here < 0 ? rows[step > 0 ? 0 : rows.length - 1] : rows[here + step];
  next?.querySelector("th a")?.focus();
}

const KEYS = {
  j: () => go(1),
  k: () => go(-1),
  x: () => rows[current()]?.querySelector("input[type=checkbox]")?.click(),
  "?": () => {
    const keys = document.querySelector("[data-keys]");
    if (keys) keys.open = !keys.open;
  },
};

document.addEventListener("keydown", (event) => {
  if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog:modal")) return;
  if (!Object.hasOwn(KEYS, event.key)) return;
  event.preventDefault();
  KEYS[event.key]();
});
