// Says how many parcels are chosen, and chooses a whole page at once.
function watch(form) {
  const boxes = [...form.querySelectorAll('input[name="parcel"]')];
  const all = form.querySelector("[data-choose-all]");
  const told = form.querySelector("[data-choose-count]");

  function show() {
    const count = boxes.filter((box) => box.checked).length;
    told.textContent = `${count} selected`;
    all.textContent = count === boxes.length ? "Choose none" : `Choose all ${boxes.length} on this page`;
    for (const button of form.querySelectorAll("button[formaction]")) button.disabled = count === 0;
  }

  all.addEventListener("click", (event) => {
    event.preventDefault();
    const checked = boxes.some((box) => !box.checked);
    for (const box of boxes) box.checked = checked;
    show();
  });
  form.addEventListener("change", show);
  // The browser may bring ticks back when one returns from a paper.
  window.addEventListener("pageshow", show);
  show();
}

for (const form of document.querySelectorAll("form[data-choose]")) watch(form);
