// A prompt that was sent while an answer streams. It waits here until the answer has ended, and can be withdrawn.

/** A prompt that was sent, and what was written after it, as one text. */
function together(prompt, text) {
  return [prompt, text].filter(Boolean).join("\n");
}

class WaitingPrompt {
  constructor(withdraw) {
    this.prompt = null;
    this.words = make("span", { class: "fal-waiting-words" });
    this.withdraw = button("Withdraw", { class: "fal-button fal-quiet" }, withdraw);
    this.element = make("div", { class: "fal-waiting", role: "group", "aria-label": "Waiting prompt", hidden: true });
  }

  get isThere() {
    return this.prompt !== null;
  }

  put(prompt) {
    this.prompt = prompt;
    this.words.textContent = `Waits for the answer: ${prompt}`;
    this.element.replaceChildren(this.words, this.withdraw);
    this.element.hidden = false;
  }

  /** Remove the prompt, and return it. */
  take() {
    const { prompt } = this;
    this.prompt = null;
    this.element.replaceChildren();
    this.element.hidden = true;
    return prompt;
  }
}
