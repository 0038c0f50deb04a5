// Runs before the first paint, so that a chosen theme does not flash. The switch itself is in theme.js.
(function () {
  try {
    var chosen = localStorage.getItem("theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch (refused) {
    // Storage may be switched off: the system's theme stands.
  }
})();
