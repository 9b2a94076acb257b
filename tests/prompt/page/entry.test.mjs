import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "../../page_code.mjs";
import { document, Element, GrowingWords } from "../../page_elements.mjs";

const made = [];
const forgotten = [];
const around = [];
const { Entry } = load(
  [
    "display/reasoning_fold.js",
    ...["dom", "word_blocks", "keys", "edited_text", "prompt_editor", "version_switch", "attachments", "entry"]
      .map((name) => `prompt/page/${name}.js`),
  ],
  ["Entry"],
  {
    document,
    GrowingWords,
    surround: (words, html) => { around.push([words, html]); return []; },
    URL: {
      createObjectURL: (blob) => { made.push(blob); return `blob:${made.length}`; },
      revokeObjectURL: (url) => forgotten.push(url),
    },
  },
);

/** An entry whose view records its requests. */
function entry(id = 1, prompt = "ask", more = {}) {
  const view = {
    prefix: "p", asked: [], ask: (kind, { id, ...more }) => view.asked.push([kind, id, ...Object.values(more)]),
    copy: () => {}, typeset: () => {}, prompt: { control: new Element("textarea") }, input: { enterSends: true },
    request: (prompt, id) => view.asked.push(["run", id, prompt]),
    requestInstead: (entry, prompt) => view.asked.push(["edited", entry.id, prompt]),
  };
  const entry = new Entry({ id, prompt, ...more }, view);
  return Object.assign(entry, { view });
}

const growth = { keep: 0, blocks: [["<p>so far</p>", false]], tail: [0, "<p>and</p>", false] };

test("an entry that streams begins with the words so far and grows, and has no words to copy yet", () => {
  const answer = entry(1, "ask", growth);
  assert.deepEqual(answer.words.told.map(({ blocks }) => blocks), [growth.blocks]);
  answer.grow({ ...growth, keep: 1 });
  assert.equal(answer.words.told.at(-1).keep, 1);
  assert.equal(answer.clipboardText, null);
  assert.equal(answer.answer.contains(answer.words.element), true);
});

test("words of a prompt are inserted as text", () => {
  const answer = entry(1, "<b>ask</b>");
  assert.equal(answer.element.querySelector("b"), null);
  assert.equal(answer.element.children[0].textContent, "<b>ask</b>");
});

test("reasoning stands in a fold above the answer until the ended answer has one", () => {
  const answer = entry();
  answer.think({ words: "<b>two</b>", seconds: 2, line: "" });
  answer.think({ words: "<b>two</b> and two", seconds: 3, line: "thought for 3 s" });
  const fold = answer.element.querySelector("details");
  assert.equal(fold.nextElementSibling, answer.answer);
  assert.equal(fold.textContent, "thought for 3 s<b>two</b> and two");
  answer.end({ html: "<p>Four</p>", end: "done", copy: "Four" });
  assert.equal(answer.element.querySelector("details"), null);
});

test("the buttons send the requests of their labels", () => {
  const answer = entry(7);
  answer.end({ html: "", end: "done" });
  answer.again.happen("click");
  assert.equal(answer.again.disabled, true); // so that a second click asks for nothing
  answer.remove.happen("click");
  assert.deepEqual(answer.view.asked, [["regenerate", 7], ["delete", 7]]);
});

test("what failed is retried with the form as it is now", () => {
  const answer = entry(7);
  answer.end({ html: "", end: "failed" });
  assert.equal(answer.again.textContent, "Retry");
  answer.again.happen("click");
  assert.deepEqual(answer.view.asked, [["run", 7, null]]);
});

test("versions are walked in both directions as far as there are any, and not while an answer streams", () => {
  assert.equal(entry(1).versions, undefined);
  const { versions, view, ...answer } = entry(3, "ask", { version: 3, versions: 3 });
  assert.equal(versions.element.textContent, "‹3/3›");
  assert.deepEqual([versions.older.disabled, versions.newer.disabled], [undefined, true]);
  versions.older.happen("click");
  assert.deepEqual(view.asked, [["version", 3, 2]]);
  const disabled = () => [versions.older.disabled, versions.newer.disabled];
  versions.enable(false);
  assert.deepEqual(disabled(), [true, true]);
  versions.enable(true);
  assert.deepEqual(disabled(), [false, true]);
  versions.focus("Newer version"); // which leads nowhere
  assert.equal(versions.older.getRootNode().activeElement, versions.older);
});

test("a prompt is edited in its place, and sent or left as it was", () => {
  const answer = entry(7, "one\ntwo");
  answer.edit.happen("click");
  answer.edit.happen("click");
  const { text, element } = answer.editor;
  assert.deepEqual([text.control.value, answer.asked.hidden], ["one\ntwo", true]);
  let kept = 0;
  const press = (key, more = {}) => element.happen("keydown", {
    key, target: text.control, preventDefault() {}, stopPropagation: () => { kept += 1; }, ...more,
  });
  press("Enter", { shiftKey: true });
  press("Enter", { isComposing: true });
  press("Enter");
  text.control.write("one\nthree");
  press("Enter", { ctrlKey: true });
  press("x");
  assert.deepEqual(answer.view.asked, [["edited", 7, null], ["edited", 7, "one\nthree"]]);
  press("Escape");
  assert.deepEqual([answer.asked.hidden, answer.element.contains(element), kept], [false, false, 6]);
  assert.equal(answer.edit.getRootNode().activeElement, answer.edit);
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

test("at the end the words stay, and the rest is put around them", () => {
  const answer = entry(1, "ask", growth);
  answer.end({ html: "<fal-words></fal-words><p>end</p>", words: "<p>all</p>", copy: "all", end: "done" });
  assert.equal(answer.words.ended, "<p>all</p>");
  assert.deepEqual(around.at(-1), [answer.words.element, "<fal-words></fal-words><p>end</p>"]);
  assert.deepEqual([answer.streaming, answer.clipboardText], [false, "all"]);
});

test("an answer that ends with other words than have streamed is the HTML of Python", () => {
  const answer = entry(1, "ask", growth);
  answer.end({ html: "<p>end</p>", copy: "image/png, 3 bytes", end: "stopped" });
  assert.deepEqual([answer.words.ended, answer.element.dataset.end], [undefined, "stopped"]);
  assert.equal(around.at(-1)[1], "<p>end</p>");
  assert.equal(answer.clipboardText, "image/png, 3 bytes");
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

test("an answer is named by the first words of its prompt", () => {
  const name = (prompt) => entry(1, prompt).element.attributes["aria-label"];
  assert.equal(name("Who\nam  I?"), "Answer to: Who am I?");
  assert.equal(name("\u{1f600}".repeat(500)), `Answer to: ${"\u{1f600}".repeat(60)}…`);
});

test("a picture that was sent is shown, and every other file is named", () => {
  const files = [
    { name: "cat.png", words: "cat.png · 84 bytes", picture: "data:image/png;base64,AAAA" },
    { name: "a.pdf", words: "a.pdf · 84 bytes" },
    { name: "x.svg", words: "x.svg · 84 bytes", picture: "data:image/svg+xml;base64,AAAA" },
    { name: "y.png", words: "y.png", picture: "https://example.com/y.png" },
  ];
  const shown = entry(1, "look", { files }).asked.children.slice(-4);
  assert.deepEqual(shown.map((each) => each.tag), ["img", "div", "div", "div"]);
  assert.deepEqual([shown[0].getAttribute("src"), shown[0].getAttribute("alt")], [files[0].picture, "cat.png"]);
  assert.equal(shown[1].textContent, "a.pdf · 84 bytes");
});
