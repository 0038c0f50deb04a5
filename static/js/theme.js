// The colour switch in the footer: the system's theme, light, or dark; remembered in this browser.
const root = document.documentElement;
const group = document.querySelector("[data-theme-switch]");

function remember(choice) {
  try {
    if (choice === "auto") localStorage.removeItem("theme");
    else localStorage.setItem("theme", choice);
  } catch {
    // Storage may be switched off: the choice lasts as long as the page.
  }
}

function show(choice) {
  if (choice === "auto") delete root.dataset.theme;
  else root.dataset.theme = choice;
  for (const button of group.querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeChoice === choice));
  }
}

if (group) {
  show(root.dataset.theme ?? "auto");
  group.addEventListener("click", ({ target }) => {
    const choice = target.dataset.themeChoice;
    if (!choice) return;
    remember(choice);
    show(choice);
  });
  group.hidden = false;
}
