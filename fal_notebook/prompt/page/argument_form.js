// The form: a field for each argument of the endpoint's schema, if there is one, and rows for all others. The model has
// a separate field.

class Form {
  /** `attach` takes files, and the name of the argument that they are for. */
  constructor(prefix, changed, attach) {
    this.prefix = prefix;
    this.changed = () => { this.isEdited = true; changed(); };
    this.attach = attach;
    this.rows = [];
    this.fields = new Map(); // by the name of the argument
    this.specs = "[]";
    this.isKnown = false;
    this.problems = {};
    this.settled = undefined; // called when the form is that of the endpoint
    this.title = make("summary", {}, "Arguments");
    this.given = make("div", { class: "fal-given" });
    this.list = make("div", { class: "fal-rows" });
    const add = button("Add argument", { class: "fal-button fal-quiet" }, () => {
      const row = new Row({ name: "", kind: "text", text: "" }, this);
      this.list.append(row.element);
      this.rows.push(row);
      this.rowsChanged();
      row.name.control.focus();
    });
    this.element = make("details", {
      class: "fal-arguments", ontoggle: () => this.fit(), onfocusout: (event) => this.leave(event),
    }, this.title, this.given, this.list, add);
    this.model = new EditedText(make("input", {
      class: "fal-input", id: `${prefix}-model`, spellcheck: "false", placeholder: "the endpoint's own",
    }));
    this.model.control.addEventListener("input", () => this.readModel());
    this.models = new Combobox(this.model.control, `${prefix}-models`, "Suggestions");
    this.modelMark = make("span", { class: "fal-required", "aria-hidden": "true", hidden: true }, "*");
    this.modelField = make("div", { class: "fal-field", hidden: true },
      make("label", { for: this.model.control.id }, "Model", this.modelMark), this.model.control, this.models.list);
  }

  /** Show these rows, in fields where the schema has one. What someone is typing in stays as it is. */
  show(rows, takesModel, fields) {
    this.isKnown = true;
    const isNew = fields !== undefined && JSON.stringify(fields) !== this.specs;
    if (fields !== undefined) this.later = undefined;
    // Other fields would move what someone is typing in: they wait until that is left.
    if (isNew && this.isTyping) this.later = fields;
    else if (isNew) this.build(fields);
    // What was edited and not sent yet is not in the rows of Python.
    const isOwn = (row) => row.isTyping || (this.isEdited && row.isEdited);
    const here = new Map(this.rows.filter((row) => isOwn(row) || !row.isEdited).map((row) => [row.id, row]));
    const sent = new Set(rows.map(({ id }) => id));
    const added = this.rows.filter((row) => row instanceof Row && !sent.has(row.id) && !row.given.id && isOwn(row));
    const free = new Map(this.fields);
    this.rows = rows.map((given) => {
      const row = here.get(given.id);
      if (row instanceof Row && isOwn(row)) return row;
      const field = free.get(given.name);
      if (!field) return row instanceof Row && row.shows(given) ? row : new Row(given, this);
      free.delete(given.name);
      if (!isOwn(field)) field.show(given);
      return field;
    });
    this.rows.push(...added);
    for (const field of free.values()) if (!isOwn(field)) field.show(undefined);
    this.modelRow = this.rows.find(({ given }) => given?.name === "model" && given.kind === "text");
    if (!isFocused(this.model.control)) this.model.set(this.modelRow?.text.value ?? "");
    this.modelField.hidden = !takesModel && !this.takesModel && !this.modelRow;
    const listed = this.rows.filter((row) => row instanceof Row && row !== this.modelRow).map((row) => row.element);
    const { children } = this.list;
    const isSame = listed.length === children.length && listed.every((each, at) => each === children[at]);
    if (!isSame) this.list.replaceChildren(...listed); // only then: a control that is moved loses the focus
    this.showCount();
    this.markAll();
    this.fit();
    if (!this.later) this.settled?.();
  }

  build(fields) {
    this.specs = JSON.stringify(fields);
    this.fields = new Map(fields.map((spec) => [spec.name, new Field(spec, this)]));
    this.given.replaceChildren(...[...this.fields.values()].map((field) => field.element));
  }

