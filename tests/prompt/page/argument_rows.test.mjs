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

test("an edited row stays until it is sent, and is then replaced by the next row from Python", () => {
  const form = shown([SEED]);
  form.rows[0].text.control.write("2");
  form.show([SEED], false);
  assert.equal(form.rows[0].text.value, "2");
  form.isEdited = false; // the view has sent the rows
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
  form.isEdited = false;
  form.show([{ ...SEED, text: "2" }], false);
  assert.equal(form.rows[0].text.value, "2");
});

test("a row that was added and not sent yet stays, too", () => {
  const form = shown([]);
  button(form, "Add argument").happen("click");
  form.rows[0].name.control.write("new");
  form.show([], false);
  assert.deepEqual(names(form), ["new"]);
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

const NUMBER = { name: "steps", control: "number", whole: true, min: 1, max: 9, step: 1, default: "4" };
const SWITCH = { name: "tiled", control: "switch", default: "true" };
const CHOICE = { name: "size", control: "choice", choices: [["text", "small"], ["json", "2"]] };
const OBJECT = { name: "style", control: "object", members: [{ name: "scale", control: "number" }] };

/** A form with a field for each of these, and these rows. */
function filled(specs, rows) {
  const form = new Form("p", () => {});
  form.show(rows, false, specs);
  return [form, (name) => form.fields.get(name).value];
}

test("a row of an argument that the schema has is shown in its field, and is sent unchanged", () => {
  const steps = { id: "given steps", name: "steps", kind: "json", text: "5.0" };
  const [form, value] = filled([NUMBER, SWITCH], [steps, SEED]);
  assert.deepEqual([value("steps").control.value, names(form)], ["5.0", ["seed"]]);
  assert.deepEqual(form.rowsForPython(), [{ id: "given steps" }, { id: "given seed" }]);
});

test("a field without a value is not sent, and one with a value becomes a row of its kind", () => {
  const [form, value] = filled([NUMBER, SWITCH, CHOICE], []);
  assert.deepEqual(form.rowsForPython(), []);
  value("steps").control.write("7");
  value("tiled").control.checked = false;
  value("tiled").control.happen("change");
  value("size").control.value = "1";
  value("size").control.happen("change");
  assert.deepEqual(form.rowsForPython().map(({ id, ...row }) => row), [
    { name: "steps", kind: "json", text: "7" }, { name: "tiled", kind: "json", text: "false" },
    { name: "size", kind: "json", text: "2" },
  ]);
  value("steps").control.write("seven");
  value("tiled").control.checked = true;
  value("tiled").control.happen("change");
  assert.deepEqual(form.rowsForPython().slice(0, 2).map(({ id, ...row }) => row), [
    { name: "steps", kind: "text", text: "seven" }, { name: "size", kind: "json", text: "2" },
  ]);
});

test("a value that is no choice is kept, and an object keeps members that no field shows", () => {
  const size = { id: "given size", name: "size", kind: "text", text: "huge" };
  const style = { id: "given style", name: "style", kind: "json", text: '{"scale": 1.0, "other": [1]}' };
  const [form, value] = filled([CHOICE, OBJECT], [size, style]);
  assert.deepEqual(form.rowsForPython(), [{ id: "given size" }, { id: "given style" }]);
  assert.deepEqual(value("size").get(), { kind: "text", text: "huge" });
  value("style").fields[0].value.control.write("2.50");
  assert.equal(form.rowsForPython()[1].text, '{"scale": 2.50, "other": [1]}');
});

test("fields wait while someone is typing in a row, and take it over when it is left", () => {
  const form = shown([]);
  button(form, "Add argument").happen("click");
  const [row] = form.rows;
  row.name.control.focus();
  row.name.control.write("steps");
  row.text.control.write("3");
  form.show([], false, [NUMBER]);
  assert.deepEqual([form.rows[0], form.fields.size], [row, 0]);
  form.element.happen("focusout", { relatedTarget: form.model.control });
  assert.equal(form.fields.get("steps").value.control.value, "3");
  assert.deepEqual(form.rowsForPython().map(({ name, text }) => [name, text]), [["steps", "3"]]);
});

test("what the schema says against an argument is marked at its field or its row, and goes with the next word", () => {
  const [form] = filled([NUMBER], [SEED]);
  form.showDoubts({ steps: "too many", seed: "unknown" });
  const problems = () => [form.fields.get("steps").problem.textContent, form.rows[0].problem.textContent];
  assert.deepEqual(problems(), ["too many", "unknown"]);
  form.showDoubts({});
  assert.deepEqual(problems(), ["", ""]);
});
