// Words that grow or are rewritten while they stream, as text nodes and in blocks that a page can lay out.

const BLOCK = 1000; // characters that a page can always lay out as one
const FOREIGN = /[^\0-\u02ff\u2000-\u2bff]/;

/** Where the first block of a text ends: behind a line end. Only what may be dear is cut within a line. */
function blockEnd(text) {
  if (text.length <= BLOCK) return text.length;
  const most = FOREIGN.test(text.slice(0, BLOCK)) ? BLOCK : 20 * BLOCK;
  const lineEnd = text.lastIndexOf("\n", BLOCK - 1) + 1 || text.indexOf("\n") + 1;
  if (lineEnd && lineEnd <= most) return lineEnd;
  if (text.length <= most) return text.length;
  return /[\ud800-\udbff]/.test(text[most - 1]) ? most - 1 : most;
}

/** Words in blocks: a page shapes and orders a block as one, and halts at a long one of many scripts or directions. */
class Lines {
  constructor(element, text) {
    this.element = element;
    this.blocks = [];
    this.text = "";
    this.grow(0, text);
  }

  grow(offset, text) {
    const appends = offset >= this.text.length;
    this.text = this.text.slice(0, offset) + text;
    const last = this.blocks.at(-1);
    if (appends && last && last.node.length + text.length <= BLOCK) {
      last.node.appendData(text);
      return;
    }
    let start = offset; // of what is put anew: the block that holds this place, and all behind it
    while (this.blocks.length && start >= offset) {
      const block = this.blocks.pop();
      block.node.parentNode.remove();
      start = block.start;
    }
    for (let rest = this.text.slice(start); rest;) {
      const words = rest.slice(0, blockEnd(rest));
      rest = rest.slice(words.length);
      const node = document.createTextNode(words);
      this.element.append(make("div", { class: FOREIGN.test(words) && rest ? "fal-block" : "" }, node));
      this.blocks.push({ node, start });
      start += words.length;
    }
  }
}
