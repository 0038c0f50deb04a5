// Keeps the draft as it is typed. Without this, the button does.
const PAUSE = 2500;

function watch(form) {
  const told = form.querySelector("[data-saved]");
  let timer = null;
  let running = null;

  // One at a time: each saving names the one before.
  function save() {
    running = (running ?? Promise.resolve()).then(send).then(() => { running = null; });
  }

  async function send() {
    const body = new FormData(form);
    body.set("do", "save");
    try {
      const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
      const news = await answer.json();
      told.textContent = answer.ok ? keep(news) : complaint(news);
    } catch {
      told.textContent = "Not saved: the portal did not answer. It is tried again with your next change.";
    }
  }

  function keep(news) {
    form.elements.version.value = news.version;
    return `Saved ${new Date(news.saved_at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}.`;
  }

  function complaint(news) {
    const messages = Object.values(news.messages ?? {});
    return `Not saved: ${messages.length ? messages.join(" ") : news.reason}`;
  }

  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(save, PAUSE);
  });
  form.addEventListener("submit", async (event) => {
    clearTimeout(timer);
    if (!running) return;
    event.preventDefault();
    await running;
    form.requestSubmit(event.submitter);
  });
}

for (const form of document.querySelectorAll("form[data-autosave]")) watch(form);
