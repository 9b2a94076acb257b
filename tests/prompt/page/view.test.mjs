import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { after, test } from "node:test";
import { deflateSync } from "node:zlib";
import { load } from "../../page_code.mjs";
import { document, Element, GrowingWords, Outputs } from "../../page_elements.mjs";

const FOLDER = new URL("../../../fal_notebook/prompt/page", import.meta.url);
const PIECES = readdirSync(FOLDER).filter((name) => name.endsWith(".js")).sort().map((name) => `prompt/page/${name}`);
const { View } = load(
  ["display/control_channel.js", "display/reasoning_fold.js", ...PIECES],
  ["View"],
  { document, GrowingWords, surround: () => [], CSS: { escape: (name) => name } },
);
const ROW = { id: "given seed", name: "seed", kind: "json", text: "1" };
const opened = [];
after(() => opened.forEach((view) => view.close()));

/** A stand-in for the model of a widget. It records what the page sends, and has the page's listeners. */
class Model {
  constructor(traits = {}) {
    this.traits = { endpoint: "a/b", prompt: "", play: false, system: "", remember: false, ...traits };
    this.sent = [];
    this.listeners = new Map();
  }

  get(name) {
    return this.traits[name];
  }

  set(name, value) {
    this.traits[name] = value;
  }

  save_changes() {}

  on(name, listener) {
    this.listeners.set(name, listener);
  }

  off(name) {
    this.listeners.delete(name);
  }

  send(content) {
    this.sent.push(content);
  }

  /** The requests of the page, without the hello. */
  get asked() {
    return this.sent.slice(1).map(({ view, ...content }) => content);
  }
}

function open(traits) {
  const model = new Model(traits);
  const view = new View(model, new Element("div"));
  opened.push(view);
  /** Receive a message from Python. */
  view.tell = (message, buffers) => {
    model.listeners.get("msg:custom")(message, buffers);
    return view.lastHandled;
  };
  view.tellAll = async (...messages) => { for (const each of messages) await view.tell(each); };
  return { model, view };
}

const asked = (id, prompt = "ask") => ({ kind: "entry", id, prompt, endpoint: "a/b" });
const form = (rows) => ({ kind: "form", rows, takesModel: false, endpoints: [], models: [] });

test("a view sends a hello with a unique name, and shows the traits of the model", () => {
  const { model, view } = open({ prompt: "kept", play: true });
  assert.deepEqual(model.sent, [{ kind: "hello", view: view.prefix }]);
  assert.notEqual(open().view.prefix, view.prefix);
  assert.deepEqual([view.endpoint.value, view.prompt.value, view.play.checked], ["a/b", "kept", true]);
});

test("a message to another view is ignored", async () => {
  const { view } = open();
  await view.tell({ ...asked(1), view: "another" });
  assert.equal(view.conversation.isEmpty, true);
  await view.tell({ ...asked(1), view: view.prefix });
  assert.equal(view.conversation.isEmpty, false);
});

test("a run sends endpoint, prompt and rows as shown, and no rows before those of Python have arrived", async () => {
  const { model, view } = open({ prompt: "ask" });
  view.run();
  await view.tellAll(form([ROW]));
  view.endpoint.control.write("c/d");
  view.run();
  const [early, late] = model.asked;
  const plain = { play: false, remember: false };
  assert.deepEqual(early, { kind: "run", prompt: "ask", endpoint: "a/b", rows: null, ...plain });
  assert.deepEqual(late, { kind: "run", prompt: "ask", endpoint: "c/d", rows: [{ id: ROW.id }], ...plain });
});

test("a prompt that was sent is removed from the box, unless the text has changed meanwhile", async () => {
  const { model, view } = open({ prompt: "ask" });
  await view.tell(asked(1, "ask"));
  assert.deepEqual([view.prompt.value, model.traits.prompt], ["", ""]);
  view.prompt.control.write("more");
  await view.tell(asked(2, "ask"));
  assert.equal(view.prompt.value, "more");
});

const pack = (parts) => [new DataView(new Uint8Array(deflateSync(JSON.stringify(parts))).buffer)];
const tail = (html) => ({ keep: 0, blocks: [], tail: [0, html, false] });

