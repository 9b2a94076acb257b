import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "../../page_code.mjs";
import { document, Element } from "../../page_elements.mjs";

const { exported } = load(["display/control_channel.js", "display/stop_button.js"], ["exported"], { document });

/** A button on a page whose kernel cannot be asked on its control channel. */
function shown() {
  const model = {
    sent: [],
    get: () => "address",
    on: (_, hear) => { model.hear = hear; },
    off: () => { model.hear = null; },
    send: (content) => model.sent.push(content),
  };
  const el = new Element("div");
  return { model, close: exported.render({ model, el }), button: el.children[0] };
}

test("a button is not seen before the kernel has heard the page", () => {
  const { model, button } = shown();
  assert.deepEqual([button.style.display, model.sent], ["none", [{ kind: "hello" }]]);
  model.hear({ kind: "else" });
  assert.equal(button.style.display, "none");
  model.hear({ kind: "heard" });
  assert.equal(button.style.display, "");
});

test("a click is said once", () => {
  const { model, button } = shown();
  button.happen("click");
  assert.deepEqual(model.sent.at(-1), { kind: "stop" });
  assert.deepEqual([button.disabled, button.textContent], [true, "stopping…"]);
});

test("a view that is closed hears no more", () => {
  const { model, close } = shown();
  close();
  assert.equal(model.hear, null);
});
