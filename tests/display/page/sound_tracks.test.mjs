import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "../../page_code.mjs";
import { AudioContext, FORMAT, near, silence } from "../../page_sounds.mjs";

const { ENCODINGS, FIRST_LEAD, LONGEST_LEAD, muLaw, Samples, StreamedFile } = load(
  ["display/sound_tracks.js"],
  ["ENCODINGS", "FIRST_LEAD", "LONGEST_LEAD", "muLaw", "Samples", "StreamedFile"],
  { AudioContext, Audio: class {} },
);
const bytes = (...values) => new DataView(new Uint8Array(values).buffer);

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
  const track = new Samples({ ...FORMAT, encoding: "u8", channels: 2 });
  track.add({ encoding: "u8", rate: 100, channels: 2 }, bytes(0, 128, 128, 0, 255));
  const [{ buffer }] = track.context.started;
  assert.deepEqual([...buffer.getChannelData(0)], [-1, 0]);
  assert.deepEqual([...buffer.getChannelData(1)], [0, -1]);
  near(buffer.duration, 0.02);
});

test("each piece sounds when the one before it ends", () => {
  const track = new Samples(FORMAT);
  for (const samples of [10, 30, 20]) track.add(FORMAT, silence(samples));
  const [first, second, third] = track.context.started.map(({ when }) => when);
  near(first, FIRST_LEAD);
  near(second, FIRST_LEAD + 0.1);
  near(third, FIRST_LEAD + 0.4);
});

test("sound that comes too late is gathered for twice as long, up to a second", () => {
  const track = new Samples(FORMAT);
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
  const track = new Samples(FORMAT);
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
  const track = new Samples(FORMAT);
  track.add(FORMAT, silence(100));
  track.context.currentTime = 5;
  assert.equal(track.isOver, false);
  track.end();
  assert.equal(track.isOver, true);
});

test("the position in the recording counts what a reloaded page has missed, and what is still in the device", () => {
  const track = new Samples({ ...FORMAT, at: 400 });
  track.add(FORMAT, silence(100));
  near(track.positionIn(), 2);
  track.context.currentTime = FIRST_LEAD + 0.5;
  near(track.positionIn(), 2.5);
  track.context.outputLatency = 0.2;
  near(track.positionIn(), 2.3);
  track.context.outputLatency = 20; // is not believed
  near(track.positionIn(), 2);
});

test("in an MP3 of which the beginning is missing, the position is counted from the end", () => {
  const buffered = { length: 1, end: () => 5 };
  for (const [at, wanted] of [[0, 2], [1000, 57]]) {
    const track = new StreamedFile({ type: "audio/mpeg", at });
    track.audio = { currentTime: 2, buffered };
    near(track.positionIn(60), wanted);
  }
});

test("a track that is muted makes no sound, and is loud again", () => {
  const track = new Samples(FORMAT);
  track.mute(true);
  assert.equal(track.volume.gain.value, 0);
  track.mute(false);
  assert.equal(track.volume.gain.value, 1);
});
