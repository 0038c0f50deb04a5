// Packing without reloads. What is scanned goes into a line that is kept on this device until the portal has answered:
// one scan after the other, each under a key of its own, so that none is lost and none counts twice.
import { Line } from "../selection/line.js";

const AGAIN = 2_000; // how long to wait before the portal is asked again
const form = document.querySelector("[data-scanner]");
const field = form.elements.code;
const bench = document.querySelector("#bench");
const told = document.querySelector("[data-waiting]");
const said = document.querySelector("[data-said]");
const sound = document.querySelector("[data-sound]");
const line = new Line(form.dataset.page);
const place = `packing:${form.dataset.who}:${form.dataset.page}:`;

/* The line of scans */

let waiting = kept();
let working = false;
let refusal = "";
let timer;

/* Each scan is kept under its own name: two tabs of one person may both send it, and it still counts once. */
function kept() {
  try {
    const names = Object.keys(localStorage).filter((name) => name.startsWith(place));
    return names.map((name) => JSON.parse(localStorage.getItem(name))).sort((a, b) => a.at - b.at);
  } catch {
    return [];
  }
}

function keep(scan) {
  try {
    localStorage.setItem(place + scan.key, JSON.stringify(scan));
  } catch {
    // Without storage the line lives as long as the page.
  }
}

function forget(scan) {
  try {
    localStorage.removeItem(place + scan.key);
  } catch {
    // Nothing was kept.
  }
}

function key() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (octet) => octet.toString(16).padStart(2, "0")).join("");
}

let last = 0;

function take(code, act) {
  last = Math.max(Date.now(), last + 1);
  const scan = { key: key(), code, act, at: last };
  waiting.push(scan);
  keep(scan);
  work();
}

async function work() {
  if (working) return;
  working = true;
  clearTimeout(timer);
  while (waiting.length) {
    tell();
    if (!(await send(waiting[0]))) break;
    forget(waiting.shift());
  }
  working = false;
  if (waiting.length) timer = setTimeout(work, AGAIN);
  else tell();
}

/* Send one scan; whether it has been dealt with, for better or worse. */
async function send(scan) {
  const data = new FormData();
  for (const name of ["key", "code", "act"]) data.set(name, scan[name]);
  const answer = await line.ask(form.action, data);
  if (answer.html) {
    show(line.piece(answer.html, "[data-part]"));
    return true;
  }
  // Somebody was in the way: the same scan is sent again. What the portal will never take is said, and let go.
  if (answer.final && answer.status === 422) {
    refusal = `“${scan.code.slice(0, 40)}” was not taken: ${answer.wrong}`;
    beep("wrong");
    return true;
  }
  tell(answer.wrong);
  return false;
}

function tell(away = "") {
  const count = waiting.length;
  const scans = count === 1 ? "1 scan waits" : `${count} scans wait`;
  const words = away && count ? `${away} ${scans}, kept on this device. Go on scanning.` : away || (count > 1 ? `${scans}.` : refusal);
  told.classList.toggle("is-away", Boolean(away || refusal));
  if (told.textContent !== words) told.textContent = words;
  form.dataset.waiting = count;
}

function show(part) {
  refusal = "";
  bench.replaceChildren(part);
  document.querySelector("#offered")?.remove();
  // A screen reader hears what the scan came to, not the whole bench each time.
  said.textContent = part.querySelector("#result p")?.textContent ?? "";
  beep(part.dataset.tone);
}

/* The field is where everything that is typed goes */

function listen() {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const code = field.value;
    field.value = "";
    take(code, "scan");
  });
  document.addEventListener("submit", (event) => {
    const pressed = event.target;
    if (!pressed.matches("#bench [data-act], #offered form")) return;
    event.preventDefault();
    take(pressed.elements.code.value, pressed.elements.act?.value ?? "scan");
    field.focus();
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select, button, a, summary, [contenteditable]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || event.key.length !== 1) return;
    field.focus();
  });
  window.addEventListener("online", work);
  window.addEventListener("focus", () => {
    if (document.activeElement === document.body) field.focus();
  });
}

/* Sounds, if somebody wants them: one high tone is right, two low ones are wrong, two rising ones ask. */

const TONES = { good: [[1320, 0, 0.09]], wrong: [[220, 0, 0.22], [180, 0.28, 0.3]], ask: [[520, 0, 0.12], [780, 0.16, 0.16]] };
let speaker;

function loud() {
  try {
    return localStorage.getItem("packing-sound") === "on";
  } catch {
    return sound.getAttribute("aria-pressed") === "true";
  }
}

function beep(tone) {
  if (!TONES[tone] || sound.getAttribute("aria-pressed") !== "true" || !window.AudioContext) return;
  speaker ??= new AudioContext();
  for (const [pitch, after, length] of TONES[tone]) {
    const voice = speaker.createOscillator();
    const volume = speaker.createGain();
    const at = speaker.currentTime + after;
    voice.type = tone === "wrong" ? "square" : "sine";
    voice.frequency.value = pitch;
    volume.gain.setValueAtTime(0.15, at);
    volume.gain.exponentialRampToValueAtTime(0.001, at + length);
    voice.connect(volume).connect(speaker.destination);
    voice.start(at);
    voice.stop(at + length);
  }
}

function sayLoud(on) {
  sound.setAttribute("aria-pressed", String(on));
  sound.textContent = on ? "Sounds are on" : "Sounds are off";
}

sound.addEventListener("click", () => {
  const on = sound.getAttribute("aria-pressed") !== "true";
  sayLoud(on);
  try {
    localStorage.setItem("packing-sound", on ? "on" : "off");
  } catch {
    // Then it is chosen anew on each page.
  }
  beep("good");
  field.focus();
});

sayLoud(loud());
sound.hidden = false;
listen();
field.focus();
form.dataset.ready = "";
if (waiting.length) work();
else tell();
