import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "../../page_code.mjs";
import { document, Element } from "../../page_elements.mjs";

const { BLOCK, blockEnd, WordBlocks } = load(
  ["prompt/page/dom.js", "prompt/page/word_blocks.js"], ["BLOCK", "blockEnd", "WordBlocks"], { document },
);
const line = (letter, length) => `${letter.repeat(length - 1)}\n`;

/** What the page has, block by block. */
function blocks(lines) {
  return lines.element.children.map((each) => each.textContent);
}

/** Whether a page shows these words, and each block is one that it can lay out. */
function holds(lines, text) {
  assert.equal(lines.text, text);
  assert.equal(blocks(lines).join(""), text);
  let start = 0;
  for (const block of lines.blocks) {
    assert.equal(block.start, start);
    start += block.node.length;
  }
}

test("a short text is one block", () => {
  for (const text of ["", "a", "a\nb", "x".repeat(BLOCK), "ש".repeat(BLOCK)]) assert.equal(blockEnd(text), text.length);
});

test("a long text is cut behind the last line end of its first thousand letters", () => {
  assert.equal(blockEnd(line("a", 400) + line("b", 400) + line("c", 400)), 800);
  assert.equal(blockEnd(line("a", BLOCK) + "b"), BLOCK);
  assert.equal(blockEnd(line("a", 500) + line("b", BLOCK - 499) + "c"), 500);
});

test("a long line of one script is one block up to its end, and one of many scripts is cut", () => {
  assert.equal(blockEnd(line("a", 5 * BLOCK) + "b"), 5 * BLOCK);
  assert.equal(blockEnd(line("ש", 5 * BLOCK) + "b"), BLOCK);
});

test("a line without end is cut after twenty thousand letters, or after a thousand where it may be dear", () => {
  assert.equal(blockEnd("a".repeat(19 * BLOCK)), 19 * BLOCK);
  assert.equal(blockEnd("a".repeat(99 * BLOCK)), 20 * BLOCK);
  assert.equal(blockEnd("ש".repeat(99 * BLOCK)), BLOCK);
});

test("no cut parts the two halves of a letter", () => {
  const text = "a" + "😀".repeat(BLOCK);
  assert.equal(blockEnd(text), BLOCK - 1);
  const words = new WordBlocks(new Element("div"), text);
  holds(words, text);
  assert.ok(blocks(words).every((block) => block.isWellFormed()));
});

test("words that come are added to the last block, while it is short, and nothing else is touched", () => {
  const words = new WordBlocks(new Element("div"), line("a", 600) + line("b", 600));
  const [first, last] = words.blocks;
  const nodes = [first.node, last.node];
  words.grow(1200, "c");
  assert.deepEqual(words.blocks.map((block) => block.node), nodes);
  assert.equal(last.node.data, `${line("b", 600)}c`);
  holds(words, `${line("a", 600)}${line("b", 600)}c`);
});

test("words that make the last block too long begin a new one, and those before it stay", () => {
  const words = new WordBlocks(new Element("div"), line("a", 600) + line("b", 600));
  const { node } = words.blocks[0];
  words.grow(1200, line("c", 600));
  assert.equal(words.blocks[0].node, node);
  assert.deepEqual(blocks(words), [line("a", 600), line("b", 600), line("c", 600)]);
});

test("a rewrite changes the block that it begins in and those behind it", () => {
  const words = new WordBlocks(new Element("div"), ["a", "b", "c"].map((letter) => line(letter, 600)).join(""));
  const { node } = words.blocks[0];
  words.grow(700, "new");
  assert.equal(words.blocks[0].node, node);
  holds(words, `${line("a", 600)}${"b".repeat(100)}new`);
  words.grow(0, "");
  holds(words, "");
  assert.deepEqual(words.blocks, []);
});

test("however words come, the page has them all", () => {
  let seed = 7;
  const random = (most) => (seed = (seed * 48271) % 2147483647) % most;
  for (let round = 0; round < 50; round += 1) {
    const words = new WordBlocks(new Element("div"), "");
    let text = "";
    for (let step = 0; step < 30; step += 1) {
      const offset = random(4) ? text.length : random(text.length + 1);
      const piece = ["a", "ש", "\n", "b\n"][random(4)].repeat(random(1500));
      text = text.slice(0, offset) + piece;
      words.grow(offset, piece);
    }
    holds(words, text);
  }
});

test("only a full block of dear words may be left out while it is not seen", () => {
  const words = new WordBlocks(new Element("div"), `${line("ש", 900)}${line("a", 900)}${line("ש", 900)}`);
  assert.deepEqual(words.element.children.map((each) => each.attributes.class), ["fal-block", "", ""]);
});
