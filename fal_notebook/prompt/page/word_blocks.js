// Shows words that grow or are rewritten while they stream. They are text nodes in blocks that are quick to lay out.

const BLOCK = 1000; // characters that a browser lays out quickly as one block, whatever they are
const COMPLEX = /[^\0-\u02ff\u2000-\u2bff]/;

/** The end of a text's first block: after a line end. A line is cut only if it is too long to lay out quickly. */
function blockEnd(text) {
  if (text.length <= BLOCK) return text.length;
  const most = COMPLEX.test(text.slice(0, BLOCK)) ? BLOCK : 20 * BLOCK;
  const lineEnd = text.lastIndexOf("\n", BLOCK - 1) + 1 || text.indexOf("\n") + 1;
  if (lineEnd && lineEnd <= most) return lineEnd;
  if (text.length <= most) return text.length;
  return /[\ud800-\udbff]/.test(text[most - 1]) ? most - 1 : most;
}

/**
 * Words in blocks. A browser shapes and orders each block as a whole, and freezes on a long one that mixes many scripts
 * or directions.
 */
class WordBlocks {
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
    let start = offset; // where the new blocks begin: those from the block with the offset on are replaced
    while (this.blocks.length && start >= offset) {
      const block = this.blocks.pop();
      block.node.parentNode.remove();
      start = block.start;
    }
    for (let rest = this.text.slice(start); rest;) {
      const words = rest.slice(0, blockEnd(rest));
      rest = rest.slice(words.length);
      const node = document.createTextNode(words);
      this.element.append(make("div", { class: COMPLEX.test(words) && rest ? "fal-block" : "" }, node));
      this.blocks.push({ node, start });
      start += words.length;
    }
  }
}
