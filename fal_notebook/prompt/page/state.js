// The state of the connection, shown by a light at the top of a view, and the words of the status line at its bottom.

const STATES = {
  idle: "not connected",
  connecting: "connecting…",
  reconnecting: "reconnecting…",
  ready: "ready",
  streaming: "streaming…",
  offline: "offline",
};
const LOST = "the kernel was restarted: run the cell of this box again";
const STOP_DELAY = 1000; // milliseconds in which the kernel receives a Stop if no running cell delays it

/** What the status line says this many milliseconds after a Stop. */
function stopStatus(milliseconds) {
  return milliseconds < STOP_DELAY ? "stopping…" : "stopping… (waits for the running cell)";
}

/** What the status line says when an answer has streamed for this many milliseconds. */
function streamingStatus(milliseconds, status) {
  return [`${(milliseconds / 1000).toFixed(1)} s`, status].filter(Boolean).join(" · ");
}

/** Shows the state of the connection, and the reason when it is offline. */
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
