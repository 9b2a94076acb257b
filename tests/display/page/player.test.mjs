import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "../../page_code.mjs";
import { document, Element } from "../../page_elements.mjs";
import { AudioContext, FORMAT, near, silence } from "../../page_sounds.mjs";

const world = { players: [] };
const page = { ...document, body: new Element("body"), querySelectorAll: () => world.players };
class MutationObserver {
  observe() {}
  disconnect() {}
}
const { FIRST_LEAD, LONGEST_WAIT, PATIENCE, Sound, staticPlayer } = load(
  ["display/sound_tracks.js", "display/sound_controls.js", "display/sound_takeover.js", "display/player.js"],
  ["FIRST_LEAD", "LONGEST_WAIT", "PATIENCE", "Sound", "staticPlayer"],
  {
    AudioContext, MutationObserver, document: page, CSS: { escape: (words) => words }, setInterval: () => 1,
    clearInterval: () => {}, setTimeout: (done) => setImmediate(done),
  },
);

/** A sound that was sent a second. */
function sound() {
  const sound = new Sound();
  sound.take(FORMAT, [silence(100)]);
  return sound;
}

test("a sound waits, plays, pauses and goes on, and is over when it was heard", () => {
  assert.equal(new Sound().state, "waiting");
  const playing = sound();
  assert.equal(playing.state, "playing");
  playing.toggle();
  assert.deepEqual([playing.state, playing.track.context.state], ["paused", "suspended"]);
  playing.toggle();
  assert.equal(playing.state, "playing");
  playing.track.context.currentTime = 5;
  assert.equal(playing.state, "waiting");
  playing.take({ kind: "end" }, []);
  playing.tick();
  assert.deepEqual([playing.state, playing.track.context.state], ["over", "closed"]);
});

test("a browser that starts no sound within its time waits for a click", () => {
  const blocked = sound();
  blocked.track.context.state = "suspended";
  assert.equal(blocked.state, "playing");
  blocked.began -= PATIENCE + 1;
  assert.equal(blocked.state, "blocked");
});

test("a stop silences it at once, and nothing that comes later is played", () => {
  const stopped = sound();
  stopped.take({ kind: "stop" }, []);
  stopped.take(FORMAT, [silence(100)]);
  assert.deepEqual([stopped.state, stopped.track.context.started.length], ["over", 1]);
});

test("an encoding that nobody knows ends this sound, and says so", (context) => {
  context.mock.method(console, "warn", () => {});
  const failed = new Sound();
  failed.take({ ...FORMAT, encoding: "opus" }, [silence(1)]);
  failed.take(FORMAT, [silence(1)]);
  assert.equal(failed.state, "failed");
});

/** A static player as a browser has it: it is loaded, and while it plays its time goes with that of the sound. */
function player(clock = { currentTime: 0 }) {
  const player = {
    isConnected: true, readyState: 4, paused: true, muted: false, volume: 0.8, duration: 9, seeking: false, style: {}, begun: 0, log: [],
    closest: () => null, getClientRects: () => [1], addEventListener: () => {}, before: () => {},
    get currentTime() {
      return this.begun + (this.paused ? 0 : clock.currentTime - this.since);
    },
    set currentTime(seconds) {
      Object.assign(this, { begun: seconds, since: clock.currentTime });
    },
    async play() {
      if (this.refuses) throw new DOMException("no", "NotAllowedError");
      Object.assign(this, { paused: false, since: clock.currentTime });
    },
    pause() {
      this.begun = this.currentTime;
      this.paused = true;
    },
  };
  return player;
}

/** A sound of 9 seconds of which some were heard, and whose static player is in the page. */
async function ending(heard, { found = true, before = () => {}, message = "end", refuses = false } = {}) {
  world.players = [];
  const sound = new Sound();
  sound.take(FORMAT, [silence(900)]);
  const { context } = sound.track;
  context.currentTime = FIRST_LEAD + heard;
  before(sound);
  const taker = Object.assign(player(context), { refuses });
  if (found) world.players.push(taker);
  sound.take({ kind: message, name: "f00" }, []);
  for (let steps = 0; steps < 200; steps += 1) {
    context.currentTime += context.state === "running" ? 0.01 : 0;
    await new Promise((done) => setImmediate(done));
  }
  return { sound, taker, context };
}

