// How the connection stands, and how the answer that streams: the light at the head of a view, the line at its foot.

const STATES = {
  idle: "not connected",
  connecting: "connecting…",
  reconnecting: "reconnecting…",
  ready: "ready",
  streaming: "streaming…",
  offline: "offline",
};
const HEARD_WITHIN = 1000; // milliseconds that a Stop takes where the kernel hears it

/** What to say so many milliseconds after a Stop was asked for. */
function stopping(milliseconds) {
  return milliseconds < HEARD_WITHIN ? "stopping…" : "stopping… (waits for the running cell)";
}

/** What the line says of an answer that has streamed for so many milliseconds. */
function streamingFor(milliseconds, status) {
  return [`${(milliseconds / 1000).toFixed(1)} s`, status].filter(Boolean).join(" · ");
}

/** The connection's state, and why it is offline. */
class ConnectionState {
  constructor() {
    this.light = make("span", { class: "fal-light", "aria-hidden": "true" });
    this.words = make("span", {});
    this.element = make("div", { class: "fal-state" }, this.light, this.words);
    this.reason = make("div", { class: "fal-problem", hidden: true });
  }

  show({ state, reason }) {
    this.light.dataset.state = state;
    this.words.textContent = STATES[state] ?? state;
    this.reason.textContent = reason;
    this.reason.hidden = !reason;
  }
}
