import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "../../page_code.mjs";

const { Control } = load(["display/control_channel.js"], ["Control"]);

/** The model of a widget whose kernel answers on its control channel, or does not. */
function model(answers = true) {
  const model = { sent: [], control: [], send: (content) => model.sent.push(content) };
  const sendControlMessage = (message, hasReply) => {
    model.control.push({ message, hasReply });
    return { done: answers ? Promise.resolve() : Promise.reject(new Error("not heard")) };
  };
  model.widget_manager = { kernel: { clientId: "client", username: "someone", sendControlMessage } };
  return model;
}

test("before the kernel has answered, all goes to the widget", () => {
  const here = model();
  new Control(here, "address").say({ kind: "stop" });
  assert.deepEqual([here.sent, here.control], [[{ kind: "stop" }], []]);
});

test("once it has answered, all goes to its address on the control channel", async () => {
  const here = model();
  const control = new Control(here, "address");
  await control.ask();
  control.say({ kind: "stop" });
  const [question, said] = here.control;
  assert.deepEqual([question.message.header.msg_type, question.hasReply], ["comm_info_request", true]);
  assert.deepEqual([said.message.header.msg_type, said.hasReply], ["fal_notebook_request", false]);
  assert.deepEqual(said.message.content, { to: "address", content: { kind: "stop" } });
  assert.deepEqual([said.message.channel, said.message.header.session], ["control", "client"]);
  assert.notEqual(said.message.header.msg_id, question.message.header.msg_id);
  assert.deepEqual(here.sent, []);
});

test("a kernel that does not listen, or a page without a kernel of its own, is not asked for more", async () => {
  const kernelless = { ...model(), widget_manager: {} };
  for (const [here, address] of [[model(), ""], [model(false), "address"], [kernelless, "address"]]) {
    const control = new Control(here, address);
    await assert.rejects(control.ask());
    assert.equal(control.answers, false);
    here.sent.length = 0;
    control.say({ kind: "stop" });
    assert.deepEqual(here.sent, [{ kind: "stop" }]);
  }
});
