"use strict";
// A click on a column's title sorts its table: times by their length, other numbers by size.
const UNITS = { ms: 0.001, s: 1, min: 60, h: 3600 };
function size(text) {
  const found = text.replace(/,/g, "").match(/-?[\d.]+(?:\s*(ms|s|min|h)\b)?/);
  return found ? parseFloat(found[0]) * (UNITS[found[1]] || 1) : -Infinity;
}
for (const title of document.querySelectorAll("th")) {
  const button = document.createElement("button");
  button.append(...title.childNodes);
  title.append(button);
  button.addEventListener("click", () => {
    const up = title.getAttribute("aria-sort") === "descending";
    const body = title.closest("table").tBodies[0];
    const text = (row) => row.cells[title.cellIndex].textContent;
    const number = title.classList.contains("number");
    const order = (a, b) => number ? size(text(a)) - size(text(b)) : text(b).localeCompare(text(a));
    const rows = [...body.rows].sort((a, b) => (up ? order(a, b) : order(b, a)));
    for (const other of title.parentNode.cells) other.removeAttribute("aria-sort");
    title.setAttribute("aria-sort", up ? "ascending" : "descending");
    body.append(...rows);
  });
}
