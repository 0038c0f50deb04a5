// Adds what is scanned without a reload. The field is empty again at once, so that a scanner may send the next number while
// the last one is under way; numbers wait in a row, are sent one at a time, and survive a reload of the page.
const AGAIN = 2000;

function watch(form) {
  const field = form.elements.serial;
  const key = `scan-in:${form.action}:${form.elements.sitting.value}`;
  const news = document.querySelector("[data-scan-news]");
  const count = document.querySelector("[data-scan-count]");
  const list = document.querySelector("[data-scan-list]");
  const undo = document.querySelector("[data-scan-undo]");
  const waiting = JSON.parse(sessionStorage.getItem(key) ?? "[]");
  let sending = false;

  function keep() {
    if (waiting.length) sessionStorage.setItem(key, JSON.stringify(waiting));
    else sessionStorage.removeItem(key);
  }

  function say(tone, title, text) {
    const box = document.createElement("div");
    box.className = `notice notice-${tone}`;
    const head = document.createElement("p");
    head.className = "notice-title";
    head.textContent = title;
    const more = document.createElement("p");
    more.textContent = waiting.length > 1 ? `${text} ${waiting.length - 1} waiting.` : text;
    box.append(head, more);
    news.replaceChildren(box);
  }

  function added(told) {
    count.textContent = told.count;
    const line = document.createElement("li");
    const serial = document.createElement("span");
    serial.className = "mono";
    serial.textContent = told.serial;
    const model = document.createElement("span");
    model.className = "quiet";
    model.textContent = told.model;
    line.append(serial, " ", model);
    list.prepend(line);
    while (list.children.length > 10) list.lastElementChild.remove();
    undo.hidden = false;
    undo.elements.unit.value = told.unit;
    undo.querySelector("[data-scan-last]").textContent = told.serial;
    say("good", `${told.serial} is in stock`, `${told.model}, ${told.count} in this sitting.`);
  }

  // One number. Only "added" and "cannot be added" deal with it; whatever else is answered, it waits and is sent again. One that
  // was sent before and is known in this sitting was added: only the answer was lost.
  async function send(scan) {
    const body = new URLSearchParams({ ...scan.fields, csrf_token: form.elements.csrf_token.value });
    const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
    const json = answer.headers.get("Content-Type")?.startsWith("application/json");
    const told = json ? await answer.json() : {};
    if (answer.status === 201 || (answer.status === 422 && scan.tried && told.known)) added(told);
    else if (answer.status === 422) say("bad", "Not added", told.reason);
    else throw new Error(told.reason ?? (answer.redirected ? "You are signed out: sign in again in another tab." : ""));
  }

  async function work() {
    if (sending) return;
    sending = true;
    while (waiting.length) {
      const scan = waiting[0];
      try {
        await send(scan);
        waiting.shift();
      } catch (problem) {
        scan.tried = true;
        const why = problem instanceof TypeError ? "The portal did not answer." : problem.message;
        say("care", `${scan.fields.serial} is not saved yet`, `${why} It is sent again by itself; go on scanning.`.trim());
        keep();
        await new Promise((done) => { setTimeout(done, AGAIN); });
      }
      keep();
    }
    sending = false;
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const fields = Object.fromEntries(new FormData(form));
    field.value = "";
    field.focus();
    if (!fields.serial.trim()) return;
    waiting.push({ fields, tried: false });
    keep();
    work();
  });

  for (const name of ["model", "location", "firmware"]) {
    form.elements[name].addEventListener("change", () => {
      undo.elements[name].value = form.elements[name].value;
      field.focus();
    });
  }

  // Leaving while numbers wait would lose them.
  window.addEventListener("beforeunload", (event) => { if (waiting.length) event.preventDefault(); });
  form.dataset.ready = "";
  work();
}

for (const form of document.querySelectorAll("form[data-scan-in]")) watch(form);
