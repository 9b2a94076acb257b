// Shows words that are formatted while they stream: blocks that are finished, and behind them a tail that is replaced.
//
// The HTML comes from Python, which has made it safe. Where a block goes on with the list, table, code or words of the
// block before it, the two become one element. What stands is changed only where it differs from what is to stand: so
// nothing flickers, and what a reader has selected stays selected.

const SPACED = "ul, ol, table, thead, tbody, tr"; // elements in which text between the children is only spaces
const LONGEST_VESSEL = 20_000; // characters; a browser lays out all words of an element anew when some are added
const ELEMENT = 1;
const TEXT = 3;

const untypeset = new WeakMap(); // copies of elements whose formulas were typeset, as they were before

/** The nodes of an HTML text, without spaces between blocks. */
function nodesOf(html) {
  const { content } = Object.assign(document.createElement("template"), { innerHTML: html });
  for (const parent of [content, ...content.querySelectorAll(SPACED)]) {
    for (const node of [...parent.childNodes]) if (node.nodeType === TEXT && !node.data.trim()) node.remove();
  }
  return [...content.childNodes];
}

/** The element within a block that takes what goes on with the block. */
function vesselOf(node) {
  if (node?.nodeType !== ELEMENT) return null;
  if (node.matches(".fal-goes-on")) return vesselOf(node.lastElementChild);
  if (node.matches("ul, ol, p")) return node;
  if (!node.matches("table, pre, div")) return null;
  return node.querySelector("tbody, code") ?? node.querySelector("table")?.createTBody() ?? node;
}

/** Whether an element is so long that what goes on with it is put behind it. A paragraph is not cut within a word. */
function isFull(vessel) {
  if (vessel.matches("ul, ol")) return false;
  const words = vessel.textContent;
  return words.length > LONGEST_VESSEL && (vessel.nodeName !== "P" || /\s$/.test(words) || words.length > 4 * LONGEST_VESSEL);
}

/** A node that goes on with the block before it, without a space between the two. */
function goingOn(node) {
  const part = Object.assign(document.createElement("div"), { className: "fal-goes-on" });
  part.append(node);
  return part;
}

/** The nodes that are to stand: those of the whole text, but a long paragraph in the pieces in which it stands. */
function inPieces(fresh, standing) {
  const wanted = [];
  for (const node of fresh) {
    let end = wanted.length + 1;
    while (standing[end]?.matches(".fal-goes-on")) end += 1;
    const run = node.nodeName === "P" ? standing.slice(wanted.length, end) : [];
    const isSame = run.length > 1 && run.map((each) => each.textContent).join("") === node.textContent;
    wanted.push(...(isSame ? run.map((each) => each.cloneNode(true)) : [node]));
  }
  return wanted;
}

/** The parts of a block that stay when others are added to it: items, rows, or the block itself. */
function unitsOf(node) {
  if (node.nodeType !== ELEMENT) return [];
  if (node.matches("ul, ol")) return [...node.children];
  const rows = node.matches("blockquote, details") ? [] : node.querySelectorAll("tr");
  return rows.length ? [...rows] : [node];
}

/** Make a text node say something else. A selection in what both have at their beginning stays. */
function rewrite(node, words) {
  const most = Math.min(node.length, words.length);
  let same = 0;
  while (same < most && node.data[same] === words[same]) same += 1;
  node.replaceData(same, node.length - same, words.slice(same));
}

