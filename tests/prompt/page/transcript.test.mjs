import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "../../page_code.mjs";
import { document, Outputs } from "../../page_elements.mjs";

const { containsWidget, missingPieces, outputsWith, piecesIn, putPieces, StaticTranscript, VIEW } = load(
  ["prompt/page/dom.js", "prompt/page/transcript.js"],
  ["containsWidget", "missingPieces", "outputsWith", "piecesIn", "putPieces", "StaticTranscript", "VIEW"],
  { document, CSS: { escape: (name) => name } },
);

const view = (id) => ({ [VIEW]: { model_id: id } });

function piece(name, number, version) {
  const mark = `data-fal-transcript="${name}" data-fal-piece="${number}" data-fal-version="${version}"`;
  return { "text/html": `<details ${mark} open>x</details>` };
}

/** The model of a widget in a notebook with these cells, and with these other widgets, which may contain it. */
function notebook(cells, widgets = {}) {
  const models = new Map(Object.entries(widgets));
  return {
    widget_manager: {
      context: { model: { cells: cells.map((outputs) => ({ outputs })) } },
      has_model: (id) => models.has(id),
      get_model: async (id) => ({ get: (name) => models.get(id)[name] }),
    },
  };
}

const inner = (...ids) => ({ children: ids.map((model_id) => ({ model_id })) });
const output = (...ids) => ({ outputs: ids.map((id) => ({ data: view(id) })) });

test("the pieces of a transcript are found by its name, with their places and versions", () => {
  const others = [piece("other", 1, 9), { "text/plain": "x" }];
  const outputs = new Outputs(view("w"), piece("mine", 0, 3), ...others, piece("mine", 2, 1));
  assert.deepEqual([...piecesIn(outputs, "mine")], [[0, { at: 1, version: 3 }], [2, { at: 4, version: 1 }]]);
  assert.equal(piecesIn(new Outputs(), "mine").size, 0);
});

test("HTML that a notebook stores as a list of lines is recognised", () => {
  const { "text/html": html } = piece("mine", 0, 3);
  assert.equal(piecesIn(new Outputs({ "text/html": [html, "more"] }), "mine").get(0).version, 3);
});

test("the mark of a piece is only recognised at the beginning of an output", () => {
  const { "text/html": html } = piece("mine", 0, 3);
  assert.equal(piecesIn(new Outputs({ "text/html": `<p>${html}</p>` }), "mine").size, 0);
});

test("a widget is found in a box, in an Output widget, and in an Output widget within boxes", async () => {
  const { widget_manager: manager } = notebook([], {
    box: inner("a", "tab"), tab: inner("out"), out: output("w"), empty: {}, broken: { children: [null], outputs: [{}] },
  });
  assert.equal(await containsWidget(manager, "w", "w"), true);
  assert.equal(await containsWidget(manager, "box", "w"), true);
  assert.equal(await containsWidget(manager, "empty", "w"), false);
  assert.equal(await containsWidget(manager, "broken", "w"), false);
  assert.equal(await containsWidget(manager, "unknown", "w"), false);
  assert.equal(await containsWidget(manager, undefined, "w"), false);
});

test("every cell that displays the widget is found once, and no other cell", async () => {
  const [alone, other] = [new Outputs(view("w")), new Outputs(view("else"))];
  const twice = new Outputs(view("box"), view("w"));
  const found = await outputsWith(notebook([alone, other, twice, undefined], { box: inner("w") }), "w");
  assert.equal(found.length, 2);
  assert.ok(found[0] === alone && found[1] === twice);
});

test("in a page that does not know its notebook, no cell is found", async () => {
  assert.deepEqual(await outputsWith({}, "w"), []);
  assert.deepEqual(await outputsWith({ widget_manager: {} }, "w"), []);
  assert.deepEqual(await missingPieces({}, { widget: "w", transcript: "mine", versions: [1] }), []);
});

test("a piece is missing if it is absent or outdated, but not if it was never used", async () => {
  const kept = { widget: "w", transcript: "mine", versions: [3, 4, 5, 0] };
  const whole = new Outputs(view("w"), piece("mine", 0, 3), piece("mine", 1, 4), piece("mine", 2, 5));
  const old = new Outputs(view("w"), piece("mine", 0, 3), piece("mine", 1, 2));
  assert.deepEqual(await missingPieces(notebook([whole]), kept), []);
  assert.deepEqual(await missingPieces(notebook([old]), kept), [1, 2]);
  assert.deepEqual(await missingPieces(notebook([whole, old]), kept), [1, 2]);
  assert.deepEqual(await missingPieces(notebook([whole]), { ...kept, versions: [2, 4, 5, 0] }), [0]);
});

test("pieces replace their old versions, or are added after all outputs", async () => {
  const outputs = new Outputs(view("w"), piece("mine", 0, 1), { "text/html": "else" });
  const [first, second] = [piece("mine", 0, 2), piece("mine", 1, 2)];
  await putPieces(notebook([outputs]), { widget: "w", transcript: "mine" }, [[0, first], [1, second]]);
  assert.deepEqual(outputs.html, [undefined, first["text/html"], "else", second["text/html"]]);
  assert.equal(outputs.get(3).output_type, "display_data");
});

test("a view hides the transcript, asks for missing pieces and inserts them", async () => {
  const outputs = new Outputs(view("w"));
  const asked = [];
  const transcript = new StaticTranscript(notebook([outputs]), (pieces) => asked.push(pieces));
  await transcript.update({ widget: "w", transcript: "mine", versions: [2, 0] });
  assert.deepEqual(asked, [[0]]);
  assert.match(transcript.hiding.textContent, /^\[data-fal-transcript="mine"\], .* \{ display: none \}$/);
  assert.equal(transcript.hiding.parentNode, document.head);
  await transcript.put([[0, piece("mine", 0, 2)]]);
  await transcript.update({ widget: "w", transcript: "mine", versions: [2, 0] });
  assert.deepEqual(asked, [[0]]);
  transcript.close();
  assert.deepEqual(document.head.children, []);
});
