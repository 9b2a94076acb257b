// The input: the prompt, and in its corner the button that sends it or stops the answer that streams.

const WIDE = 520; // pixels of an input that has room for the keys in its hint

class PromptInput {
  constructor(prefix, describedBy, { send, stop, changed }) {
    this.changed = changed;
    this.takesPrompt = true;
    this.past = new PastPrompts();
    this.waiting = new WaitingPrompt(() => this.withdraw());
    const id = `${prefix}-prompt`;
    this.text = new EditedText(make("textarea", {
      class: "fal-input fal-prompt", id, rows: "2", "aria-describedby": describedBy,
      oninput: () => { this.fit(); changed(); },
    }));
    this.button = button("Send", {}, (event) => {
      if (!this.isStop) send();
      else if (!(event?.detail > 1)) stop(); // the second click of a double one was meant for Send
    });
    this.box = make("div", { class: "fal-compose" },
      make("label", { class: "fal-hidden", for: id }, "Prompt"), this.text.control, this.button);
    this.elements = [this.waiting.element, this.box];
    this.showMode(false, true);
    this.resizing = globalThis.ResizeObserver && new ResizeObserver(() => this.showHint());
    this.resizing?.observe(this.text.control);
  }

  /** What is to be sent: the waiting prompt, and what was written after it. */
  get whole() {
    return together(this.waiting.prompt, this.text.value);
  }

  /** Show whether the button sends or stops, and by which key. */
  showMode(isStop, enterSends) {
    this.isStop = isStop;
    this.enterSends = enterSends;
    const keys = isStop ? "Escape" : enterSends ? "Enter" : "Shift+Enter";
    const label = isStop ? "Stop" : "Send";
    if (this.button.textContent !== label) this.button.textContent = label;
    this.button.setAttribute("class", `fal-button fal-send${isStop ? "" : " fal-primary"}`);
    this.button.setAttribute("title", keys);
    this.button.setAttribute("aria-keyshortcuts", isStop ? keys : `${keys} Control+Enter Meta+Enter`);
    this.showHint();
  }

  showHint() {
    const { clientWidth } = this.text.control;
    const isNarrow = clientWidth > 0 && clientWidth < WIDE;
    this.text.control.setAttribute("placeholder", hint(this.enterSends, isNarrow, this.takesPrompt));
  }

  /** Say in the hint whether the endpoint takes a prompt. */
  showWhatIsTaken(takesPrompt) {
    this.takesPrompt = takesPrompt;
    this.showHint();
  }

  /** Let the prompt wait, unless another one does; return whether it waits. */
  wait() {
    if (this.waiting.isThere) return false;
    this.waiting.put(this.text.value);
    this.write("");
    return true;
  }

  /** Put the waiting prompt back into the input. */
  withdraw() {
    if (!this.waiting.isThere) return;
    const text = this.whole;
    this.waiting.take();
    this.write(text);
    this.text.control.focus();
  }

  /** Put a text into the input, as if the user had written it. */
  write(text) {
    this.text.set(text);
    this.text.isEdited = true;
    this.fit();
    this.changed();
  }

  /** Show the prompt before or after, and return whether there is one. */
  walk(event) {
    const { control, value } = this.text;
    const by = walkedBy(event, control, value === this.past.shown);
    const text = by ? this.past.step(by, value) : undefined;
    if (text === undefined) return false;
    this.write(text);
    control.setSelectionRange(control.value.length, control.value.length);
    return true;
  }

  close() {
    this.resizing?.disconnect();
  }

  fit() {
    fit(this.text.control, 320);
  }
}
