import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "../../page_code.mjs";
import { document, Element } from "../../page_elements.mjs";

const { BLOCK, blockEnd, WordBlocks } = load(
  ["prompt/page/dom.js", "prompt/page/word_blocks.js"], ["BLOCK", "blockEnd", "WordBlocks"], { document },
);
const line = (letter, length) => `${letter.repeat(length - 1)}\n`;

/** The text of each block in the page. */
function blocks(lines) {
  return lines.element.children.map((each) => each.textContent);
}

/** Assert that the page shows this text, and that the offsets of the blocks are right. */
function assertShows(lines, text) {
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

test("a long text is cut after the last line end in its first thousand characters", () => {
  assert.equal(blockEnd(line("a", 400) + line("b", 400) + line("c", 400)), 800);
  assert.equal(blockEnd(line("a", BLOCK) + "b"), BLOCK);
  assert.equal(blockEnd(line("a", 500) + line("b", BLOCK - 499) + "c"), 500);
});

test("a long Latin line is one block, and a long line of another script is cut", () => {
  assert.equal(blockEnd(line("a", 5 * BLOCK) + "b"), 5 * BLOCK);
  assert.equal(blockEnd(line("ש", 5 * BLOCK) + "b"), BLOCK);
});

test("a very long line is cut after twenty thousand characters, or after a thousand if it is slow to lay out", () => {
  assert.equal(blockEnd("a".repeat(19 * BLOCK)), 19 * BLOCK);
  assert.equal(blockEnd("a".repeat(99 * BLOCK)), 20 * BLOCK);
  assert.equal(blockEnd("ש".repeat(99 * BLOCK)), BLOCK);
});

test("a surrogate pair is not cut", () => {
  const text = "a" + "😀".repeat(BLOCK);
  assert.equal(blockEnd(text), BLOCK - 1);
  const words = new WordBlocks(new Element("div"), text);
  assertShows(words, text);
  assert.ok(blocks(words).every((block) => block.isWellFormed()));
});

test("new words are added to the last block while it is short, and no other block is changed", () => {
  const words = new WordBlocks(new Element("div"), line("a", 600) + line("b", 600));
  const [first, last] = words.blocks;
  const nodes = [first.node, last.node];
  words.grow(1200, "c");
  assert.deepEqual(words.blocks.map((block) => block.node), nodes);
  assert.equal(last.node.data, `${line("b", 600)}c`);
  assertShows(words, `${line("a", 600)}${line("b", 600)}c`);
});

test("words that would make the last block too long begin a new one, and earlier blocks stay", () => {
  const words = new WordBlocks(new Element("div"), line("a", 600) + line("b", 600));
  const { node } = words.blocks[0];
  words.grow(1200, line("c", 600));
  assert.equal(words.blocks[0].node, node);
  assert.deepEqual(blocks(words), [line("a", 600), line("b", 600), line("c", 600)]);
});

test("a rewrite replaces the block that it begins in and all later ones", () => {
  const words = new WordBlocks(new Element("div"), ["a", "b", "c"].map((letter) => line(letter, 600)).join(""));
  const { node } = words.blocks[0];
  words.grow(700, "new");
  assert.equal(words.blocks[0].node, node);
  assertShows(words, `${line("a", 600)}${"b".repeat(100)}new`);
  words.grow(0, "");
  assertShows(words, "");
  assert.deepEqual(words.blocks, []);
});

test("the page shows all words, in whatever pieces they arrive", () => {
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
    assertShows(words, text);
  }
});

test("only a complete block of a complex script may be skipped by the layout while it is out of view", () => {
  const words = new WordBlocks(new Element("div"), `${line("ש", 900)}${line("a", 900)}${line("ש", 900)}`);
  assert.deepEqual(words.element.children.map((each) => each.attributes.class), ["fal-block", "", ""]);
});
