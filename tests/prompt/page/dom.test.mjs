import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "../../page_code.mjs";
import { document } from "../../page_elements.mjs";

const { button, fit, isFocused, make } = load(
  ["prompt/page/dom.js"], ["button", "fit", "isFocused", "make"], { document },
);

test("an element has its attributes, its listeners and its children", () => {
  const heard = [];
  const made = make("div", { id: "one", onclick: (event) => heard.push(event) }, "words", make("b"));
  made.happen("click", "event");
  assert.deepEqual([made.attributes, made.textContent, heard], [{ id: "one" }, "words", ["event"]]);
  assert.equal(made.children[1].tag, "b");
});

test("an attribute that is true is set without a value, and one that is false, null or undefined is not set", () => {
  assert.deepEqual(make("div", { hidden: true, open: false, title: null, list: undefined, tabindex: 0 }).attributes, {
    hidden: "", tabindex: 0,
  });
});

test("a button does not submit a form, and calls its listener", () => {
  let count = 0;
  const made = button("Run", { title: "now" }, () => { count += 1; });
  made.happen("click");
  assert.deepEqual([made.attributes.type, made.attributes.title, made.textContent, count], ["button", "now", "Run", 1]);
});

test("a control is focused if it is the active element of its root", () => {
  const [one, other] = [make("input"), make("input")];
  one.focus();
  assert.deepEqual([isFocused(one), isFocused(other)], [true, false]);
});

test("a text area is as high as its text, up to a limit, and its height is automatic without a layout", () => {
  const area = make("textarea");
  for (const [scrollHeight, height] of [[100, "102px"], [900, "320px"], [0, "auto"]]) {
    area.scrollHeight = scrollHeight;
    fit(area, 320);
    assert.equal(area.style.height, height);
  }
});
