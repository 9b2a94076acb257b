import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "../../page_code.mjs";
import { document, GrowingWords } from "../../page_elements.mjs";

const { Conversation, Entry } = load(
  ["dom.js", "word_blocks.js", "version_switch.js", "entry.js", "earlier_entries.js", "conversation.js"].map((name) => `prompt/page/${name}`),
  ["Conversation", "Entry"],
  { document, GrowingWords, surround: () => [] },
);

function entry(id) {
  return new Entry({ id, prompt: "ask" }, { prefix: "p", typeset: () => {} });
}

test("a conversation is streaming while its newest entry is", () => {
  const log = new Conversation();
  assert.deepEqual([log.streaming, log.isEmpty, log.element.hidden], [undefined, true, true]);
  const [first, second] = [entry(1), entry(2)];
  first.end({ html: "", end: "done" });
  log.add(first);
  assert.deepEqual([log.streaming, log.isEmpty, log.element.hidden], [undefined, false, false]);
  log.add(second);
  assert.equal(log.streaming, second);
  log.enableButtons();
  assert.deepEqual([first.again.disabled, first.remove.disabled, second.remove.disabled], [true, false, true]);
  second.end({ html: "", end: "done" });
  log.enableButtons();
  assert.deepEqual([log.streaming, first.again.disabled, second.remove.disabled], [undefined, false, false]);
});

test("dropping an entry returns whether it had the focus, and a button of the entry next to it", () => {
  const log = new Conversation();
  const entries = [entry(1), entry(2), entry(3)];
  for (const each of entries) log.add(each);
  entries[1].remove.focus();
  let { focused, next } = log.drop(entries[1]);
  assert.deepEqual([focused, next === entries[2].element.querySelector("button")], [true, true]);
  ({ focused, next } = log.drop(entries[2]));
  assert.deepEqual([focused, next === entries[0].element.querySelector("button")], [false, true]);
  ({ next } = log.drop(entries[0]));
  assert.deepEqual([next, log.element.hidden], [undefined, true]);
});

test("a cleared conversation is like a new one", () => {
  const log = new Conversation();
  log.add(entry(1));
  log.clear();
  assert.deepEqual([log.isEmpty, log.streaming, log.element.children, log.element.hidden], [true, undefined, [], true]);
  assert.equal(log.get(1), undefined);
});

test("a reader near the end of the log counts as being at the end", () => {
  const log = new Conversation();
  Object.assign(log.element, { scrollHeight: 1000, clientHeight: 400, scrollTop: 569 });
  assert.equal(log.isAtEnd, true);
  log.element.scrollTop = 568;
  assert.equal(log.isAtEnd, false);
  log.element.happen("scroll");
  assert.equal(log.follows, false);
  log.scrollToEnd();
  assert.deepEqual([log.isAtEnd, log.follows], [true, true]);
});
