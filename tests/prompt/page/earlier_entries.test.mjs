import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "../../page_code.mjs";
import { document, GrowingWords } from "../../page_elements.mjs";

const timers = [];
const world = {
  document, GrowingWords, surround: () => [],
  setTimeout: (act) => timers.push(act), clearTimeout: () => { timers.length = 0; },
};
const FILES = ["dom.js", "word_blocks.js", "version_switch.js", "entry.js", "earlier_entries.js", "conversation.js"];
const { Conversation, Entry, ASKED_AT_ONCE } = load(
  FILES.map((name) => `prompt/page/${name}`), ["Conversation", "Entry", "ASKED_AT_ONCE"], world,
);

function entry(id) {
  return new Entry({ id, prompt: "ask" }, { prefix: "p", typeset: () => {} });
}

function opened(count) {
  timers.length = 0;
  const asked = [];
  const log = new Conversation((numbers) => asked.push(numbers));
  log.keepPlaces(Array.from({ length: count }, (_, at) => [at + 1, 100 + at]));
  log.add(entry(count + 1));
  return { log, asked };
}

const due = () => timers.splice(0).forEach((act) => act());

test("the entries come when the page has time, the newest first, each in its place", () => {
  const { log, asked } = opened(ASKED_AT_ONCE + 2);
  assert.deepEqual(asked, []);
  due();
  assert.deepEqual(asked, [Array.from({ length: ASKED_AT_ONCE }, (_, at) => ASKED_AT_ONCE + 2 - at)]);
  for (const number of asked[0]) log.fill(entry(number));
  due();
  assert.deepEqual(asked[1], [2, 1]);
  for (const number of asked[1]) log.fill(entry(number));
  due();
  assert.equal(asked.length, 2);
  const there = log.element.children.map((each) => log.get([...log.entries].find(([, { element }]) => element === each)[0]).id);
  assert.deepEqual(there, Array.from({ length: ASKED_AT_ONCE + 3 }, (_, at) => at + 1));
  assert.equal(log.get(1).element.style.containIntrinsicBlockSize, "auto 100px");
  assert.equal(log.newest.id, ASKED_AT_ONCE + 3);
});

test("what is in sight is asked for at once, and before all others", () => {
  const { log, asked } = opened(30);
  const places = [...log.earlier.places.values()];
  log.earlier.see([{ target: places[3], isIntersecting: true }, { target: places[4], isIntersecting: true }]);
  assert.deepEqual(asked[0].slice(0, 3), [5, 4, 30]);
  log.earlier.see([{ target: places[9], isIntersecting: true }]);
  assert.equal(asked.length, 1); // what was asked for comes first
});

test("an entry that is removed meanwhile leaves no place, and the others come", () => {
  const { log, asked } = opened(ASKED_AT_ONCE + 1);
  due();
  for (const number of asked[0].slice(1)) log.fill(entry(number));
  log.leave([asked[0][0]]);
  due();
  assert.deepEqual(asked[1], [1]);
  log.clear();
  due();
  assert.deepEqual([asked.length, log.isEmpty, log.element.children.length], [2, true, 0]);
});
