import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "../../page_code.mjs";
import { document } from "../../page_elements.mjs";

const { ConnectionState, stopStatus, streamingStatus } = load(
  ["prompt/page/dom.js", "prompt/page/state.js"], ["ConnectionState", "stopStatus", "streamingStatus"], { document },
);

test("a Stop without an effect for a second is said to wait for the running cell", () => {
  assert.equal(stopStatus(0), "stopping…");
  assert.equal(stopStatus(999), "stopping…");
  assert.equal(stopStatus(1000), "stopping… (waits for the running cell)");
});

test("the status line has the seconds of streaming, and the rest of the status", () => {
  assert.equal(streamingStatus(1240, ""), "1.2 s");
  assert.equal(streamingStatus(61_000, "first token 0.20 s"), "61.0 s · first token 0.20 s");
});

test("the light and the words show the state of the connection, and a reason is shown only if there is one", () => {
  const shown = new ConnectionState();
  shown.show({ state: "offline", reason: "no key" });
  assert.equal(shown.light.dataset.state, "offline");
  assert.equal(shown.element.textContent, "offline");
  assert.deepEqual([shown.reason.textContent, shown.reason.hidden], ["no key", false]);
  shown.show({ state: "idle", reason: "" });
  assert.equal(shown.element.textContent, "not connected");
  assert.equal(shown.reason.hidden, true);
});

test("an unknown state is shown by its name", () => {
  const shown = new ConnectionState();
  shown.show({ state: "resting", reason: "" });
  assert.equal(shown.element.textContent, "resting");
});
