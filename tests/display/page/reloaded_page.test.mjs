import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "../../page_code.mjs";
import { Outputs } from "../../page_elements.mjs";

const VIEW = "application/vnd.jupyter.widget-view+json";

const words = (text) => ({ "text/plain": text });
const names = ["TARGET", "liveOutputs", "replaceOutputs", "fetchFinalOutputs", "exported"];
const { TARGET, liveOutputs, replaceOutputs, fetchFinalOutputs } = load(["display/reloaded_page.js"], names);

function notebook(...cells) {
  const kernel = { comms: [], createComm: (target) => new Comm(target, kernel.comms) };
  const context = { model: { cells: cells.map((outputs) => ({ outputs })) }, sessionContext: { session: { kernel } } };
  return { context, kernel };
}

class Comm {
  constructor(target, comms) {
    this.target = target;
    comms.push(this);
  }

  open(data) {
    this.opened = data;
  }
}

test("the place of an answer is its static output, the one before its live box", () => {
  const outputs = new Outputs(words("before"), words("so far"), { [VIEW]: { model_id: "box" } }, words("after"));
  const { context } = notebook(new Outputs(words("else")), undefined, outputs);
  assert.deepEqual(liveOutputs(context, "box"), { outputs, at: 1, count: 2 });
  assert.equal(liveOutputs(context, "gone"), null);
  assert.equal(liveOutputs(undefined, "box"), null);
  assert.equal(liveOutputs({}, "box"), null);
});

test("what stays takes the place of both, and what is more than two stands behind", () => {
  const outputs = new Outputs(words("before"), words("so far"), { [VIEW]: { model_id: "box" } });
  replaceOutputs({ outputs, at: 1, count: 2 }, [words("one"), words("two"), words("three")]);
  assert.deepEqual(outputs.all.map(({ data }) => data["text/plain"]), ["before", "one", "two", "three"]);
});

test("the kernel is asked for an answer whose box is there, and what it says is put there", () => {
  const outputs = new Outputs(words("so far"), { [VIEW]: { model_id: "box" } });
  const { context, kernel } = notebook(outputs);
  fetchFinalOutputs(context, "box", "answer");
  const [comm] = kernel.comms;
  assert.deepEqual([comm.target, comm.opened], [TARGET, { answer: "answer" }]);
  comm.onMsg({ content: { data: { outputs: [words("the end"), words("status")] } } });
  assert.deepEqual(outputs.all.map(({ data }) => data["text/plain"]), ["the end", "status"]);
  comm.onMsg({ content: { data: { outputs: [words("again")] } } }); // the box is gone by now
  assert.equal(outputs.get(0).data["text/plain"], "the end");
});

test("where the box or the kernel is gone, nobody is asked", () => {
  const { context, kernel } = notebook(new Outputs(words("so far")));
  fetchFinalOutputs(context, "box", "answer");
  assert.deepEqual(kernel.comms, []);
  fetchFinalOutputs({ ...context, sessionContext: {} }, "box", "answer");
  fetchFinalOutputs(undefined, "box", "answer");
});

/** The messenger of an answer, in a page of its own; `hear` says something to it, and `wait` lets time pass. */
function messenger() {
  const timers = [];
  const { exported } = load(["display/reloaded_page.js"], names, { setTimeout: (act) => timers.push(act) });
  const outputs = new Outputs(words("so far"), { [VIEW]: { model_id: "box" } });
  const { context, kernel } = notebook(outputs);
  const traits = { answer: "answer", box: "box" };
  const model = { get: (name) => traits[name], on: (_, hear) => { model.hear = hear; }, widget_manager: { context } };
  exported.initialize({ model });
  return { comms: kernel.comms, hear: (kind) => model.hear({ kind }), wait: () => timers.forEach((act) => act()) };
}

test("a page that was there when the answer began asks for nothing before its end", () => {
  const { comms, hear, wait } = messenger();
  hear("new");
  wait();
  assert.equal(comms.length, 0);
  hear("end");
  assert.equal(comms.length, 1);
});

test("a page that was loaded meanwhile asks at once, and at the end", () => {
  const { comms, hear, wait } = messenger();
  wait();
  assert.equal(comms.length, 1);
  hear("end");
  assert.equal(comms.length, 2);
});
