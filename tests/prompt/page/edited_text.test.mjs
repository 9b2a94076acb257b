import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "../../page_code.mjs";
import { Element } from "../../page_elements.mjs";

const { originalOffset, EditedText } = load(["prompt/page/edited_text.js"], ["originalOffset", "EditedText"]);

/** What becomes of a text when someone edits what a control shows of it. */
function edited(tag, text, edit) {
  const control = new Element(tag);
  const read = new EditedText(control);
  read.set(text);
  control.write(edit(control.value));
  return read.value;
}

test("a place is counted in what is shown, and found in what is behind it", () => {
  const cases = [
    ["abc", "abc", 2, 2],
    ["a\r\nb", "a\nb", 2, 3], // the line end is one letter in the page
    ["a\rb", "a\nb", 2, 2],
    ["a\r\n\r\nb", "a\n\nb", 3, 5],
    ["a\r\rb", "a\n\nb", 2, 2],
    ["a\r\nb", "ab", 1, 1], // an input drops it
    ["a\r\nb", "ab", 2, 4],
    ["a\0b", "ab", 2, 3],
    ["😀\r\n😀", "😀\n😀", 3, 4],
    ["abc", "abc", 0, 0],
    ["abc", "abc", 9, 3],
    ["", "", 1, 0],
  ];
  for (const [text, shown, count, place] of cases) {
    assert.equal(originalOffset(text, shown, count), place, JSON.stringify([text, shown, count]));
  }
});

test("a text that nobody edits stays as it was set, whatever the control shows of it", () => {
  for (const text of ["a\r\nb\rc\n", "\0\ud800", "😀", ""]) {
    for (const tag of ["input", "textarea"]) {
      assert.equal(edited(tag, text, (shown) => shown), text);
    }
  }
});

test("reading says whether someone edited it, and setting forgets that", () => {
  const control = new Element("textarea");
  const text = new EditedText(control);
  text.set("a\r\nb");
  control.happen("input");
  assert.equal(text.isEdited, false);
  control.write("a\nbc");
  assert.equal(text.isEdited, true);
  text.set("a\r\nb");
  assert.equal(text.isEdited, false);
});

test("an edit at the end, at the beginning and in the middle leaves the line ends of all else", () => {
  assert.equal(edited("textarea", "a\r\nb\r\nc", (shown) => `${shown}!`), "a\r\nb\r\nc!");
  assert.equal(edited("textarea", "a\r\nb\r\nc", (shown) => `!${shown}`), "!a\r\nb\r\nc");
  assert.equal(edited("textarea", "a\r\nb\r\nc", (shown) => shown.replace("b", "B\n")), "a\r\nB\n\r\nc");
  assert.equal(edited("textarea", "a\rb\rc", (shown) => shown.replace("c", "")), "a\rb\r");
});

test("a line end that someone takes away is gone whole", () => {
  assert.equal(edited("textarea", "a\r\nb\r\nc", (shown) => shown.replace("a\n", "a")), "ab\r\nc");
  assert.equal(edited("textarea", "a\r\n", () => "a"), "a");
});

test("letters that an input drops stay, but for those right before what is edited", () => {
  assert.equal(edited("input", "one\r\ntwo", (shown) => `${shown}s`), "one\r\ntwos");
  assert.equal(edited("input", "one\ntwo\nthree", (shown) => shown.replace("two", "2")), "one2\nthree");
});

test("pictures of two units are replaced by each other", () => {
  assert.equal(edited("textarea", "a😀\r\nb", (shown) => shown.replace("😀", "😁")), "a😁\r\nb");
  assert.equal(edited("textarea", "😀😀\r\n", (shown) => shown.replace("😀", "")), "😀\r\n");
});

test("a text that is wholly replaced or emptied is what was written", () => {
  assert.equal(edited("textarea", "a\r\nb", () => "x\ny"), "x\ny");
  assert.equal(edited("textarea", "a\r\nb", () => ""), "");
  assert.equal(edited("textarea", "", () => "new"), "new");
});

test("edits follow each other", () => {
  const control = new Element("textarea");
  const text = new EditedText(control);
  text.set("one\r\ntwo\r\nthree");
  for (const [before, after] of [["one", "1"], ["three", "3"], ["two", "2"], ["1\n", ""]]) {
    control.write(control.value.replace(before, after));
  }
  assert.equal(text.value, "2\r\n3");
});
