// Arguments as rows that users edit. Python keeps the values (see argument_rows.py), and gets only the rows that
// someone has edited here.

let rowCount = 0; // rows made in this page so far, for their ids

/** One argument: its name, its kind and its text, with an error message below if it is wrong. */
class Row {
  constructor(given, form) {
    const id = `${form.prefix}-row-${++rowCount}`;
    this.given = given;
    this.isEdited = !given.id; // Python does not know a row that was added here
    this.id = given.id ?? id;
    const changed = () => { this.isEdited = true; this.check(); form.rowsChanged(); };
    const plain = { spellcheck: "false", autocomplete: "off" };
    this.name = new EditedText(make("input", {
      class: "fal-input fal-name", "aria-label": "Argument name", placeholder: "name", ...plain,
    }));
    this.kind = make("select", { class: "fal-input fal-kind", "aria-label": "Kind of value", onchange: changed },
      make("option", { value: "text" }, "text"), make("option", { value: "json" }, "JSON"),
      ...(given.kind === "file" ? [make("option", { value: "file" }, "file")] : []));
    this.text = new EditedText(make("textarea", {
      class: "fal-input fal-value", "aria-label": "Value", placeholder: "value", rows: "1", "aria-describedby": id,
      ...plain,
    }));
    for (const { control } of [this.name, this.text]) control.addEventListener("input", changed);
    this.text.control.addEventListener("input", () => this.fit());
    this.problem = make("div", { class: "fal-problem", id, hidden: true });
    const named = { "aria-label": "Remove argument", title: "Remove" };
    this.remove = button("×", { class: "fal-button fal-quiet", ...named }, () => form.drop(this));
    this.element = make("div", { class: "fal-row", role: "group", "aria-label": "Argument" },
      this.name.control, this.kind, this.text.control, this.remove, this.problem);
    this.name.set(given.name);
    this.kind.value = given.kind;
    this.text.set(given.text);
    if (given.kind === "file") for (const each of [this.kind, this.text.control]) each.setAttribute("disabled", "");
  }

  /** The row as it is sent to Python: whole if someone has edited it, else only its id. */
  get forPython() {
    const { id } = this;
    return this.isEdited ? { id, name: this.name.value, kind: this.kind.value, text: this.text.value } : { id };
  }

  /** The row as it is now. */
  get current() {
    return this.isEdited ? this.forPython : this.given;
  }

  get isPresent() {
    return true;
  }

  get isTyping() {
    return isFocused(this.name.control) || isFocused(this.kind) || isFocused(this.text.control);
  }

  shows(given) {
    return JSON.stringify(this.given) === JSON.stringify(given);
  }

  fit() {
    fit(this.text.control, 240);
  }

  /** Show at once whether its JSON is invalid. When it is sent, Python checks it again, and decides. */
  check() {
    let message = "";
    if (this.kind.value === "json" && (this.name.value.trim() || this.text.value.trim())) {
      try {
        JSON.parse(this.text.value);
      } catch (error) {
        message = `not JSON: ${error.message}`;
      }
    }
    this.mark(message);
  }

  mark(message) {
    this.problem.textContent = message;
    this.problem.hidden = !message;
    this.text.control.setAttribute("aria-invalid", String(Boolean(message)));
  }
}
