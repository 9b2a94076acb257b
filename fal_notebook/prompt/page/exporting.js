// Saves the conversation as a file, and says what all its answers together have used.

/** A button that unfolds one for each kind of file. */
class Exporting {
  constructor(ask) {
    const choose = (suffix) => {
      this.close();
      this.toggle.focus();
      ask(suffix);
    };
    this.toggle = button("Export", { "aria-expanded": "false", title: "Save the conversation as a file" }, () => {
      if (this.choices.hidden) this.open();
      else this.close();
    });
    this.choices = make("span", { class: "fal-kinds", hidden: true },
      button("Markdown", { title: "What is shown, to read" }, () => choose(".md")),
      button("JSON", { title: "The messages, to go on with" }, () => choose(".json")));
    this.element = make("span", { class: "fal-exporting", onkeydown: (event) => {
      if (event.key !== "Escape" || this.choices.hidden) return;
      event.stopPropagation();
      this.close();
      this.toggle.focus();
    } }, this.toggle, this.choices);
  }

  open() {
    this.choices.hidden = false;
    this.toggle.setAttribute("aria-expanded", "true");
  }

  close() {
    this.choices.hidden = true;
    this.toggle.setAttribute("aria-expanded", "false");
  }

  enable(isEnabled) {
    this.toggle.disabled = !isEnabled;
    if (!isEnabled) this.close();
  }

  /** Let the browser save a file. */
  save({ name, type, file }) {
    const url = URL.createObjectURL(new Blob([file], { type }));
    const link = make("a", { href: url, download: name });
    this.element.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 60_000); // the browser may ask where to save it first
  }
}

/** What all answers together have used. */
class Total {
  constructor() {
    this.element = make("span", { class: "fal-total", hidden: true });
  }

  show({ used, title }) {
    this.element.textContent = used ? `${used} in all` : "";
    this.element.setAttribute("title", title);
    this.element.hidden = !used;
  }
}
