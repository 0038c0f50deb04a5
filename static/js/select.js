// Says how many are selected, and selects a whole page at once.
function watch(form) {
  const boxes = [...form.querySelectorAll('input.pick:not([name="all"])')];
  const all = form.querySelector("[data-select-filter]");
  const told = form.querySelector("[data-select-count]");
  const page = document.createElement("button");
  page.type = "button";
  page.className = "btn btn-quiet btn-small";
  told.before(page);

  function show() {
    const count = boxes.filter((box) => box.checked).length;
    for (const box of boxes) box.disabled = all.checked;
    page.hidden = all.checked;
    page.textContent = count === boxes.length ? "Select none" : `Select these ${boxes.length}`;
    told.textContent = all.checked ? `${all.dataset.selectFilter || form.elements.count.value} selected` : `${count} selected`;
  }

  page.addEventListener("click", () => {
    const checked = boxes.some((box) => !box.checked);
    for (const box of boxes) box.checked = checked;
    show();
  });
  form.addEventListener("change", show);
  show();
}

for (const form of document.querySelectorAll("form[data-select]")) watch(form);
