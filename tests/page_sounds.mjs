// Stand-ins for the parts of a browser that play sound, and sounds to give them.

import assert from "node:assert/strict";

/** The clock and the output of a browser's sound: what was to sound, and when. */
export class AudioContext {
  constructor({ sampleRate }) {
    Object.assign(this, { sampleRate, currentTime: 0, state: "running", started: [] });
  }

  createBuffer(channels, frames, rate) {
    const data = Array.from({ length: channels }, () => new Float32Array(frames));
    return { duration: frames / rate, getChannelData: (channel) => data[channel] };
  }

  createGain() {
    return { connect: () => {}, gain: { value: 1 } };
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

/** A piece of silence as it comes from the kernel. */
export const silence = (samples) => new DataView(new ArrayBuffer(2 * samples));

/** A message of 100 samples a second, of two bytes each. */
export const FORMAT = { kind: "samples", encoding: "s16", rate: 100, channels: 1, at: 0 };

export function near(value, wanted, say = "") {
  assert.ok(Math.abs(value - wanted) < 1e-9, `${say} ${value} is not ${wanted}`);
}
