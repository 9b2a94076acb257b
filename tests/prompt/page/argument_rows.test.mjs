import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "../../page_code.mjs";
import { document } from "../../page_elements.mjs";

const { Form, Row } = load(
  ["dom", "edited_text", "combobox", "argument_values", "argument_fields", "argument_rows", "argument_form"]
    .map((name) => `prompt/page/${name}.js`),
  ["Form", "Row"], { document },
);
const SEED = { id: "given seed", name: "seed", kind: "json", text: "1" };
const MODEL = { id: "given model", name: "model", kind: "text", text: "m" };
const SYSTEM = { id: "given system", name: "system", kind: "text", text: "one\r\ntwo" };

/** A form that shows these rows. It counts its changes. */
function shown(rows, takesModel = false) {
  const form = new Form("p", () => { form.changes += 1; });
  form.changes = 0;
  form.show(rows, takesModel);
  return form;
}

const names = (form) => form.list.children.map((each) => each.children[0].value);
const button = (form, label) => form.element.children.find((each) => each.textContent === label);

test("of a row that nobody edited, only the id is sent", () => {
  const form = shown([SEED, SYSTEM]);
  assert.deepEqual(form.rowsForPython(), [{ id: "given seed" }, { id: "given system" }]);
});

test("an edited row is sent whole, with the original line ends of its text", () => {
  const form = shown([SEED, SYSTEM]);
  form.rows[1].text.control.write("one\ntwo!");
  assert.deepEqual(form.rowsForPython(), [{ id: "given seed" }, { ...SYSTEM, text: "one\r\ntwo!" }]);
  assert.equal(form.changes, 1);
});

test("changing the kind is an edit, too", () => {
  const form = shown([SEED]);
  form.rows[0].kind.value = "text";
  form.rows[0].kind.happen("change");
  assert.deepEqual(form.rowsForPython(), [{ ...SEED, kind: "text" }]);
});

test("a new row is sent whole, with a unique id", () => {
  const form = shown([SEED]);
  button(form, "Add argument").happen("click");
  button(form, "Add argument").happen("click");
  const [, one, other] = form.rowsForPython();
  assert.deepEqual(one, { id: one.id, name: "", kind: "text", text: "" });
  assert.notEqual(one.id, other.id);
  assert.equal(form.title.textContent, "Arguments (3)");
});

test("until the rows of Python have arrived, no rows are sent", () => {
  assert.equal(new Form("p", () => {}).rowsForPython(), null);
});

test("invalid JSON is marked at once, but not in a row of the kind text", () => {
  const form = shown([SEED]);
  const [row] = form.rows;
  row.text.control.write("{");
  assert.match(row.problem.textContent, /^not JSON: /);
  assert.equal(row.problem.hidden, false);
  assert.equal(row.text.control.attributes["aria-invalid"], "true");
  row.text.control.write('{"a": 1}');
  assert.equal(row.problem.hidden, true);
  row.text.control.write("{");
  row.kind.value = "text";
  row.kind.happen("change");
  assert.equal(row.problem.hidden, true);
});

test("an empty row is not marked as wrong", () => {
  const form = shown([SEED]);
  const [row] = form.rows;
  row.name.control.write(" ");
  row.text.control.write("");
  assert.equal(row.problem.hidden, true);
});

test("a row that already shows the same stays, and one that Python has changed is replaced", () => {
  const form = shown([SEED, SYSTEM]);
  const [seed, system] = form.rows;
  form.show([{ ...SEED }, { ...SYSTEM, text: "three" }], false);
  assert.equal(form.rows[0], seed);
  assert.notEqual(form.rows[1], system);
  assert.equal(form.rows[1].text.value, "three");
});

test("an edited row is replaced by the next row from Python", () => {
  const form = shown([SEED]);
  form.rows[0].text.control.write("2");
  form.show([SEED], false);
  assert.deepEqual([form.rows[0].text.value, form.rowsForPython()], ["1", [{ id: SEED.id }]]);
});

test("a row that someone is typing in stays, even if Python sends another", () => {
  const form = shown([SEED]);
  const [row] = form.rows;
  row.text.control.focus();
  row.text.control.write("12");
  form.show([{ ...SEED, text: "2" }], false);
  assert.equal(form.rows[0], row);
  assert.equal(row.text.value, "12");
  row.remove.focus();
  form.show([{ ...SEED, text: "2" }], false);
  assert.equal(form.rows[0].text.value, "2");
});

test("the model is shown in its own field and not in the list, and is sent with the rows", () => {
  const form = shown([SEED, MODEL], true);
  assert.deepEqual(names(form), ["seed"]);
  assert.equal(form.model.value, "m");
  assert.equal(form.modelField.hidden, false);
  form.model.control.write("other");
  const [model, seed] = form.rowsForPython();
  assert.deepEqual({ ...model, id: "" }, { ...MODEL, id: "", text: "other" });
  assert.deepEqual(seed, { id: "given seed" });
  form.model.control.write(" ");
  assert.deepEqual(form.rowsForPython(), [{ id: "given seed" }]);
});

test("the model's field is shown if the endpoint takes a model, or if a model is given as text", () => {
  assert.equal(shown([], false).modelField.hidden, true);
  assert.equal(shown([], true).modelField.hidden, false);
  assert.equal(shown([MODEL], false).modelField.hidden, false);
  assert.deepEqual(names(shown([{ ...MODEL, kind: "json", text: "7" }], false)), ["model"]);
});

test("a removed row is not sent any more, and the next row gets the focus", () => {
  const form = shown([SEED, SYSTEM]);
  form.rows[0].remove.happen("click");
  assert.deepEqual(form.rowsForPython(), [{ id: "given system" }]);
  assert.deepEqual(names(form), ["system"]);
  assert.equal(form.title.textContent, "Arguments (1)");
  assert.ok(form.rows[0].isTyping);
  form.rows[0].remove.happen("click");
  assert.equal(form.title.textContent, "Arguments");
});

test("an error that Python found is shown at its row, and errors of removed rows are ignored", () => {
  const form = shown([SEED, SYSTEM]);
  form.showProblems({ 1: "system is there twice", 9: "gone" });
  assert.equal(form.rows[1].problem.textContent, "system is there twice");
  assert.equal(form.element.open, true);
  assert.ok(form.rows[1].isTyping);
});

test("a row knows whether it shows given data", () => {
  const row = new Row(SEED, { prefix: "p", rowsChanged: () => {} });
  assert.equal(row.shows({ ...SEED }), true);
  assert.equal(row.shows({ ...SEED, text: "2" }), false);
});
