// The form: arguments as rows that users edit. Python keeps the values (see argument_rows.py), and gets only the rows
// that someone has edited here.

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
      make("option", { value: "text" }, "text"), make("option", { value: "json" }, "JSON"));
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
  }

  /** The row as it is sent to Python: whole if someone has edited it, else only its id. */
  get forPython() {
    const { id } = this;
    return this.isEdited ? { id, name: this.name.value, kind: this.kind.value, text: this.text.value } : { id };
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

/** The arguments as rows. The model has a separate field, which is also shown if the endpoint takes a model. */
class Form {
  constructor(prefix, changed) {
    this.prefix = prefix;
    this.changed = () => { this.isEdited = true; changed(); };
    this.rows = [];
    this.isKnown = false;
    this.element = make("details", { class: "fal-arguments", ontoggle: () => this.fit() });
    this.title = make("summary", {}, "Arguments");
    this.list = make("div", { class: "fal-rows" });
    const add = button("Add argument", { class: "fal-button fal-quiet" }, () => {
      const row = new Row({ name: "", kind: "text", text: "" }, this);
      this.list.append(row.element);
      this.rows.push(row);
      this.rowsChanged();
      row.name.control.focus();
    });
    this.element.append(this.title, this.list, add);
    this.models = make("datalist", { id: `${prefix}-models` });
    this.model = new EditedText(make("input", {
      class: "fal-input", id: `${prefix}-model`, list: this.models.id, spellcheck: "false", autocomplete: "off",
      placeholder: "the endpoint's own",
    }));
    this.model.control.addEventListener("input", () => this.readModel());
    this.modelField = make("div", { class: "fal-field", hidden: true },
      make("label", { for: this.model.control.id }, "Model"), this.model.control, this.models);
  }

  /** Show these rows. A row that already shows the same stays, and so does one that someone is typing in. */
  show(rows, takesModel) {
    this.isKnown = true;
    const here = new Map(this.rows.filter((row) => row.isTyping || !row.isEdited).map((row) => [row.id, row]));
    this.rows = rows.map((given) => {
      const row = here.get(given.id);
      return row?.isTyping || row?.shows(given) ? row : new Row(given, this);
    });
    this.modelRow = this.rows.find(({ given }) => given.name === "model" && given.kind === "text");
    if (!isFocused(this.model.control)) this.model.set(this.modelRow?.text.value ?? "");
    this.modelField.hidden = !takesModel && !this.modelRow;
    const listed = this.rows.filter((row) => row !== this.modelRow).map((row) => row.element);
    const { children } = this.list;
    const isSame = listed.length === children.length && listed.every((each, at) => each === children[at]);
    if (!isSame) this.list.replaceChildren(...listed); // only then: a control that is moved loses the focus
    this.showCount();
    this.fit();
  }

  /** Read the model's field into a row. If the field is empty, there is no such argument. */
  readModel() {
    const text = this.model.value.trim();
    this.rows = this.rows.filter((row) => row !== this.modelRow);
    this.modelRow = text ? new Row({ name: "model", kind: "text", text }, this) : undefined;
    if (this.modelRow) this.rows.unshift(this.modelRow);
    this.changed();
  }

  /** The rows as they are sent to Python; null until the rows of Python have arrived. */
  rowsForPython() {
    return this.isKnown ? this.rows.map((row) => row.forPython) : null;
  }

  drop(row) {
    const next = row.element.nextElementSibling?.querySelector("input") ?? this.title;
    this.rows = this.rows.filter((each) => each !== row);
    row.element.remove();
    this.rowsChanged();
    next.focus();
  }

  rowsChanged() {
    this.showCount();
    this.changed();
  }

  showCount() {
    const shown = this.list.children.length;
    this.title.textContent = shown ? `Arguments (${shown})` : "Arguments";
  }

  fit() {
    for (const row of this.rows) row.fit();
  }

  /** Show the errors that Python found, by the index of the row, and focus the first wrong row. */
  showProblems(problems) {
    const wrong = Object.entries(problems).filter(([number]) => this.rows[number]);
    for (const [number, message] of wrong) this.rows[number].mark(message);
    if (wrong.length) {
      this.element.open = true;
      this.rows[wrong[0][0]].text.control.focus();
    }
  }
}
