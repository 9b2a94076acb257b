// A model's reasoning while it streams: a fold that is open while the model thinks, with its newest lines, and that
// closes into "thought for 12 s". Words of the model are only ever put into a text node.

const THINKING = "thinking…";

class ReasoningFold {
  /** `chosen`: whether its reader has opened (true) or closed (false) it; `choose` is called when he does. */
  constructor(chosen, choose = () => {}) {
    this.chosen = chosen;
    this.words = document.createTextNode("");
    this.summary = document.createElement("summary");
    const lines = document.createElement("div");
    const newest = document.createElement("div");
    lines.className = "fal-newest"; // stays at its end by its style
    newest.append(this.words);
    lines.append(newest);
    this.element = document.createElement("details");
    this.element.className = "fal-fold fal-now-fold fal-thinking";
    this.element.open = chosen ?? true;
    this.element.append(this.summary, lines);
    this.summary.addEventListener("click", () => {
      this.chosen = !this.element.open; // it is opened or closed after this event
      choose(this.chosen);
    });
    this.began = performance.now();
    this.ended = false;
    this.timer = setInterval(() => this.count(), 1000);
    this.summary.textContent = THINKING;
  }

  /** Show the newest lines, and how long the model has been thinking, or, once it has ended, what is said of that. */
  show({ words, seconds, line }) {
    if (words !== this.words.data) this.words.data = words;
    this.began = performance.now() - seconds * 1000;
    if (line) this.end(line);
    else this.count();
  }

  count() {
    if (this.ended) return;
    const words = `${THINKING} ${Math.round((performance.now() - this.began) / 1000)} s`;
    if (this.summary.textContent !== words) this.summary.textContent = words;
  }

  end(line) {
    if (this.ended) return;
    this.ended = true;
    clearInterval(this.timer);
    this.summary.textContent = line;
    this.element.open = this.chosen ?? false;
  }

  close() {
    clearInterval(this.timer);
    this.element.remove();
  }
}
