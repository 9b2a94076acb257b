// The prompts that the boxes of this kernel have sent, which ↑ and ↓ bring back into the input.

class PastPrompts {
  constructor() {
    this.show([]);
  }

  /** Know these prompts, oldest first. */
  show(prompts) {
    this.prompts = [...prompts];
    this.leave();
  }

  add(prompt) {
    if (this.prompts.at(-1) !== prompt) this.prompts.push(prompt);
    this.leave();
  }

  /** Begin at the newest prompt again. */
  leave() {
    this.at = this.prompts.length;
    this.shown = null;
  }

  /** The prompt that is `by` steps newer than what the input shows `now`; undefined if there is none. */
  step(by, now) {
    if (now !== this.shown) {
      this.at = this.prompts.length;
      this.draft = now;
    }
    const at = this.at + by;
    if (at < 0 || at > this.prompts.length) return undefined;
    this.at = at;
    this.shown = at === this.prompts.length ? this.draft : this.prompts[at];
    return this.shown;
  }
}
