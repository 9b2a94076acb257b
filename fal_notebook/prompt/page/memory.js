// What the model gets beside the prompt: the system prompt, and the earlier turns. Endpoints of OpenAI's chat completions
// always get them, others only if their switch is on.

class Memory {
  constructor(prefix, changed, saved) {
    this.system = new EditedText(make("textarea", {
      class: "fal-input fal-value", id: `${prefix}-system`, rows: "1", spellcheck: "false", autocomplete: "off",
      placeholder: "none", oninput: () => { this.fit(); changed(); },
    }));
    this.field = make("div", { class: "fal-field" },
      make("label", { for: this.system.control.id }, "System prompt"), this.system.control);
    this.remember = make("input", { type: "checkbox", role: "switch", onchange: () => { this.show(); saved(); } });
    this.choice = make("label", { class: "fal-switch", title: "Send earlier turns with each prompt" },
      this.remember, "Remember");
    this.words = make("span", { id: `${prefix}-memory` });
    this.element = make("div", { class: "fal-memory" }, this.words, this.choice);
    this.takesMessages = false;
    this.takesSystem = true;
    this.show();
  }

  /** Show whether the next prompt is understood in the course of the conversation. */
  show() {
    this.choice.hidden = this.takesMessages;
    this.field.hidden = !this.takesSystem && !this.system.value;
    this.words.textContent = this.takesMessages || this.remember.checked ? "Knows earlier turns" : "Each prompt alone";
  }

  /** What is sent with a prompt. What nobody has edited here is not sent, since Python may have changed it. */
  forPython() {
    const system = this.system.isEdited ? { system: this.system.value } : {};
    return { ...system, remember: this.remember.checked };
  }

  fit() {
    fit(this.system.control, 160);
  }
}
