// Questions before something is lost. The page holds them as <details>; here they open as modal dialogs instead.
function ask(details) {
  const dialog = details.querySelector("dialog");
  dialog.removeAttribute("open");
  details.open = false;
  details.addEventListener("toggle", () => {
    if (details.open && !dialog.open) dialog.showModal();
  });
  dialog.addEventListener("close", () => {
    details.open = false;
    details.querySelector("summary").focus();
  });
  for (const button of dialog.querySelectorAll("[data-close]")) {
    button.hidden = false;
    button.addEventListener("click", () => dialog.close());
  }
}

export function upgrade(part = document) {
  for (const details of part.querySelectorAll("details[data-confirm]")) ask(details);
}

upgrade();