test("the static player takes over where the sound is, and the sound falls silent", async () => {
  const { sound, taker, context } = await ending(3);
  assert.deepEqual([sound.state, context.state, taker.paused, taker.muted], ["over", "closed", false, false]);
  assert.equal(taker.volume, 0.8);
  assert.ok(Math.abs(taker.currentTime - (context.currentTime - FIRST_LEAD)) < 0.1, `${taker.currentTime}`);
});

test("what was paused, muted or stopped stays so, at the same second", async () => {
  const paused = await ending(3, { before: (sound) => sound.toggle() });
  assert.deepEqual([paused.taker.paused, paused.taker.muted], [true, false]);
  near(paused.taker.currentTime, 3);
  const muted = await ending(3, { before: (sound) => sound.mute(true) });
  assert.deepEqual([muted.taker.paused, muted.taker.muted], [false, true]);
  const stopped = await ending(3, { message: "stop" });
  assert.deepEqual([stopped.context.state, stopped.taker.paused, stopped.taker.muted], ["closed", true, false]);
  near(stopped.taker.currentTime, 3);
});

test("what was heard to its end, or nearly so, is not played again", async () => {
  for (const heard of [8.8, 9.5]) {
    const { sound, taker } = await ending(heard);
    assert.deepEqual([taker.paused, taker.currentTime, sound.heir], [true, 0, null]);
  }
});

test("a stop silences the static player, too, once that has taken over", async () => {
  const { sound, taker } = await ending(3);
  sound.take({ kind: "stop", name: "f00" }, []);
  assert.equal(taker.paused, true);
});

test("where the static player may not play, it gives its place to the sound until that has ended", async (context) => {
  context.mock.method(console, "warn", () => {});
  const { sound, taker } = await ending(3, { refuses: true });
  assert.deepEqual([sound.state, sound.stays, taker.style.display], ["playing", true, "none"]);
  sound.track.context.currentTime = 20;
  sound.tick();
  assert.deepEqual([sound.state, sound.controls, taker.style.display], ["over", null, ""]);
});

test("a sound whose widget is gone has controls that float until it has ended, or a view of it is back", async () => {
  const { sound } = await ending(3, { found: false });
  sound.leave();
  sound.tick();
  assert.equal(sound.controls, null);
  sound.seen -= LONGEST_WAIT + 1;
  sound.tick();
  assert.ok(sound.controls.element.attributes.class.includes("fal-player-alone"));
  sound.controls.element.isConnected = true;
  sound.views.add({ element: { isConnected: true } });
  sound.tick();
  assert.deepEqual([sound.controls, sound.state], [null, "playing"]);
});

test("controls that are removed with the output end the sound", async (context) => {
  context.mock.method(console, "warn", () => {});
  const { sound } = await ending(3, { refuses: true });
  sound.controls.element.isConnected = true;
  sound.tick();
  assert.equal(sound.state, "playing");
  sound.controls.element.isConnected = false;
  sound.tick();
  assert.equal(sound.state, "over");
});

test("where the output is drawn anew meanwhile, the new static player takes over", async () => {
  const [old, fresh] = [player(), player()];
  const drawn = (sound) => {
    world.players.push(Object.assign(old, {
      async play() {
        Object.assign(this, { isConnected: false, paused: false });
        world.players = [Object.assign(fresh, player(sound.track.context))];
      },
    }));
  };
  const { sound } = await ending(3, { found: false, before: drawn });
  assert.deepEqual([sound.state, old.paused, sound.heir.isConnected, sound.heir.paused], ["over", true, true, false]);
});

test("a sound that is paused or waits for a click ends with its widget, where no static player is found", async () => {
  const { sound } = await ending(3, { found: false, before: (sound) => sound.toggle() });
  sound.leave();
  sound.seen -= LONGEST_WAIT + 1;
  sound.tick();
  assert.equal(sound.state, "over");
});

test("a second sound leaves the first alone", () => {
  const first = sound();
  sound();
  assert.equal(first.state, "playing");
});

test("the copy of the static player in a hidden transcript is not taken", async () => {
  const hidden = { ...player(), closest: () => ({}) };
  world.players = [hidden];
  assert.equal(staticPlayer("f00"), null);
  const shown = player();
  world.players = [hidden, shown];
  assert.equal(staticPlayer("f00"), shown);
});

test("buffers are taken as the front ends give them", () => {
  for (const data of [silence(3), new ArrayBuffer(6), new Uint8Array(6)]) {
    const taken = new Sound();
    taken.take(FORMAT, [data]);
    near(taken.track.received, 0.03);
  }
});
