// The controls of a sound that is still arriving: play and pause, the seconds heard and received, mute. They are as high
// as a browser's own player, which takes their place.

const REFRESH = 100; // milliseconds
const ALTERNATING = ["waiting", "playing"]; // states that alternate quickly where sound comes as fast as it is played
const SETTLED = 4; // refreshes after which one of them is said

const STATE_TEXTS = {
  waiting: "waiting for sound",
  blocked: "press play to hear it",
  playing: "playing",
  paused: "paused",
  over: "ended",
  failed: "this browser plays it when it is whole",
};

const SOUND_STYLE = `
.fal-player {
  --fal-player-text: var(--jp-ui-font-color1, var(--vscode-foreground, currentColor));
  --fal-player-soft: var(--jp-ui-font-color2, color-mix(in srgb, currentColor 75%, transparent));
  --fal-player-back: var(--jp-layout-color2, var(--vscode-editorWidget-background,
    color-mix(in srgb, currentColor 8%, transparent)));
  position: relative; box-sizing: border-box; display: inline-flex; flex-wrap: wrap; align-items: center;
  gap: 0 10px; min-width: min(300px, 100%); max-width: 100%; min-height: 54px; padding: 6px 12px; border-radius: 27px;
  color: var(--fal-player-text);
  background: var(--fal-player-back); font: 13px/1.3 var(--jp-ui-font-family, system-ui, sans-serif);
}
.fal-player[hidden] { display: none }
.fal-player button {
  flex: none; display: inline-grid; place-items: center; width: 32px; height: 32px; margin: 0; padding: 0; border: 0;
  border-radius: 50%; color: inherit; background: none; cursor: pointer;
}
.fal-player button:hover:enabled { background: color-mix(in srgb, currentColor 12%, transparent) }
.fal-player button:focus-visible { outline: 2px solid var(--jp-brand-color1, Highlight); outline-offset: 1px }
.fal-player button:disabled { opacity: .45; cursor: default }
.fal-player svg { width: 20px; height: 20px; fill: currentColor }
.fal-player-times { flex: none; font-variant-numeric: tabular-nums }
.fal-player-state { flex: 1 0 auto; color: var(--fal-player-soft) }
.fal-player:is([data-state=playing], [data-state=paused]) .fal-player-state {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap;
}
.fal-player:not([data-state=playing], [data-state=paused]) .fal-player-bar { display: none }
.fal-player-bar {
  position: relative; flex: 1 1 30px; min-width: 24px; height: 4px; border-radius: 2px; overflow: hidden;
  background: color-mix(in srgb, currentColor 22%, transparent);
}
.fal-player-bar span { position: absolute; inset: 0 auto 0 0; background: currentColor }
.fal-player-alone {
  position: fixed; inset: auto 16px 16px auto; z-index: 10000; max-width: calc(100% - 32px);
  color: var(--fal-player-text); background-color: var(--jp-layout-color1, var(--vscode-editor-background, Canvas));
  background-image: linear-gradient(var(--fal-player-back), var(--fal-player-back));
  box-shadow: 0 2px 10px rgb(0 0 0 / 35%);
}
@media (forced-colors: active) {
  .fal-player { outline: 1px solid CanvasText; outline-offset: -1px }
  .fal-player-bar span { background: CanvasText; forced-color-adjust: none }
}`;

const ICONS = {
  play: "M8 5v14l11-7z",
  pause: "M6 5h4v14H6zM14 5h4v14h-4z",
  loud: "M3 9v6h4l5 5V4L7 9zM16.5 12A4.5 4.5 0 0 0 14 8v8a4.5 4.5 0 0 0 2.5-4zM14 3.2v2.1a7 7 0 0 1 0 13.4v2.1"
    + "a9 9 0 0 0 0-17.6z",
  muted: "M3 9v6h4l5 5V4L7 9zM21 9.4 19.6 8 17 10.6 14.4 8 13 9.4 15.6 12 13 14.6 14.4 16 17 13.4 19.6 16 21 14.6"
    + " 18.4 12z",
  stop: "M6 6h12v12H6z",
};

function element(name, attributes = {}) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** A button with an icon; a screen reader reads its name. */
class IconButton {
  constructor(press) {
    this.element = element("button", { type: "button" });
    this.element.addEventListener("click", press);
  }

  show(icon, name) {
    if (this.name === name) return;
    this.name = name;
    this.element.setAttribute("aria-label", name);
    this.element.title = name;
    this.element.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="${ICONS[icon]}"/></svg>`;
  }
}

class SoundControls {
  /** `isAlone`: whether they float above the page, where nothing else can stop the sound. */
  constructor(sound, { isAlone = false } = {}) {
    this.sound = sound;
    this.element = element("div", { class: `fal-player${isAlone ? " fal-player-alone" : ""}`, role: "group",
      "aria-label": isAlone ? "Sound of an answer" : "Sound" });
    this.play = this.button(() => sound.toggle());
    this.mute = this.button(() => sound.mute(!sound.isMuted));
    this.times = element("span", { class: "fal-player-times" });
    this.bar = element("span", { class: "fal-player-bar", "aria-hidden": "true" });
    this.heard = element("span");
    this.bar.append(this.heard);
    this.words = element("span", { class: "fal-player-state", role: "status" });
    const style = element("style");
    style.textContent = SOUND_STYLE;
    this.element.append(style, this.play.element, this.times, this.bar, this.words, this.mute.element);
    if (isAlone) {
      const stop = this.button(() => sound.close());
      stop.show("stop", "Stop the sound");
      this.element.append(stop.element);
    }
    this.element.addEventListener("focusin", () => (sound.hasFocus = true));
    this.element.addEventListener("focusout", ({ relatedTarget }) => {
      sound.hasFocus = !relatedTarget; // which is null where the controls are removed
    });
    this.draw();
    this.timer = setInterval(() => this.draw(), REFRESH);
  }

  button(press) {
    return new IconButton(() => {
      press();
      this.draw();
    });
  }

  draw() {
    const { sound } = this;
    const { state } = sound;
    const [played, received] = [sound.track?.played ?? 0, sound.track?.received ?? 0];
    Object.assign(this.element.dataset, { state, played: played.toFixed(2), received: received.toFixed(2) });
    this.element.hidden = sound.isHidden || state === "over";
    const stands = ["paused", "blocked", "over"].includes(state);
    this.play.show(stands ? "play" : "pause", stands ? "Play the sound" : "Pause the sound");
    this.play.element.disabled = !sound.track || state === "over" || state === "failed";
    this.mute.show(sound.isMuted ? "muted" : "loud", sound.isMuted ? "Unmute the sound" : "Mute the sound");
    this.heard.style.width = `${received ? Math.min(100, 100 * played / received) : 0}%`;
    setText(this.times, timesText(played, received, sound.track?.hasEnded));
    this.say(state);
  }

  /** Say a state in words. A screen reader reads them out, so of those that alternate only one that lasts is said. */
  say(state) {
    this.lasted = state === this.seen ? this.lasted + 1 : 0;
    this.seen = state;
    const alternates = ALTERNATING.includes(state) && ALTERNATING.includes(this.said);
    if (alternates && this.lasted < SETTLED) return;
    this.said = state;
    setText(this.words, STATE_TEXTS[state]);
  }

  remove() {
    clearInterval(this.timer);
    this.element.remove();
  }
}

function clock(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

function timesText(played, received, hasEnded) {
  return `${clock(played)} of ${clock(received)}${hasEnded ? "" : " received"}`;
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
