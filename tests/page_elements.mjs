// Stand-ins for the few elements that a page's code makes, and for the outputs of a cell: they have what it asks of
// them, and lay nothing out.

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

/** An element. What is set as the value of a control, it shows as browsers do: an input in one line, others with \n. */
export class Element extends Node {
  constructor(tag) {
    super();
    Object.assign(this, { tag, children: [], attributes: {}, listeners: {}, dataset: {}, style: {}, parentNode: null });
    this.classList = { add: () => {}, remove: () => {} };
  }

  setAttribute(name, value) {
    this.attributes[name] = value;
    if (["id", "hidden", "value"].includes(name)) this[name] = value === "" || value;
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

  contains(node) {
    return node === this || this.children.some((each) => each.contains?.(node));
  }

  /** The first element of this tag within. */
  querySelector(tag) {
    for (const each of this.children) {
      const found = each.tag === tag ? each : each.querySelector?.(tag);
      if (found) return found;
    }
    return null;
  }

  addEventListener(kind, listener) {
    (this.listeners[kind] ??= []).push(listener);
  }

  /** What a page does when something happens to the element. */
  happen(kind, event = {}) {
    for (const listener of this.listeners[kind] ?? []) listener(event);
  }

  /** Someone writes this in place of what stands there. */
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

const root = { activeElement: null };

/** A document that makes them. */
export const document = {
  createElement: (tag) => new Element(tag),
  createTextNode: (words) => new Words(words),
  head: new Element("head"),
};

/** The outputs of a cell, as JupyterLab has them. */
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
