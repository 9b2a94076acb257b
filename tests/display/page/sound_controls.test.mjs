import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "../../page_code.mjs";
import { document } from "../../page_elements.mjs";

const { clock, SETTLED, SoundControls } = load(
  ["display/sound_controls.js"], ["clock", "SETTLED", "SoundControls"],
  { document, setInterval: () => 1, clearInterval: () => {} },
);

/** A sound in a state that a test chooses. */
function sound(state, track = { played: 61, received: 125.5 }) {
  const calls = [];
  return {
    state, track, calls, isMuted: false, isHidden: false,
    toggle: () => calls.push("toggle"), mute: (isMuted) => calls.push(isMuted), close: () => calls.push("close"),
  };
}

const name = (button) => button.element.attributes["aria-label"];

test("the controls say what a press would do, and the seconds heard and received", () => {
  const controls = new SoundControls(sound("playing"));
  assert.deepEqual([name(controls.play), name(controls.mute)], ["Pause the sound", "Mute the sound"]);
  assert.equal(controls.times.textContent, "1:01 of 2:05 received");
  assert.deepEqual(controls.element.dataset, { state: "playing", played: "61.00", received: "125.50" });
  controls.play.element.happen("click");
  controls.mute.element.happen("click");
  assert.deepEqual(controls.sound.calls, ["toggle", true]);
  Object.assign(controls.sound, { state: "blocked", isMuted: true });
  controls.sound.track.hasEnded = true;
  controls.draw();
  assert.deepEqual([name(controls.play), name(controls.mute)], ["Play the sound", "Unmute the sound"]);
  assert.deepEqual([controls.words.textContent, controls.times.textContent], ["press play to hear it", "1:01 of 2:05"]);
});

test("before there is sound nothing can be played, and a sound that is over has no controls", () => {
  const controls = new SoundControls(sound("waiting", null));
  assert.deepEqual([controls.play.element.disabled, controls.words.textContent], [true, "waiting for sound"]);
  controls.sound.state = "over";
  controls.draw();
  assert.equal(controls.element.hidden, true);
});

test("of waiting and playing, which alternate, only what lasts is said; all else is said at once", () => {
  const controls = new SoundControls(sound("playing"));
  controls.sound.state = "waiting";
  for (let draws = 0; draws < SETTLED; draws += 1) controls.draw();
  assert.equal(controls.words.textContent, "playing");
  controls.draw();
  assert.equal(controls.words.textContent, "waiting for sound");
  controls.sound.state = "paused";
  controls.draw();
  assert.equal(controls.words.textContent, "paused");
});

test("controls that float above the page can end the sound", () => {
  const controls = new SoundControls(sound("playing"), { isAlone: true });
  assert.equal(controls.element.attributes["aria-label"], "Sound of an answer");
  controls.element.children.at(-1).happen("click");
  assert.deepEqual(controls.sound.calls, ["close"]);
});

test("seconds are shown as a clock shows them", () => {
  assert.deepEqual([0, 9.9, 60, 3599.5, 6000].map(clock), ["0:00", "0:09", "1:00", "59:59", "100:00"]);
});
