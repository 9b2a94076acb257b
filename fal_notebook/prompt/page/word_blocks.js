// Puts the words of a prompt into blocks that are quick to lay out.

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
 * Words as text nodes in blocks. A browser shapes and orders each block as a whole, and freezes on a long one that mixes
 * many scripts or directions.
 */
function wordBlocks(text) {
  const blocks = [];
  for (let rest = text; rest;) {
    const words = rest.slice(0, blockEnd(rest));
    rest = rest.slice(words.length);
    blocks.push(make("div", { class: COMPLEX.test(words) && rest ? "fal-block" : "" }, words));
  }
  return blocks;
}
