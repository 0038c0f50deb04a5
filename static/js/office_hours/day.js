// Looks now and then whether the page is still true, and loads it again if it is not. Never while somebody writes or decides
// something on it: then it only says so. A page that nobody sees asks nothing.
const place = document.querySelector("[data-watch]");
const every = Number(place.dataset.every ?? 15) * 1000;
const stale = document.querySelector("[data-stale]");
let tag = "";
let timer = 0;

const changed = (control) => {
  if (control.type === "hidden") return false;
  if (control.type === "checkbox" || control.type === "radio") return control.checked !== control.defaultChecked;
  return "defaultValue" in control && control.value !== control.defaultValue;
};

const busy = () => document.querySelector("details[data-confirm][open]")
  || [...document.querySelectorAll("main input, main textarea")].some(changed);

function stop() {
  clearTimeout(timer);
  timer = 0;
}

function go() {
  if (!timer && document.visibilityState === "visible") timer = setTimeout(look, every);
}

async function look() {
  timer = 0;
  let answer;
  try {
    answer = await fetch(place.dataset.watch, { headers: { Accept: "application/json", "If-None-Match": tag }, cache: "no-store" });
  } catch {
    go(); // The network is away; the next look may find it.
    return;
  }
  // Signed out, or no longer anybody's page: asking on would not help.
  if (answer.redirected || (answer.status >= 400 && answer.status < 500 && answer.status !== 429)) return;
  if (answer.status === 200) {
    tag = answer.headers.get("ETag") ?? "";
    const told = await answer.json();
    if (told.stamp !== place.dataset.stamp) {
      if (!busy()) {
        location.reload();
        return;
      }
      stale.hidden = false;
    }
  }
  go();
}

document.addEventListener("visibilitychange", () => {
  stop();
  if (document.visibilityState === "visible") look();
});
place.dataset.ready = "";
go();
