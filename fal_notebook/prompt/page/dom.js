// Small functions that make and query elements, for the other scripts of the page.

/** Make an element with these attributes, event listeners (names like `onclick`) and children. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

function button(label, attributes, act) {
  return make("button", { type: "button", class: "fal-button", ...attributes, onclick: act }, label);
}

/** Whether a control has the focus. In marimo, its root is a shadow root and not the document. */
function isFocused(control) {
  return control.getRootNode().activeElement === control;
}

/** Make a text area as high as its text, up to a limit in pixels. */
function fit(area, most) {
  area.style.height = "auto";
  if (area.scrollHeight) area.style.height = `${Math.min(area.scrollHeight + 2, most)}px`;
}

/** Change something, and scroll so that the control with the focus does not move in the page. */
function holdStill(root, change) {
  const focused = root.getRootNode().activeElement;
  const isWithin = focused != null && root.contains(focused) && focused.getBoundingClientRect !== undefined;
  const before = isWithin ? focused.getBoundingClientRect().top : 0;
  change();
  const moved = isWithin ? focused.getBoundingClientRect().top - before : 0;
  if (moved) scrolled(root)?.scrollBy({ top: moved, behavior: "instant" });
}

/** The nearest element around this one that scrolls. */
function scrolled(element) {
  for (let each = element.parentElement; each; each = each.parentElement) {
    const { overflowY } = getComputedStyle(each);
    if (each.scrollHeight > each.clientHeight && ["auto", "scroll"].includes(overflowY)) return each;
  }
  return document.scrollingElement;
}
