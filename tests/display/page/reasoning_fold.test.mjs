import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "../../page_code.mjs";
import { document, Element } from "../../page_elements.mjs";

/** A fold, and a clock and timers that a test moves. */
function made() {
  const world = {
    document,
    time: 0,
    ticks: [],
    performance: { now: () => world.time },
    setInterval: (tick) => world.ticks.push(tick),
    clearInterval: (number) => { world.ticks[number - 1] = () => {}; },
  };
  const { ReasoningFold, exported } = load(
    ["display/reasoning_fold.js", "display/reasoning_view.js"], ["ReasoningFold", "exported"], world,
  );
  const pass = (seconds) => {
    world.time += 1000 * seconds;
    for (const tick of world.ticks) tick();
  };
  return { fold: new ReasoningFold(), pass, exported };
}

const said = (fold) => [fold.summary.textContent, fold.words.data, fold.element.open];

test("while the model thinks, the fold is open, counts the seconds and shows the newest words as text", () => {
  const { fold, pass } = made();
  fold.show({ words: "<b>two</b>", seconds: 3.4, line: "" });
  assert.deepEqual(said(fold), ["thinking… 3 s", "<b>two</b>", true]);
  assert.equal(fold.element.querySelector("b"), null);
  pass(2);
  assert.equal(fold.summary.textContent, "thinking… 5 s");
});

test("it closes when the reasoning has ended, and counts no more", () => {
  const { fold, pass } = made();
  fold.show({ words: "two", seconds: 3, line: "" });
  fold.show({ words: "two and two", seconds: 4, line: "thought for 4 s" });
  pass(5);
  assert.deepEqual(said(fold), ["thought for 4 s", "two and two", false]);
});

test("a fold that its reader has opened or closed stays so", () => {
  const { fold } = made();
  const click = () => {
    fold.summary.happen("click");
    fold.element.open = !fold.element.open;
  };
  click();
  click();
  fold.show({ words: "two", seconds: 4, line: "thought for 4 s" });
  assert.equal(fold.element.open, true);
});

test("the view of the widget follows its state until it is closed", () => {
  const { exported } = made();
  const heard = [];
  const model = {
    state: { words: "two", seconds: 1, line: "" },
    get: (name) => model[name],
    set: (name, value) => { model[name] = value; },
    on: (name, hear) => heard.push([name, hear]),
    off: (name, hear) => heard.push(["off", hear]),
  };
  const el = new Element("div");
  const close = exported.render({ model, el });
  const details = el.querySelector("details");
  assert.equal(details.textContent, "thinking… 1 stwo");
  model.state = { words: "two and two", seconds: 2, line: "thought for 2 s" };
  heard[0][1]();
  assert.equal(details.textContent, "thought for 2 stwo and two");
  details.children[0].happen("click");
  close();
  exported.render({ model, el });
  assert.equal(el.querySelector("details").open, true);
  el.replaceChildren();
  assert.deepEqual(heard[1], ["off", heard[0][1]]);
  assert.equal(el.querySelector("details"), null);
});
