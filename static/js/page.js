// What every page does on arrival: faults of a form come first, and the current section is in view.
document.querySelector("[data-error-summary]")?.focus();

const nav = document.querySelector(".place-nav");
const current = nav?.querySelector("[aria-current]");
if (current && nav.scrollWidth > nav.clientWidth) nav.scrollLeft = current.offsetLeft - nav.clientWidth / 3;
