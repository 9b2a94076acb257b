import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "../../page_code.mjs";
import { document, Element } from "../../page_elements.mjs";

const made = [];
const forgotten = [];
const { Entry } = load(
  ["prompt/page/dom.js", "prompt/page/word_blocks.js", "prompt/page/entry.js"],
  ["Entry"],
  {
    document,
    URL: {
      createObjectURL: (blob) => { made.push(blob); return `blob:${made.length}`; },
      revokeObjectURL: (url) => forgotten.push(url),
    },
  },
);

/** An entry whose view records its requests. */
function entry(id = 1, prompt = "ask") {
  const view = {
    prefix: "p", asked: [], ask: (kind, { id }) => view.asked.push([kind, id]), copy: () => {}, typeset: () => {},
  };
  const entry = new Entry({ id, prompt, text: "so far" }, view);
  return Object.assign(entry, { view });
}

test("an entry begins with the words so far, and Copy gets all words", () => {
  const answer = entry();
  answer.grow(6, " and on");
  assert.equal(answer.answer.textContent, "so far and on");
  assert.equal(answer.text, "so far and on");
});

test("words of a prompt and of a model are inserted as text", () => {
  const answer = entry(1, "<b>ask</b>");
  answer.grow(0, "<img onerror=alert(1)>");
  assert.equal(answer.element.querySelector("b"), null);
  assert.equal(answer.element.querySelector("img"), answer.picture);
  assert.equal(answer.answer.textContent, "<img onerror=alert(1)>");
});

test("the buttons send the requests of their labels", () => {
  const answer = entry(7);
  answer.rerun.happen("click");
  answer.remove.happen("click");
  assert.deepEqual(answer.view.asked, [["rerun", 7], ["delete", 7]]);
});

test("progress without a known fraction is a bar without a value", () => {
  const answer = entry();
  assert.equal(answer.progressBox.hidden, true);
  answer.progress({ fraction: 0.5, message: "half" });
  const shown = () => [answer.progressBox.hidden, answer.progressBar.value, answer.progressMessage.textContent];
  assert.deepEqual(shown(), [false, "0.5", "half"]);
  answer.progress({ fraction: null, message: "on" });
  assert.deepEqual(shown(), [false, undefined, "on"]);
});

test("a preview replaces the one before, and the end removes the last one", () => {
  const answer = entry();
  forgotten.length = 0;
  answer.preview("image/png", new Uint8Array([1]));
  const first = answer.picture.src;
  answer.preview("image/jpeg", new Uint8Array([2]));
  assert.deepEqual(forgotten, [first]);
  assert.equal(made.at(-1).type, "image/jpeg");
  const last = answer.picture.src;
  answer.end({ html: "<p>end</p>", end: "done" });
  assert.deepEqual(forgotten, [first, last]);
  assert.equal(answer.element.contains(answer.picture), false);
});

test("an ended answer shows the HTML of Python, and Copy takes a text that Python sent with it", () => {
  const answer = entry();
  answer.end({ html: "<p>end</p>", end: "stopped" });
  assert.equal(answer.streaming, false);
  assert.deepEqual([answer.answer.innerHTML, answer.element.dataset.end], ["<p>end</p>", "stopped"]);
  assert.equal(answer.text, "so far");
  answer.end({ html: "", end: "done", copy: "image/png, 3 bytes" });
  assert.equal(answer.text, "image/png, 3 bytes");
});

test("a player is shown before the words, and removed with its entry", () => {
  const answer = entry();
  const player = { el: new Element("div"), removed: 0, remove: () => { player.removed += 1; } };
  answer.sound(player);
  const { children } = answer.element;
  assert.equal(children.indexOf(player.el), children.indexOf(answer.answer) - 1);
  answer.close();
  assert.equal(player.removed, 1);
});
