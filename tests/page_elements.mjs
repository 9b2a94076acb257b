// Stand-ins for the elements that a page's scripts make, and for the outputs of a cell. They have only what the scripts
// use, and there is no layout.

class Node {
  remove() {
    if (!this.parentNode) return;
    this.parentNode.children = this.parentNode.children.filter((each) => each !== this);
    this.parentNode = null;
  }
}

class Words extends Node {
  constructor(data) {
    super();
    this.data = data;
  }

  get length() {
    return this.data.length;
  }

  appendData(words) {
    this.data += words;
  }

  get textContent() {
    return this.data;
  }
}

/** An element. Its value changes as in browsers: an input drops line ends, and other controls make them \n. */
export class Element extends Node {
  constructor(tag) {
    super();
    Object.assign(this, { tag, children: [], attributes: {}, listeners: {}, dataset: {}, style: {}, parentNode: null });
    this.classList = { add: () => {}, remove: () => {} };
  }

  setAttribute(name, value) {
    this.attributes[name] = value;
    if (["id", "hidden", "value", "disabled"].includes(name)) this[name] = value === "" || value;
  }

  getAttribute(name) {
    return this.attributes[name] ?? null;
  }

  removeAttribute(name) {
    delete this.attributes[name];
    if (name === "value") this.shown = undefined;
    else delete this[name];
  }

  set value(text) {
    this.shown = this.tag === "input" ? text.replace(/[\r\n]/g, "") : String(text).replace(/\r\n?/g, "\n");
  }

  get value() {
    return this.shown;
  }

  set textContent(text) {
    this.replaceChildren(text);
  }

  get textContent() {
    return this.children.map((each) => each.textContent).join("");
  }

  append(...children) {
    for (const each of children) {
      const node = each instanceof Node ? each : new Words(each);
      node.remove();
      node.parentNode = this;
      this.children.push(node);
    }
  }

  replaceChildren(...children) {
    this.children = [];
    this.append(...children);
  }

  beside(step) {
    const all = this.parentNode?.children ?? [];
    return all[all.indexOf(this) + step] ?? null;
  }

  get nextElementSibling() {
    return this.beside(1);
  }

  get previousElementSibling() {
    return this.beside(-1);
  }

  before(node) {
    const { children } = this.parentNode;
    children.splice(children.indexOf(this), 0, node);
    node.parentNode = this.parentNode;
  }

  after(node) {
    const { children } = this.parentNode;
    children.splice(children.indexOf(this) + 1, 0, node);
    node.parentNode = this.parentNode;
  }

  replaceWith(node) {
    this.before(node);
    this.remove();
  }

  contains(node) {
    return node === this || this.children.some((each) => each.contains?.(node));
  }

  /** The first descendant with this tag. */
  querySelector(tag) {
    for (const each of this.children) {
      const found = each.tag === tag ? each : each.querySelector?.(tag);
      if (found) return found;
    }
    return null;
  }

  setSelectionRange(start, end) {
    Object.assign(this, { selectionStart: start, selectionEnd: end });
  }

  addEventListener(kind, listener) {
    (this.listeners[kind] ??= []).push(listener);
  }

  /** Call the listeners of an event. */
  happen(kind, event = {}) {
    for (const listener of this.listeners[kind] ?? []) listener(event);
  }

  /** Replace the value as a user would, with an input event. */
  write(text) {
    this.value = text;
    this.happen("input");
  }

  getRootNode() {
    return root;
  }

  focus() {
    root.activeElement = this;
  }
}

/** A stand-in for the formatted words of an answer, which need a browser. It records what it is told. */
export class GrowingWords {
  constructor(element) {
    Object.assign(this, { element, told: [], ended: undefined });
  }

  update(growth) {
    this.told.push(growth);
  }

  end(html) {
    this.ended = html;
  }
}

const root = { activeElement: null };

/** A document that makes such elements. */
export const document = {
  createElement: (tag) => new Element(tag),
  createTextNode: (words) => new Words(words),
  head: new Element("head"),
};

/** The outputs of a cell, with the interface of JupyterLab's. */
export class Outputs {
  constructor(...data) {
    this.all = data.map((each) => ({ data: each }));
  }

  get length() {
    return this.all.length;
  }

  get(at) {
    return this.all[at];
  }

  set(at, output) {
    this.all[at] = output;
  }

  add(output) {
    this.all.push(output);
  }

  get html() {
    return this.all.map(({ data }) => data["text/html"]);
  }
}