test("words are added in order, although those that are packed are unpacked asynchronously", async () => {
  const { view } = open();
  const done = { kind: "done", id: 1, packed: true, end: "done", status: "1.0 s" };
  view.tell(asked(1));
  view.tell({ kind: "delta", id: 1, packed: true, elapsed: 0.1, status: "12 bytes" }, pack(tail("<p>some</p>")));
  view.tell({ kind: "delta", id: 1, elapsed: 0.2, status: "24 bytes", ...tail("<p>some words</p>") });
  view.tell({ kind: "delta", id: 1, elapsed: 0.3, status: "36 bytes" });
  view.tell(done, pack({ html: "<fal-words></fal-words>", words: "<p>some words</p>", copy: "some words" }));
  await view.tell({ kind: "deleted", id: 2 });
  const entry = view.conversation.get(1);
  assert.deepEqual(entry.words.told.map((told) => told.tail[1]), ["<p>some</p>", "<p>some words</p>"]);
  assert.deepEqual([entry.words.ended, entry.clipboardText], ["<p>some words</p>", "some words"]);
  assert.deepEqual([view.statusLine.textContent, view.announcer.textContent], ["1.0 s", "answer complete"]);
});

test("a message of an unknown kind is ignored", async () => {
  const { view } = open();
  await view.tellAll({ kind: "toString" }, { kind: "new", id: 1 }, asked(1));
  assert.equal(view.streaming.id, 1);
});

test("Copy takes the words of an ended answer from the page, and those of a streaming one from Python", async (context) => {
  const { model, view } = open();
  const copied = [];
  context.mock.getter(globalThis, "navigator", () => ({ clipboard: { writeText: async (text) => copied.push(text) } }));
  await view.tellAll({ ...asked(1), html: "", copy: "ended", end: "done" }, asked(2));
  await view.copy(view.conversation.get(1));
  view.copy(view.conversation.get(2));
  assert.deepEqual(model.asked.at(-1), { kind: "copy", id: 2 });
  assert.deepEqual(copied, ["ended"]);
  await view.tell({ kind: "copied", id: 2, copy: "so far" });
  assert.deepEqual(copied, ["ended", "so far"]);
});

test("a Stop is sent for a streaming answer, and not for one that has ended", async () => {
  const { model, view } = open();
  view.stop();
  await view.tell(asked(1));
  view.stop();
  assert.deepEqual(model.asked.at(-1), { kind: "stop", id: 1 });
  assert.match(view.statusLine.textContent, /stopping…$/);
  const count = model.asked.length;
  await view.tell({ kind: "done", id: 1, html: "", end: "stopped" });
  view.stop();
  assert.equal(model.asked.length, count);
});

const runs = (model) => model.asked.filter(({ kind }) => kind === "run").map(({ prompt }) => prompt);
const done = (id, end = "done") => ({ kind: "done", id, html: "", end });

test("the button sends, and stops while an answer streams", async () => {
  const { model, view } = open({ prompt: "ask" });
  const { button } = view.input;
  assert.equal(button.textContent, "Send");
  button.happen("click");
  await view.tell(asked(1));
  assert.equal(button.textContent, "Stop");
  button.happen("click", { detail: 2 }); // of a double click on Send
  assert.deepEqual(model.asked.map(({ kind }) => kind), ["run"]);
  button.happen("click", { detail: 1 });
  assert.equal(model.asked.at(-1).kind, "stop");
  await view.tell(done(1, "stopped"));
  assert.equal(button.textContent, "Send");
});

test("a prompt sent while an answer streams waits, and is sent once after a whole answer", async () => {
  const { model, view } = open();
  await view.tell(asked(1));
  view.run(); // an empty prompt does not wait
  assert.equal(view.input.waiting.isThere, false);
  view.prompt.control.write("next");
  view.run();
  assert.deepEqual([runs(model), view.prompt.value, view.input.waiting.element.hidden], [[], "", false]);
  view.prompt.control.write("after that");
  view.run();
  assert.deepEqual([view.notice.textContent, view.prompt.value], ["one prompt waits already", "after that"]);
  view.save();
  assert.equal(model.traits.prompt, "next\nafter that"); // so that a reload of the page loses neither
  await view.tell(done(1));
  assert.deepEqual([runs(model), view.prompt.value, view.input.waiting.isThere], [["next"], "after that", false]);
  assert.equal(model.traits.prompt, "after that");
  await view.tellAll(asked(2, "next"), done(2));
  assert.deepEqual(runs(model), ["next"]);
});

