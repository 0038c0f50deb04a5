// Reviewing without the mouse, and a draft that survives a closed tab.
const form = document.querySelector("form[data-review]");

function typing(target) {
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement
    || (target instanceof HTMLInputElement && !["radio", "checkbox", "submit", "button"].includes(target.type));
}

/* Marks: digits go to the line that has the focus, or to the first one without a mark. */

const rows = form ? [...form.querySelectorAll(".mark-row")] : [];

function currentRow() {
  return document.activeElement?.closest?.(".mark-row")
    ?? rows.find((row) => row.hasAttribute("data-criterion") && !row.querySelector("input:checked")) ?? rows[0];
}

function focusRow(row) {
  (row.querySelector("input:checked") ?? row.querySelector("input"))?.focus();
}

function mark(digit) {
  const row = currentRow();
  const choice = row?.querySelector(`input[value="${digit}"]`);
  if (!choice) return false;
  choice.checked = true;
  choice.dispatchEvent(new Event("input", { bubbles: true }));
  focusRow(rows[rows.indexOf(row) + 1] ?? row);
  return true;
}

/* Reviews of others: j and k move among them, a agrees with the one at hand. */

const others = [...document.querySelectorAll('.review[data-other="yes"]')];

function moveReview(step) {
  const at = others.indexOf(document.activeElement?.closest?.(".review"));
  others[Math.min(Math.max(at + step, 0), others.length - 1)]?.focus();
}

function agree() {
  const review = document.activeElement?.closest?.('.review[data-other="yes"]') ?? others[0];
  review?.querySelector("form[data-agree]")?.requestSubmit();
}

/* What is typed is kept in this browser until it is saved. */

const FIELDS = "textarea, input[type=radio]:checked";

function keepDraft(key) {
  const kept = [...form.querySelectorAll(FIELDS)].map((field) => [field.name, field.value]);
  try {
    localStorage.setItem(key, JSON.stringify({ at: Date.now(), kept }));
  } catch {
    // Without storage there is only the form itself.
  }
}

function restoreDraft(key) {
  const found = JSON.parse(localStorage.getItem(key) ?? "null");
  if (!found) return;
  for (const [name, value] of found.kept) {
    const field = form.elements[name];
    if (field) field.value = value;
  }
  const told = form.querySelector("[data-draft-told]");
  const back = document.createElement("button");
  back.type = "button";
  back.className = "btn btn-quiet btn-small";
  back.textContent = "Discard it";
  back.addEventListener("click", () => {
    localStorage.removeItem(key);
    form.reset();
    told.hidden = true;
  });
  told.textContent = `What you typed ${new Date(found.at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" })} is back; it is not saved yet. `;
  told.append(back);
  told.hidden = false;
}

function watchDraft() {
  const key = `review-draft:${form.dataset.draft}`;
  try {
    // A page that comes back with what is wrong has what was typed in it already.
    if (!document.querySelector("[data-error-summary]")) restoreDraft(key);
  } catch {
    return;
  }
  form.addEventListener("input", () => keepDraft(key));
  // It counts as saved once the next page is there: see `forgetSaved`.
  form.addEventListener("submit", () => sessionStorage.setItem("review-sent", key));
}

function forgetSaved() {
  try {
    const key = sessionStorage.getItem("review-sent");
    if (key && !document.querySelector("[data-error-summary]")) {
      localStorage.removeItem(key);
    }
    sessionStorage.removeItem("review-sent");
  } catch {
    // Nothing was kept.
  }
}

const KEYS = {
  c: () => form?.elements.comment.focus(),
  n: () => form?.elements.note.focus(),
  s: () => document.querySelector("[data-skip]")?.click(),
  j: () => moveReview(1),
  k: () => moveReview(-1),
  a: agree,
  "?": () => {
    const keys = document.querySelector("[data-keys]");
    if (keys) keys.open = !keys.open;
  },
};

function press(event) {
  if (form && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    form.requestSubmit(form.querySelector("button[type=submit]"));
    return;
  }
  if (event.key === "Escape" && typing(event.target)) {
    event.target.blur();
    return;
  }
  if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog:modal")) return;
  if (form && /^[0-5]$/.test(event.key) && mark(event.key)) {
    event.preventDefault();
  } else if (Object.hasOwn(KEYS, event.key)) {
    event.preventDefault();
    KEYS[event.key]();
  }
}

forgetSaved();
if (form) watchDraft();
if (form || others.length) document.addEventListener("keydown", press);
if (form) form.dataset.ready = "";
