// An earlier prompt while someone edits it, in its place above the answer.

class PromptEditor {
  constructor(prompt, id, { send, cancel, enterSends }) {
    this.text = new EditedText(make("textarea", {
      class: "fal-input fal-editing", id, rows: "1", oninput: () => this.fit(),
    }));
    this.text.set(prompt);
    this.send = () => send(this.text.isEdited ? this.text.value : null);
    this.cancel = cancel;
    this.enterSends = enterSends;
    this.button = button("Send", { class: "fal-button fal-primary", title: "Go on from here" }, this.send);
    this.element = make("div", { class: "fal-editor", role: "group", "aria-label": "Edited prompt", onkeydown: (event) => this.key(event) },
      make("label", { class: "fal-hidden", for: id }, "Edited prompt"), this.text.control,
      make("div", { class: "fal-buttons" }, this.button, button("Cancel", { class: "fal-button" }, cancel)));
  }

  /** Enter sends as in the input, and Escape leaves the prompt as it was. No key reaches the notebook. */
  key(event) {
    const isInText = event.target === this.text.control;
    if (!event.isComposing && event.key === "Escape") this.cancel();
    else if (!event.isComposing && isInText && sends(event, true, this.enterSends())) this.send();
    else {
      event.stopPropagation();
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  /** Show the whole prompt, with the caret at its end. */
  open() {
    const { control } = this.text;
    this.fit();
    control.focus();
    control.setSelectionRange(control.value.length, control.value.length);
  }

  fit() {
    fit(this.text.control, 320);
  }
}
