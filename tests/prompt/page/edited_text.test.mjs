import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "../../page_code.mjs";
import { Element } from "../../page_elements.mjs";

const { originalOffset, EditedText } = load(["prompt/page/edited_text.js"], ["originalOffset", "EditedText"]);

/** The text after someone has edited it in a control. */
function edited(tag, text, edit) {
  const control = new Element(tag);
  const read = new EditedText(control);
  read.set(text);
  control.write(edit(control.value));
  return read.value;
}

test("an offset in the shown text is converted into the offset in the original text", () => {
  const cases = [
    ["abc", "abc", 2, 2],
    ["a\r\nb", "a\nb", 2, 3], // the control has one character for the line end
    ["a\rb", "a\nb", 2, 2],
    ["a\r\n\r\nb", "a\n\nb", 3, 5],
    ["a\r\rb", "a\n\nb", 2, 2],
    ["a\r\nb", "ab", 1, 1], // an input drops line ends
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

test("a text that nobody edits stays as it was set, even if the control changes it", () => {
  for (const text of ["a\r\nb\rc\n", "\0\ud800", "😀", ""]) {
    for (const tag of ["input", "textarea"]) {
      assert.equal(edited(tag, text, (shown) => shown), text);
    }
  }
});

test("reading notices an edit, and setting resets that", () => {
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

test("an edit at the end, at the beginning or in the middle keeps all other line ends", () => {
  assert.equal(edited("textarea", "a\r\nb\r\nc", (shown) => `${shown}!`), "a\r\nb\r\nc!");
  assert.equal(edited("textarea", "a\r\nb\r\nc", (shown) => `!${shown}`), "!a\r\nb\r\nc");
  assert.equal(edited("textarea", "a\r\nb\r\nc", (shown) => shown.replace("b", "B\n")), "a\r\nB\n\r\nc");
  assert.equal(edited("textarea", "a\rb\rc", (shown) => shown.replace("c", "")), "a\rb\r");
});

test("a line end that someone deletes is deleted completely", () => {
  assert.equal(edited("textarea", "a\r\nb\r\nc", (shown) => shown.replace("a\n", "a")), "ab\r\nc");
  assert.equal(edited("textarea", "a\r\n", () => "a"), "a");
});

test("characters that an input drops stay, except those right before an edit", () => {
  assert.equal(edited("input", "one\r\ntwo", (shown) => `${shown}s`), "one\r\ntwos");
  assert.equal(edited("input", "one\ntwo\nthree", (shown) => shown.replace("two", "2")), "one2\nthree");
});

test("characters of two code units can be replaced and deleted", () => {
  assert.equal(edited("textarea", "a😀\r\nb", (shown) => shown.replace("😀", "😁")), "a😁\r\nb");
  assert.equal(edited("textarea", "😀😀\r\n", (shown) => shown.replace("😀", "")), "😀\r\n");
});

test("a text that is replaced or deleted as a whole is what the user wrote", () => {
  assert.equal(edited("textarea", "a\r\nb", () => "x\ny"), "x\ny");
  assert.equal(edited("textarea", "a\r\nb", () => ""), "");
  assert.equal(edited("textarea", "", () => "new"), "new");
});

test("several edits can follow each other", () => {
  const control = new Element("textarea");
  const text = new EditedText(control);
  text.set("one\r\ntwo\r\nthree");
  for (const [before, after] of [["one", "1"], ["three", "3"], ["two", "2"], ["1\n", ""]]) {
    control.write(control.value.replace(before, after));
  }
  assert.equal(text.value, "2\r\n3");
});