test("a waiting prompt is withdrawn by its button, and after an answer that was stopped or failed", async () => {
  const { model, view } = open();
  for (const [id, end] of [[1, "stopped"], [2, "failed"]]) {
    view.prompt.set("");
    await view.tell(asked(id));
    view.prompt.control.write("next");
    view.run();
    view.prompt.control.write("more");
    await view.tell(done(id, end));
    assert.deepEqual([runs(model), view.prompt.value, view.input.waiting.isThere], [[], "next\nmore", false]);
  }
  await view.tell(asked(3));
  view.run();
  view.input.waiting.element.querySelector("button").happen("click");
  await view.tell(done(3));
  assert.deepEqual([runs(model), view.prompt.value], [[], "next\nmore"]);
});

test("a waiting prompt that is refused comes back into the input", async () => {
  const { model, view } = open();
  await view.tell(asked(1));
  view.prompt.control.write("next");
  view.run();
  await view.tellAll(done(1), { kind: "refused", message: "no", problems: {} });
  assert.deepEqual([runs(model), view.prompt.value], [["next"], "next"]);
});

test("the same request is sent once, however often Send is pressed before the kernel answers", async () => {
  const { model, view } = open({ prompt: "ask" });
  view.run();
  view.run();
  assert.deepEqual(runs(model), ["ask"]);
  await view.tellAll(asked(1), done(1));
  view.prompt.control.write("ask");
  view.run();
  assert.deepEqual(runs(model), ["ask", "ask"]);
});

test("keys run and stop, and no key reaches the notebook", async () => {
  const { model, view } = open({ prompt: "ask" });
  let prevented = 0;
  let passed = 0;
  const press = (key, more = {}) => view.root.happen("keydown", {
    key, preventDefault: () => { prevented += 1; }, stopPropagation: () => { passed += 1; }, ...more,
  });
  press("Enter"); // in another control
  assert.deepEqual([model.asked.length, prevented], [0, 0]);
  press("Enter", { ctrlKey: true });
  assert.equal(model.asked.at(-1).kind, "run");
  press("Escape");
  await view.tell(asked(1));
  press("Escape");
  assert.equal(model.asked.at(-1).kind, "stop");
  assert.deepEqual([prevented, passed], [2, 4]);
});

test("Enter in the input sends and Shift+Enter makes a line, or the other way round", () => {
  for (const enterSends of [true, false]) {
    const { model, view } = open({ enter_sends: enterSends });
    let count = 0;
    const press = (more = {}) => {
      view.prompt.control.write(`ask ${count += 1}`);
      const before = runs(model).length;
      view.root.happen("keydown", {
        key: "Enter", target: view.prompt.control, preventDefault() {}, stopPropagation() {}, ...more,
      });
      return runs(model).length > before;
    };
    assert.deepEqual([press(), press({ shiftKey: true })], [enterSends, !enterSends]);
    assert.deepEqual([press({ ctrlKey: true }), press({ metaKey: true })], [true, true]);
    assert.deepEqual([press({ isComposing: true }), press({ repeat: true }), press({ altKey: true })], [false, false, false]);
    assert.match(view.prompt.control.attributes.placeholder, enterSends ? /… Enter sends/ : /… Shift\+Enter sends/);
    view.prompt.control.clientWidth = 300;
    view.input.showHint();
    assert.equal(view.prompt.control.attributes.placeholder, "Ask something…");
    view.prompt.control.clientWidth = 600;
  }
});

