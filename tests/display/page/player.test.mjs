import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "../../page_code.mjs";

/** The clock and the output of a browser's sound: what was to sound, and when. */
class AudioContext {
  constructor({ sampleRate }) {
    Object.assign(this, { sampleRate, currentTime: 0, state: "running", started: [] });
  }

  createBuffer(channels, frames, rate) {
    const data = Array.from({ length: channels }, () => new Float32Array(frames));
    return { duration: frames / rate, getChannelData: (channel) => data[channel] };
  }

  createBufferSource() {
    const source = { connect: () => {}, start: (when) => this.started.push({ when, buffer: source.buffer }) };
    return source;
  }

  suspend() {
    this.state = "suspended";
  }

  async resume() {
    this.state = "running";
  }

  close() {
    this.state = "closed";
  }
}

const document = Object.assign(new EventTarget(), {});
const { ENCODINGS, FIRST_LEAD, LONGEST_LEAD, PATIENCE, muLaw, Samples, Sound } = load(
  ["display/player.js"],
  ["ENCODINGS", "FIRST_LEAD", "LONGEST_LEAD", "PATIENCE", "muLaw", "Samples", "Sound"],
  { AudioContext, document, setInterval: () => 1, clearInterval: () => {} },
);
const bytes = (...values) => new DataView(new Uint8Array(values).buffer);
const silence = (samples) => new DataView(new ArrayBuffer(2 * samples));

function near(value, wanted, say = "") {
  assert.ok(Math.abs(value - wanted) < 1e-9, `${say} ${value} is not ${wanted}`);
}

const FORMAT = { kind: "samples", encoding: "s16", rate: 100, channels: 1 };

test("a sample of every encoding is a number from -1 to 1", () => {
  const f32 = new DataView(new ArrayBuffer(8));
  f32.setFloat32(4, -0.25, true);
  const cases = [
    ["u8", bytes(0), 0, -1], ["u8", bytes(128), 0, 0], ["u8", bytes(255), 0, 127 / 128],
    ["s16", bytes(0, 128), 0, -1], ["s16", bytes(255, 127), 0, 32767 / 32768], ["s16", bytes(9, 0, 64), 1, 0.5],
    ["s24", bytes(0, 0, 128), 0, -1], ["s24", bytes(255, 255, 127), 0, 1 - 2 ** -23],
    ["s24", bytes(255, 255, 255), 0, -(2 ** -23)],
    ["s32", bytes(0, 0, 0, 128), 0, -1], ["s32", bytes(0, 0, 0, 64), 0, 0.5],
    ["f32", f32, 4, -0.25],
  ];
  for (const [encoding, view, at, wanted] of cases) {
    const [size, read] = ENCODINGS[encoding];
    near(read(view, at), wanted, encoding);
    assert.ok(at + size <= view.byteLength);
  }
});

test("mu-law is that of G.711: the loudest, the quietest, and each step of every segment", () => {
  near(muLaw(0x00), -32124 / 32768);
  near(muLaw(0x80), 32124 / 32768);
  near(muLaw(0xff), 0);
  near(muLaw(0x7f), 0);
  near(muLaw(0xf0), 120 / 32768);
  near(muLaw(0xef), 132 / 32768);
  const loudness = Array.from({ length: 128 }, (_, at) => muLaw(0xff - at));
  assert.ok(loudness.every((each, at) => at === 0 || each > loudness[at - 1]), "it grows from step to step");
  for (let byte = 0; byte < 128; byte += 1) near(muLaw(byte), -muLaw(byte + 128), byte);
});

test("frames are taken apart into their channels, and half a frame at the end is left out", () => {
  const track = new Samples({ rate: 100 });
  track.add({ encoding: "u8", rate: 100, channels: 2 }, bytes(0, 128, 128, 0, 255));
  const [{ buffer }] = track.context.started;
  assert.deepEqual([...buffer.getChannelData(0)], [-1, 0]);
  assert.deepEqual([...buffer.getChannelData(1)], [0, -1]);
  near(buffer.duration, 0.02);
});

test("each piece sounds when the one before it ends", () => {
  const track = new Samples({ rate: 100 });
  for (const samples of [10, 30, 20]) track.add(FORMAT, silence(samples));
  const [first, second, third] = track.context.started.map(({ when }) => when);
  near(first, FIRST_LEAD);
  near(second, FIRST_LEAD + 0.1);
  near(third, FIRST_LEAD + 0.4);
});

test("sound that comes too late is gathered for twice as long, up to a second", () => {
  const track = new Samples({ rate: 100 });
  const leads = [];
  for (let piece = 0; piece < 8; piece += 1) {
    track.add(FORMAT, silence(10));
    leads.push(track.context.started.at(-1).when - track.context.currentTime);
    track.context.currentTime = track.next + 1; // silence meanwhile
  }
  const wanted = [FIRST_LEAD, 0.1, 0.2, 0.4, 0.8, LONGEST_LEAD, LONGEST_LEAD, LONGEST_LEAD];
  wanted.forEach((lead, at) => near(leads[at], lead));
});

test("what was heard is what was received but for what is still to come, and never less than before", () => {
  const track = new Samples({ rate: 100 });
  track.add(FORMAT, silence(100));
  near(track.played, 0);
  track.context.currentTime = FIRST_LEAD + 0.25;
  near(track.played, 0.25);
  track.context.currentTime = 5;
  near(track.played, 1);
  track.add(FORMAT, silence(100));
  near(track.played, 1);
  near(track.received, 2);
});

test("a track is over when it has ended and all of it was heard", () => {
  const track = new Samples({ rate: 100 });
  track.add(FORMAT, silence(100));
  track.context.currentTime = 5;
  assert.equal(track.isOver, false);
  track.end();
  assert.equal(track.isOver, true);
});

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

test("a sound whose widget is gone plays to its end, and a new sound silences it", () => {
  const left = sound();
  left.leave();
  left.tick();
  assert.equal(left.state, "playing");
  sound();
  assert.equal(left.state, "over");
  const paused = sound();
  paused.toggle();
  paused.leave();
  assert.equal(paused.state, "over");
});

test("buffers are taken as the front ends give them", () => {
  for (const data of [silence(3), new ArrayBuffer(6), new Uint8Array(6)]) {
    const taken = new Sound();
    taken.take(FORMAT, [data]);
    near(taken.track.received, 0.03);
  }
});