/** Make a node like a new one, which may take its place. Return what stands. A fold stays as a reader has left it. */
function renew(old, fresh) {
  const known = untypeset.get(old);
  if ((known ?? old).isEqualNode(fresh)) return old;
  if (old.nodeType === TEXT && fresh.nodeType === TEXT) {
    rewrite(old, fresh.data);
  } else if (known || old.nodeType !== ELEMENT || old.nodeName !== fresh.nodeName) {
    old.replaceWith(fresh);
    return fresh;
  } else {
    for (const { name } of [...old.attributes]) {
      if (name !== "open" && !fresh.hasAttribute(name)) old.removeAttribute(name);
    }
    for (const { name, value } of fresh.attributes) {
      if (name !== "open" && old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    renewChildren(old, [...fresh.childNodes]);
  }
  return old;
}

function renewChildren(parent, fresh) {
  const old = [...parent.childNodes];
  for (const [at, node] of fresh.entries()) {
    if (at < old.length) renew(old[at], node);
    else parent.append(node);
  }
  for (const node of old.slice(fresh.length)) node.remove();
}

/**
 * Put the rest of an ended answer around its words, which stay where they are. Return the elements that were put there.
 * The place of the words is marked in the HTML; without a mark, the HTML takes their place. All of it stands in an
 * answer already, so that answers within it are left out.
 */
function surround(words, html) {
  const { content } = Object.assign(document.createElement("template"), { innerHTML: html });
  for (const answer of content.querySelectorAll(".fal-answer")) answer.replaceWith(...answer.childNodes);
  const put = [];
  let [first, last] = [words, words];
  for (let at = content.querySelector("fal-words"); at && at !== content; at = at.parentNode) {
    const beside = [...at.parentNode.childNodes];
    const [before, after] = [beside.slice(0, beside.indexOf(at)), beside.slice(beside.indexOf(at) + 1)];
    first.before(...before);
    last.after(...after);
    [first, last] = [before[0] ?? first, after.at(-1) ?? last];
    put.push(...before, ...after);
  }
  if (!content.querySelector("fal-words")) {
    put.push(...content.childNodes);
    words.replaceWith(content);
  }
  return put.filter((node) => node.nodeType === ELEMENT);
}

/**
 * Words in an element of the page.
 *
 * A part is a block or the tail: its nodes, and its vessel, which takes what goes on with it.
 */
class GrowingWords {
  /** `typeset` is called with each new element that has formulas, when no more is changed in it. */
  constructor(element, typeset) {
    this.element = element;
    this.typeset = typeset;
    this.blocks = [];
    this.tail = [];
    this.tailHTML = "";
  }

  /** Keep so many blocks, add these, and show the tail, of which only the part behind an offset is sent. */
  update({ keep, blocks, tail: [offset, rest, continues] }) {
    const standing = [...this.blocks.splice(keep).flatMap(({ nodes }) => nodes), ...this.tail];
    for (const [html, goesOn] of blocks) {
      const part = this.put(html, goesOn, standing);
      this.blocks.push(part);
      for (const unit of part.nodes.flatMap(unitsOf)) this.typesetOnce(unit);
    }
    this.tailHTML = this.tailHTML.slice(0, offset) + rest;
    this.tail = this.put(this.tailHTML, continues, standing).nodes;
    for (const node of standing) node.remove();
  }

  /** Show the whole text, which has ended. */
  end(html) {
    this.element.normalize();
    renewChildren(this.element, inPieces(nodesOf(html), [...this.element.children]));
    for (const unit of [...this.element.children].flatMap(unitsOf)) this.typesetOnce(unit);
  }

  /** Put a part behind all others. Take its nodes from those that stand there already, as far as they are alike. */
  put(html, continues, standing) {
    const [first, ...others] = nodesOf(html);
    const vessel = (continues && this.blocks.at(-1)?.vessel) || null;
    if (!first) return { nodes: [], vessel };
    const inner = vessel && !isFull(vessel) ? vesselOf(first) : null;
    const isJoined = inner !== null && inner.nodeName === vessel.nodeName;
    if (isJoined && inner.nodeName === "OL") {
      inner.firstElementChild?.setAttribute("value", inner.getAttribute("start") ?? "1");
    }
    const nodes = isJoined
      ? this.place(vessel, [...inner.childNodes], standing)
      : this.place(this.element, [vessel ? goingOn(first) : first], standing);
    nodes.push(...this.place(this.element, others, standing));
    return { nodes, vessel: isJoined && !others.length ? vessel : vesselOf(nodes.at(-1)) };
  }

  place(parent, fresh, standing) {
    return fresh.map((node) => {
      while (standing.length && standing[0].parentNode !== parent) standing.shift().remove();
      if (standing.length) return renew(standing.shift(), node);
      parent.append(node);
      return node;
    });
  }

  typesetOnce(element) {
    if (untypeset.has(element) || !/\\[([]/.test(element.textContent)) return;
    untypeset.set(element, element.cloneNode(true));
    this.typeset(element);
  }
}