test("the arrow keys walk through the prompts of the kernel, and come back to what was written", async () => {
  const { view } = open();
  const { control } = view.prompt;
  control.setSelectionRange = (start, end) => { Object.assign(control, { selectionStart: start, selectionEnd: end }); };
  const press = (key) => {
    let isTaken = false;
    view.root.happen("keydown", { key, target: control, preventDefault: () => { isTaken = true; }, stopPropagation() {} });
    return isTaken && view.prompt.value;
  };
  await view.tellAll({ kind: "prompts", prompts: ["one", "two\nlines"] }, asked(1, "three"), done(1));
  control.write("draft");
  control.setSelectionRange(3, 3);
  assert.equal(press("ArrowUp"), false); // within the text, the key moves the caret
  control.setSelectionRange(0, 0);
  const walked = ["ArrowUp", "ArrowUp", "ArrowUp", "ArrowUp", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown"];
  assert.deepEqual(walked.map(press), ["three", "two\nlines", "one", false, "two\nlines", "three", "draft", false]);
});

test("a refusal is shown, also at its row, until the next request", async () => {
  const { view } = open();
  await view.tellAll(form([ROW]), { kind: "refused", message: "seed is wrong", problems: { 0: "wrong" } });
  assert.equal(view.notice.textContent, "seed is wrong");
  assert.equal(view.form.rows[0].problem.textContent, "wrong");
  view.ask("clear");
  assert.equal(view.notice.textContent, "");
});

test("an edit is sent when it is saved, and Python's answer does not replace it in its own view", async () => {
  const { model, view } = open();
  await view.tellAll(form([ROW]));
  view.form.rows[0].text.control.write("2");
  view.save();
  const edited = { ...ROW, text: "2" };
  assert.deepEqual(model.asked, [{ kind: "edited", rows: [edited] }]);
  view.save();
  assert.equal(model.asked.length, 1);
  await view.tellAll({ ...form([]), but: view.prefix });
  assert.equal(view.form.rows.length, 1);
  await view.tellAll({ ...form([]), but: "another" });
  assert.equal(view.form.rows.length, 0);
});

test("a trait that nobody changed is not set", () => {
  const { model, view } = open({ endpoint: "a\r\nb", prompt: "one\r\ntwo" });
  const others = { play: false, system: "", remember: false };
  view.save();
  assert.deepEqual(model.traits, { endpoint: "a\r\nb", prompt: "one\r\ntwo", ...others });
  view.prompt.control.write("one\ntwo!");
  view.save();
  assert.deepEqual(model.traits, { endpoint: "a\r\nb", prompt: "one\r\ntwo!", ...others });
});

test("a trait that Python sets is shown, except in the control that has the focus", () => {
  const { model, view } = open();
  view.prompt.control.focus();
  Object.assign(model.traits, { endpoint: "c/d", prompt: "set" });
  model.listeners.get("change:prompt")();
  assert.deepEqual([view.endpoint.value, view.prompt.value], ["c/d", ""]);
  view.save();
  assert.equal(model.traits.prompt, "set");
  view.endpoint.control.focus();
  model.listeners.get("change:prompt")();
  assert.equal(view.prompt.value, "set");
});

test("a system prompt of several lines is sent with its line breaks, once someone has edited it", () => {
  const { model, view } = open({ prompt: "ask", system: "one\r\ntwo" });
  view.run();
  assert.equal("system" in model.asked.at(-1), false);
  view.memory.system.control.write("one\ntwo\nthree");
  view.run();
  assert.equal(model.asked.at(-1).system, "one\r\ntwo\nthree");
  view.save();
  assert.equal(model.traits.system, "one\r\ntwo\nthree");
});

test("it is said whether a prompt is sent alone, with a switch where the endpoint leaves the choice", async () => {
  const { model, view } = open({ prompt: "ask" });
  assert.deepEqual([view.memory.words.textContent, view.memory.choice.hidden], ["Each prompt alone", false]);
  view.memory.remember.checked = true;
  view.memory.remember.happen("change");
  assert.deepEqual([view.memory.words.textContent, model.traits.remember], ["Knows earlier turns", true]);
  view.run();
  assert.equal(model.asked.at(-1).remember, true);
  view.memory.remember.checked = false;
  await view.tell({ ...form([]), takesMessages: true });
  assert.deepEqual([view.memory.words.textContent, view.memory.choice.hidden], ["Knows earlier turns", true]);
});

test("another version takes the place of an entry and of those after it, and the reader stays where he was", async () => {
  const { view } = open();
  const ended = (id, more = {}) => ({ ...asked(id), html: "", end: "done", ...more });
  await view.tellAll(ended(1), ended(2, { version: 2, versions: 2 }), ended(3));
  Object.assign(view.conversation.element, { scrollHeight: 1000, clientHeight: 400, scrollTop: 77 });
  view.conversation.get(2).versions.older.focus();
  await view.tell({ kind: "left", ids: [2, 3], status: "1.0 s" });
  view.conversation.element.scrollTop = 0; // as browsers do when the log gets shorter
  await view.tellAll(ended(4, { version: 1, versions: 2, still: true }), ended(5, { still: true }));
  assert.deepEqual([...view.conversation.entries.keys()], [1, 4, 5]);
  assert.deepEqual([view.conversation.element.scrollTop, view.statusLine.textContent], [77, "1.0 s"]);
  const { older, newer } = view.conversation.get(4).versions;
  assert.deepEqual([older.disabled, older.getRootNode().activeElement], [true, newer]);
});

test("of entries that come together, only the last asks for the layout", async () => {
  const { view } = open();
  let count = 0;
  const { element } = view.conversation;
  Object.defineProperty(element, "scrollHeight", { get: () => { count += 1; return 1000; } });
  const ended = (id, more) => ({ ...asked(id), html: "", end: "done", ...more });
  await view.tellAll(ended(1, { more: true }), ended(2, { more: true }));
  assert.equal(count, 0);
  await view.tell(ended(3));
  assert.deepEqual([count > 0, view.conversation.entries.size, view.clearButton.disabled], [true, 3, false]);
});

test("a prompt that is sent in the place of an earlier one leaves the input as it is", async () => {
  const { model, view } = open({ prompt: "ask" });
  await view.tell({ ...asked(1), html: "", end: "failed" });
  view.conversation.get(1).again.happen("click");
  const { prompt, id, endpoint } = model.asked.at(-1);
  assert.deepEqual({ prompt, id, endpoint }, { prompt: null, id: 1, endpoint: "a/b" });
  await view.tellAll({ kind: "left", ids: [1] }, asked(2));
  assert.equal(view.prompt.value, "ask");
  const count = model.asked.length;
  view.requestInstead(view.conversation.get(2), "edited"); // while it streams
  assert.deepEqual([model.asked.length, view.notice.textContent], [count, "an answer is streaming: stop it first"]);
});

test("a deleted entry passes the focus on to the next entry, or to the box", async () => {
  const { view } = open();
  const ended = (id) => ({ ...asked(id), html: "", end: "done" });
  await view.tellAll(ended(1), ended(2));
  view.conversation.get(1).remove.focus();
  await view.tell({ kind: "deleted", id: 1 });
  const { element } = view.conversation.get(2);
  assert.equal(element.getRootNode().activeElement, element.querySelector("button"));
  await view.tell({ kind: "deleted", id: 2 });
  assert.equal(element.getRootNode().activeElement, view.prompt.control);
  assert.equal(view.conversation.isEmpty, true);
});

test("a cleared conversation shows nothing, and a new prompt can be sent", async () => {
  const { view } = open();
  await view.tellAll(asked(1), { kind: "cleared" });
  assert.deepEqual([view.conversation.isEmpty, view.streaming, view.statusLine.textContent], [true, undefined, ""]);
  assert.deepEqual([view.input.button.textContent, view.clearButton.disabled], ["Send", true]);
});

test("what was removed can be put back by a button, until Python says that it is too late", async () => {
  const { model, view } = open();
  await view.tell({ kind: "undoable", what: "Cleared." });
  assert.deepEqual([view.undo.element.hidden, view.undo.element.textContent], [false, "Cleared.Undo"]);
  view.undo.button.happen("click");
  assert.deepEqual(model.asked, [{ kind: "undo" }]);
  await view.tell({ kind: "undoable", what: "" });
  assert.deepEqual([view.undo.element.hidden, view.undo.element.textContent], [true, ""]);
});

test("the player of a sound is shown with its entry, unless that was removed meanwhile", async () => {
  const { model, view } = open();
  const players = [];
  const player = () => ({ el: new Element("div"), isRemoved: false, remove() { this.isRemoved = true; } });
  let show; // call it when the front end has made the view
  const made = () => new Promise((resolve) => { show = () => { players.push(player()); resolve(players.at(-1)); }; });
  model.widget_manager = { get_model: async (id) => id, create_view: made };
  const soon = () => new Promise((resolve) => { setTimeout(resolve); });
  for (const [id, then] of [[1, { kind: "delta", id: 1 }], [2, { kind: "cleared" }]]) {
    await view.tellAll(asked(id), { kind: "sound", id, model: "p" }, then);
    await soon();
    show();
    await soon();
    assert.equal(players.at(-1).isRemoved, id === 2);
    assert.equal(view.conversation.get(id)?.element.contains(players.at(-1).el) ?? false, id === 1);
  }
});

test("pieces of the transcript that the notebook lacks are requested", async () => {
  const { model, view } = open();
  const outputs = new Outputs({ "application/vnd.jupyter.widget-view+json": { model_id: "w" } });
  model.widget_manager = { context: { model: { cells: [{ outputs }] } } };
  await view.tell({ kind: "kept", widget: "w", transcript: "mine", versions: [1, 0] });
  await new Promise((resolve) => { setTimeout(resolve); });
  assert.deepEqual(model.asked, [{ kind: "transcript", pieces: [0] }]);
  await view.tell({ kind: "transcript", pieces: [[0, { "text/html": "<div></div>" }]] });
  await new Promise((resolve) => { setTimeout(resolve); });
  assert.deepEqual(outputs.html, [undefined, "<div></div>"]);
});

test("a Stop is sent on the control channel, once the kernel has answered there", async () => {
  const { model, view } = open();
  const said = [];
  const sendControlMessage = (message) => { said.push(message.content); return { done: Promise.resolve() }; };
  model.widget_manager = { kernel: { sendControlMessage } };
  await view.tellAll({ kind: "control", address: "here" }, asked(1));
  view.stop();
  assert.deepEqual(said.at(-1), { to: "here", content: { kind: "stop", id: 1 } });
  assert.deepEqual(model.asked, []);
});

test("a message that fails is skipped, and later ones are handled", async (context) => {
  const warn = context.mock.method(console, "warn", () => {});
  const { view } = open();
  view.tell({ ...asked(1), packed: true }, [new Uint8Array([1, 2, 3])]); // not compressed
  await view.tell(asked(2));
  assert.equal(warn.mock.callCount(), 1);
  assert.equal(view.streaming.id, 2);
});

test("a closed view handles no more messages", async () => {
  const { model, view } = open();
  const hear = model.listeners.get("msg:custom");
  view.close();
  assert.equal(model.listeners.size, 0);
  hear(asked(1));
  await view.lastHandled;
  assert.equal(view.conversation.isEmpty, true);
});

test("a view whose kernel was restarted says so, breaks the answer off, gives a waiting prompt back, and sends nothing", async () => {
  const { model, view } = open();
  await view.tellAll(asked(1), { kind: "delta", id: 1, elapsed: 1, status: "5 bytes" });
  view.prompt.control.write("later");
  view.run();
  const sent = model.sent.length;
  model.listeners.get("comm_live_update")();
  assert.deepEqual(model.sent.slice(sent), [{ kind: "hello", view: view.prefix }]);
  assert.equal(view.streaming, undefined);
  assert.match(view.connection.reason.textContent, /^the kernel was restarted/);
  assert.deepEqual([view.statusLine.textContent, view.prompt.value, view.input.button.textContent], ["", "later", "Send"]);
  view.run();
  assert.match(view.notice.textContent, /run the cell of this box again/);
  assert.deepEqual([model.sent.length, view.prompt.value], [sent + 1, "later"]);
  await view.tell({ kind: "state", state: "ready", reason: "", status: "" }); // it is there all the same
  view.run();
  assert.equal(model.sent.at(-1).kind, "run");
});

test("a view whose kernel has crashed says so", () => {
  const listeners = new Set();
  const statusChanged = { connect: (each) => listeners.add(each), disconnect: (each) => listeners.delete(each) };
  const model = Object.assign(new Model(), { widget_manager: { kernel: { statusChanged } } });
  const view = new View(model, new Element("div"));
  const [listener] = listeners;
  listener(null, "busy");
  assert.equal(view.connection.reason.textContent, "");
  listener(null, "autorestarting");
  assert.match(view.connection.reason.textContent, /^the kernel was restarted/);
  view.close();
  assert.equal(listeners.size, 0);
});

test("of several files that are not taken each is told, and of the next ones only those", () => {
  const { view } = open();
  view.attachments.add([]);
  view.receive({ kind: "refused", message: "a.png: no", file: true });
  view.receive({ kind: "refused", message: "b.png: no", file: true });
  assert.equal(view.notice.textContent, "a.png: no; b.png: no");
  view.attachments.add([]);
  view.receive({ kind: "refused", message: "c.png: no", file: true });
  assert.equal(view.notice.textContent, "c.png: no");
});

test("the input of an endpoint that takes no prompt says so", () => {
  const { view } = open();
  view.receive({ kind: "form", rows: [], fields: [], models: [], endpoints: [], takesPrompt: false });
  assert.equal(view.prompt.control.getAttribute("placeholder"), "This endpoint takes no prompt: Enter sends the rest");
});
