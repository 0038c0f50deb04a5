// Puts a canned answer into the text that is being written, where the cursor stands.
function insert(area, text) {
  const before = area.value.slice(0, area.selectionStart);
  const gap = before && !before.endsWith("\n") ? "\n\n" : "";
  area.setRangeText(gap + text, area.selectionStart, area.selectionEnd, "end");
  area.focus();
}

for (const list of document.querySelectorAll("[data-canned-for]")) {
  const area = document.getElementById(list.dataset.cannedFor);
  for (const entry of list.querySelectorAll("[data-canned]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-quiet btn-small";
    button.textContent = "Insert";
    button.setAttribute("aria-label", `Insert “${entry.dataset.canned}”`);
    button.addEventListener("click", () => insert(area, entry.querySelector("pre").textContent));
    entry.append(button);
  }
}
