// Formulas in marimo, whose page has no typesetter for widgets, but an element that shows TeX by KaTeX.

const MARIMO_FORMULA = "marimo-tex";

/** Let marimo show the formulas in an element. In other pages, which do not know marimo's element, they stay. */
function typesetInMarimo(element) {
  if (!customElements.get(MARIMO_FORMULA)) return;
  for (const span of element.querySelectorAll("span:not(:has(*))")) {
    const found = /^\\([([])([^]*)\\([)\]])$/.exec(span.textContent);
    if (found) span.replaceChildren(make(MARIMO_FORMULA, {}, `||${found[1]}${found[2]}||${found[3]}`));
  }
}
