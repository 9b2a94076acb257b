// What plays sound while it arrives: samples by Web Audio, an MP3 by MediaSource. Each has the same interface, in seconds:
// how much was received and played, and the position in the whole recording that is heard now.

const FIRST_LEAD = 0.05; // seconds between the arrival of the first frames and their sound
const LONGEST_LEAD = 1; // after each gap the lead is doubled, up to this
const LONGEST_LATENCY = 1; // seconds; a browser that says more is wrong

// For each encoding: the bytes of a sample, and a function that reads the sample at an offset as a number from -1 to 1.
const ENCODINGS = {
  u8: [1, (view, at) => (view.getUint8(at) - 128) / 128],
  s16: [2, (view, at) => view.getInt16(at, true) / 2 ** 15],
  s24: [3, (view, at) => (view.getInt8(at + 2) * 2 ** 16 + view.getUint16(at, true)) / 2 ** 23],
  s32: [4, (view, at) => view.getInt32(at, true) / 2 ** 31],
  f32: [4, (view, at) => view.getFloat32(at, true)],
  mulaw: [1, (view, at) => muLaw(view.getUint8(at))],
};

// ITU-T G.711: a sign, three bits of exponent and four of mantissa, all bits inverted.
function muLaw(byte) {
  const bits = ~byte & 0xff;
  const size = ((((bits & 0x0f) << 3) + 0x84) << ((bits & 0x70) >> 4)) - 0x84;
  return (bits & 0x80 ? -size : size) / 2 ** 15;
}

// Raw samples, played by Web Audio. Each piece is scheduled for the moment at which the piece before it ends.
class Samples {
  constructor({ encoding, rate, channels, at }) {
    this.context = contextAt(rate);
    this.volume = this.context.createGain();
    this.volume.connect(this.context.destination);
    const [size] = ENCODINGS[encoding];
    this.missed = (at ?? 0) / size / channels / rate; // a page that was reloaded lacks the beginning
    this.received = 0;
    this.heard = 0;
    this.next = -1;
    this.lead = FIRST_LEAD;
    this.hasEnded = false;
  }

  add({ encoding, rate, channels }, view) {
    const [size, read] = ENCODINGS[encoding];
    const frames = Math.floor(view.byteLength / size / channels);
    const buffer = this.context.createBuffer(channels, frames, rate);
    for (let channel = 0; channel < channels; channel++) {
      const samples = buffer.getChannelData(channel);
      for (let frame = 0; frame < frames; frame++) {
        samples[frame] = read(view, (frame * channels + channel) * size);
      }
    }
    this.schedule(buffer);
  }

  schedule(buffer) {
    const now = this.context.currentTime;
    if (this.next < now) {
      if (this.received) this.lead = Math.min(2 * this.lead, LONGEST_LEAD);
      this.next = now + this.lead;
    }
    const source = this.context.createBufferSource();
    source.buffer = buffer;
    source.connect(this.volume);
    source.start(this.next);
    this.next += buffer.duration;
    this.received += buffer.duration;
  }

  get played() {
    const ahead = Math.max(0, this.next - this.context.currentTime);
    this.heard = Math.max(this.heard, this.received - ahead);
    return this.heard;
  }

  /** Where in the recording the sound is that is heard now: what was played has still to pass through the device. */
  positionIn() {
    const latency = this.isSilent ? 0 : Math.min(this.context.outputLatency || 0, LONGEST_LATENCY);
    return this.missed + Math.max(0, this.played - latency);
  }

  get isSilent() {
    return this.context.state !== "running";
  }

  get isOver() {
    return this.hasEnded && this.context.currentTime >= this.next;
  }

  end() {
    this.hasEnded = true;
  }

  pause() {
    this.context.suspend();
  }

  resume() {
    this.context.resume().catch(() => {});
  }

  mute(isMuted) {
    this.volume.gain.value = isMuted ? 0 : 1;
  }

  close() {
    if (this.context.state !== "closed") this.context.close();
  }
}

// A context at the recording's sample rate. At another rate the browser would resample each piece by itself, which makes
// a click between two pieces.
function contextAt(rate) {
  try {
    return new AudioContext({ sampleRate: rate });
  } catch {
    return new AudioContext();
  }
}

// An MP3, played by MediaSource. If the browser does not support that, it is played when it is complete.
class StreamedFile {
  constructor({ type, at }) {
    this.type = type;
    this.isPart = at > 0; // a page that was reloaded lacks the beginning
    this.parts = [];
    this.audio = new Audio();
    this.hasEnded = false;
    this.isSilent = false;
    if (globalThis.MediaSource?.isTypeSupported(type)) this.open();
  }

  open() {
    this.source = new MediaSource();
    this.source.addEventListener("sourceopen", () => {
      this.buffer = this.source.addSourceBuffer(this.type);
      this.buffer.addEventListener("updateend", () => this.append());
      this.append();
    }, { once: true });
    this.load(this.source);
  }

  load(source) {
    this.url = URL.createObjectURL(source);
    this.audio.src = this.url;
    this.resume();
  }

  add(_, view) {
    this.parts.push(view);
    this.append();
  }

  append() {
    if (!this.buffer || this.buffer.updating || this.source.readyState !== "open") return;
    if (!this.parts.length) {
      if (this.hasEnded) this.source.endOfStream();
      return;
    }
    try {
      this.buffer.appendBuffer(this.parts[0]);
      this.parts.shift();
    } catch (error) {
      if (error.name !== "QuotaExceededError") throw error; // the buffer is full of sound that is still to be played
    }
  }

  get received() {
    const { buffered } = this.audio;
    return buffered.length ? buffered.end(buffered.length - 1) : 0;
  }

  get played() {
    return this.audio.currentTime;
  }

  /** Where in the recording the sound is that is heard now, if the whole has this many seconds. */
  positionIn(seconds) {
    return this.isPart ? Math.max(0, seconds - (this.received - this.played)) : this.played;
  }

  get isOver() {
    return this.hasEnded && (this.audio.ended || this.audio.error !== null);
  }

  end() {
    this.hasEnded = true;
    if (this.source) this.append();
    else this.load(new Blob(this.parts, { type: this.type }));
  }

  pause() {
    this.audio.pause();
  }

  resume() {
    if (!this.audio.src || !this.audio.paused) return;
    this.audio.play().then(
      () => (this.isSilent = false),
      (error) => (this.isSilent = error.name === "NotAllowedError"),
    );
  }

  mute(isMuted) {
    this.audio.muted = isMuted;
  }

  close() {
    this.audio.pause();
    this.audio.removeAttribute("src");
    URL.revokeObjectURL(this.url);
  }
}

