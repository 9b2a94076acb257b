import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "../../page_code.mjs";
import { document } from "../../page_elements.mjs";

const { ConnectionState, stopStatus, streamingStatus } = load(
  ["prompt/page/dom.js", "prompt/page/state.js"], ["ConnectionState", "stopStatus", "streamingStatus"], { document },
);

test("a Stop that is not heard within a second waits for the running cell", () => {
  assert.equal(stopStatus(0), "stopping…");
  assert.equal(stopStatus(999), "stopping…");
  assert.equal(stopStatus(1000), "stopping… (waits for the running cell)");
});

test("the line says how long it has streamed, and what else is known", () => {
  assert.equal(streamingStatus(1240, ""), "1.2 s");
  assert.equal(streamingStatus(61_000, "first token 0.20 s"), "61.0 s · first token 0.20 s");
});

test("the light and the words say how the connection stands, and the reason is there only where there is one", () => {
  const shown = new ConnectionState();
  shown.show({ state: "offline", reason: "no key" });
  assert.equal(shown.light.dataset.state, "offline");
  assert.equal(shown.element.textContent, "offline");
  assert.deepEqual([shown.reason.textContent, shown.reason.hidden], ["no key", false]);
  shown.show({ state: "idle", reason: "" });
  assert.equal(shown.element.textContent, "not connected");
  assert.equal(shown.reason.hidden, true);
});

test("a state that the page does not know is shown as it is called", () => {
  const shown = new ConnectionState();
  shown.show({ state: "resting", reason: "" });
  assert.equal(shown.element.textContent, "resting");
});
