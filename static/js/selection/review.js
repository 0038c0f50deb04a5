// Reviewing without the mouse: digits score, Ctrl+Enter saves.
const form = document.querySelector("form[data-review]");

function typing(target) {
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement
    || (target instanceof HTMLInputElement && !["radio", "checkbox", "submit", "button"].includes(target.type));
}

function score(digit) {
  const choice = form.querySelector(`input[name="score"][value="${digit}"]`);
  if (!choice) return false;
  choice.checked = true;
  choice.focus();
  return true;
}

const KEYS = {
  c: () => form.elements.comment.focus(),
  s: () => document.querySelector("[data-skip]")?.click(),
  "?": () => {
    const keys = document.querySelector("[data-keys]");
    keys.open = !keys.open;
  },
};

function press(event) {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    form.requestSubmit();
    return;
  }
  if (event.key === "Escape" && typing(event.target)) {
    event.target.blur();
    return;
  }
  if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog:modal")) return;
  if (/^[0-5]$/.test(event.key) && score(event.key)) {
    event.preventDefault();
  } else if (KEYS[event.key]) {
    event.preventDefault();
    KEYS[event.key]();
  }
}

if (form) document.addEventListener("keydown", press);
