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

function options(values) {
  return values.map((value) => make("option", { value }));
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