  /** Whether someone is typing in a field or a row. */
  get isTyping() {
    return [...this.rows, ...this.fields.values()].some((each) => each.isTyping);
  }

  /** Build the fields that had to wait, now that what someone was typing in is left. */
  leave({ relatedTarget }) {
    if (!this.later || this.element.contains(relatedTarget)) return;
    const fields = this.later;
    const before = this.present.map((row) => ({ row, current: row.current, isEdited: row.isEdited }));
    this.later = undefined;
    this.build(fields);
    this.rows = before.map(({ row, current, isEdited }) => {
      const field = row === this.modelRow ? undefined : this.fields.get(current.name);
      const shown = field ?? (row instanceof Row ? row : new Row(current, this));
      if (field) field.show(current);
      shown.isEdited = isEdited;
      return shown;
    });
    this.list.replaceChildren(...this.rows.filter((row) => row instanceof Row && row !== this.modelRow)
      .map((row) => row.element));
    this.markAll();
    this.settled?.();
  }

  /** What the model's field offers, and whether a model has to be given. */
  offerModels(models, spec) {
    this.takesModel = Boolean(spec);
    const own = spec?.choices?.map(([, text]) => text);
    this.models.offer(own?.length ? own : models);
    this.modelMark.hidden = !spec?.required;
    const none = spec?.required ? "required" : "the endpoint's own";
    this.model.control.setAttribute("placeholder", spec?.default ? `${spec.default} (default)` : none);
    this.model.control.setAttribute("aria-required", String(Boolean(spec?.required)));
  }

  /** Read the model's field into a row. If the field is empty, there is no such argument. */
  readModel() {
    const text = this.model.value.trim();
    this.rows = this.rows.filter((row) => row !== this.modelRow);
    this.modelRow = text ? new Row({ name: "model", kind: "text", text }, this) : undefined;
    if (this.modelRow) this.rows.unshift(this.modelRow);
    this.changed();
  }

  /** The rows that stand for an argument: those of Python in their order, then the fields that were filled in here. */
  get present() {
    const others = [...this.fields.values()].filter((field) => !this.rows.includes(field));
    return [...this.rows, ...others].filter((row) => row.isPresent);
  }

  /** The rows as they are sent to Python; null until the rows of Python have arrived. */
  rowsForPython() {
    return this.isKnown ? this.present.map((row) => row.forPython) : null;
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
    const count = this.present.filter((row) => row !== this.modelRow).length;
    this.title.textContent = count ? `Arguments (${count})` : "Arguments";
  }

  fit() {
    for (const row of [...this.rows, ...this.fields.values()]) row.fit();
  }

  /** Show the errors that Python found, by the index of the row, and focus the first wrong row. */
  showProblems(problems) {
    const rows = this.present;
    const wrong = Object.entries(problems).filter(([number]) => rows[number]);
    for (const [number, message] of wrong) rows[number].mark(message);
    if (wrong.length) {
      this.element.open = true;
      rows[wrong[0][0]].text.control.focus();
    }
  }

  /** Show what the schema says of the arguments, each problem beside its argument. */
  showDoubts(problems) {
    this.problems = problems;
    this.model.control.setAttribute("aria-invalid", String(problems.model !== undefined));
    this.model.control.setAttribute("title", problems.model ?? "");
    this.markAll();
  }

  /** Focus the first argument that is wrong. */
  focusWrong() {
    if (this.problems.model !== undefined && !this.modelField.hidden) {
      this.model.control.focus();
      return;
    }
    const wrong = [...this.fields.values(), ...this.rows].find((row) => this.problems[nameOf(row)]);
    if (!wrong) return;
    this.element.open = true;
    wrong.text.control.focus();
  }

  markAll() {
    for (const row of new Set([...this.rows, ...this.fields.values()])) {
      const problem = this.problems[nameOf(row)];
      if (problem !== undefined) row.mark(problem);
      else if (row.isDoubted) row.mark("");
      row.isDoubted = problem !== undefined;
    }
  }
}

/** The name of a row's or a field's argument. */
function nameOf(row) {
  return row instanceof Field ? row.name : row.name.value.trim();
}
