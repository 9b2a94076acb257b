// Sound that plays while it arrives. The kernel sends messages with binary buffers:
//   {kind: "samples", encoding, rate, channels}   frames to append
//   {kind: "file", type}                          bytes of an MP3 to append
//   {kind: "end"}                                 nothing more will come
//   {kind: "stop"}                                be silent at once
// The sound belongs to the widget's model, not to its view: when the kernel replaces the widget by the static player,
// the sound that has been received plays on to its end.

const FIRST_LEAD = 0.05; // seconds between the arrival of the first frames and their sound
const LONGEST_LEAD = 1; // after each gap the lead is doubled, up to this
const PATIENCE = 400; // milliseconds; a browser that allows sound has started it by then
const REFRESH = 100; // milliseconds
const NEW_SOUND = "fal-notebook-sound"; // the event by which a new sound stops one whose widget is gone

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
  constructor({ rate }) {
    this.context = contextAt(rate);
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
    source.connect(this.context.destination);
    source.start(this.next);
    this.next += buffer.duration;
    this.received += buffer.duration;
  }

  get played() {
    const ahead = Math.max(0, this.next - this.context.currentTime);
    this.heard = Math.max(this.heard, this.received - ahead);
    return this.heard;
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
  constructor({ type }) {
    this.type = type;
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

  close() {
    this.audio.pause();
    this.audio.removeAttribute("src");
    URL.revokeObjectURL(this.url);
  }
}

const STATE_TEXTS = {
  waiting: "waiting for sound",
  blocked: "click to hear",
  playing: "playing",
  paused: "paused",
  over: "ended",
  failed: "this browser plays it when it is whole",
};

class Sound {
  constructor() {
    this.track = null;
    this.isPaused = false;
    this.isClosed = false;
    this.isLeft = false;
    this.hasFailed = false;
  }

  take(message, buffers) {
    if (this.isClosed || this.hasFailed) return;
    try {
      if (message.kind === "stop") this.close();
      else if (message.kind === "end") this.track?.end();
      else this.add(message, buffers[0]);
    } catch (error) {
      console.warn(error);
      this.hasFailed = true;
      this.close();
    }
  }

  add(message, data) {
    if (!this.track) this.begin(message);
    const view = data instanceof DataView ? data : new DataView(data.buffer ?? data);
    this.track.add(message, view);
    if (!this.isPaused) this.track.resume();
  }

  begin(message) {
    document.dispatchEvent(new Event(NEW_SOUND));
    this.track = message.kind === "samples" ? new Samples(message) : new StreamedFile(message);
    this.began = performance.now();
    this.timer = setInterval(() => this.tick(), REFRESH);
  }

  tick() {
    this.track.append?.();
    if (this.track.isOver || (this.isLeft && this.state !== "playing")) this.close();
  }

  get state() {
    if (this.hasFailed) return "failed";
    if (this.isClosed) return "over";
    if (!this.track) return "waiting";
    if (this.isPaused) return "paused";
    if (this.track.isSilent && performance.now() - this.began > PATIENCE) return "blocked";
    return this.track.hasEnded || this.track.played < this.track.received ? "playing" : "waiting";
  }

  toggle() {
    if (this.state === "playing") {
      this.isPaused = true;
      this.track.pause();
    } else if (this.track) {
      this.isPaused = false;
      this.track.resume();
    }
  }

  // The widget is gone, so nobody can pause the sound any more. It ends when anything else begins to play.
  leave() {
    this.isLeft = true;
    this.track?.end();
    if (!this.track || this.state !== "playing") return this.close();
    this.silence = () => this.close();
    document.addEventListener("play", this.silence, true);
    document.addEventListener(NEW_SOUND, this.silence);
  }

  close() {
    this.isClosed = true;
    clearInterval(this.timer);
    if (this.silence) {
      document.removeEventListener("play", this.silence, true);
      document.removeEventListener(NEW_SOUND, this.silence);
    }
    this.track?.close();
  }
}

function element(name, style, attributes = {}) {
  const made = document.createElement(name);
  made.style.cssText = style;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function show(sound, el) {
  const box = element("div", "display:flex;gap:.75em;align-items:center;margin:.35em 0;"
    + "color:var(--jp-ui-font-color1,inherit);font-size:var(--jp-ui-font-size1,13px)",
    { role: "group", "aria-label": "Sound" });
  const button = element("button", "min-width:2.5em;padding:.35em .6em;border-radius:3px;cursor:pointer;font:inherit;"
    + "color:var(--jp-ui-font-color1,inherit);background:var(--jp-layout-color2,transparent);"
    + "border:1px solid var(--jp-border-color1,currentColor)", { type: "button" });
  const words = element("span", "", { role: "status", "aria-live": "polite" });
  const times = element("span", "color:var(--jp-ui-font-color2,inherit);font-variant-numeric:tabular-nums");
  box.append(button, words, times);
  el.append(box);
  const draw = () => {
    const state = sound.state;
    const played = sound.track?.played ?? 0;
    const received = sound.track?.received ?? 0;
    Object.assign(box.dataset, { state, played: played.toFixed(2), received: received.toFixed(2) });
    setText(button, state === "playing" ? "❚❚" : "▶");
    button.setAttribute("aria-label", state === "playing" ? "Pause the sound" : "Play the sound");
    button.disabled = !["playing", "paused", "blocked"].includes(state);
    setText(words, STATE_TEXTS[state]);
    setText(times, `${played.toFixed(1)} s of ${received.toFixed(1)} s received`);
  };
  button.addEventListener("click", () => {
    sound.toggle();
    draw();
  });
  draw();
  return draw;
}

// Writes only what has changed, because a screen reader reads out whatever is written into a live region.
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// Called once for each model.
export default () => {
  const sound = new Sound();
  return {
    initialize({ model }) {
      model.on("msg:custom", (message, buffers) => sound.take(message, buffers));
      return () => sound.leave();
    },
    render({ el }) {
      const timer = setInterval(show(sound, el), REFRESH);
      return () => clearInterval(timer);
    },
  };
};
