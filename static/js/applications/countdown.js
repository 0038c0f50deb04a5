// The time that is left, kept true while the page is open.
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60]];

function left(until) {
  const seconds = Math.floor((until - Date.now()) / 1000);
  if (seconds <= 0) return "now over";
  const words = [];
  let rest = seconds;
  for (const [unit, length] of UNITS) {
    const count = Math.floor(rest / length);
    rest -= count * length;
    if (count) words.push(`${count} ${unit}${count === 1 ? "" : "s"}`);
  }
  return words.length ? `${words.slice(0, 2).join(" ")} left` : "less than a minute left";
}

for (const element of document.querySelectorAll("[data-countdown]")) {
  const until = Date.parse(element.dataset.countdown);
  const show = () => { element.textContent = left(until); };
  show();
  setInterval(show, 20000);
}
