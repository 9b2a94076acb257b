import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "../../page_code.mjs";
import { document } from "../../page_elements.mjs";

const { BLOCK, blockEnd, wordBlocks } = load(
  ["prompt/page/dom.js", "prompt/page/word_blocks.js"], ["BLOCK", "blockEnd", "wordBlocks"], { document },
);
const line = (letter, length) => `${letter.repeat(length - 1)}\n`;

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
  const words = wordBlocks(text).map((block) => block.textContent);
  assert.equal(words.join(""), text);
  assert.ok(words.every((block) => block.isWellFormed()));
});

test("only a complete block of a complex script may be skipped by the layout while it is out of view", () => {
  const blocks = wordBlocks(`${line("ש", 900)}${line("a", 900)}${line("ש", 900)}`);
  assert.deepEqual(blocks.map((each) => each.attributes.class), ["fal-block", "", ""]);
});
