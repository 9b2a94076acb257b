// The fields that the form gets from the endpoint's schema. A field is a row that knows what its argument takes: Python
// gets it as a row, and only if someone has given a value.

class Field {
  constructor(spec, form) {
    this.form = form;
    this.name = spec.name;
    this.controlId = `${form.prefix}-field-${++rowCount}`;
    const attach = (files, name) => form.attach(files, name);
    const place = { id: this.controlId, name: spec.name, changed: () => this.change(), attach };
    this.value = new VALUES[spec.control](spec, place);
    const { control } = this.value;
    const mark = spec.required ? [make("span", { class: "fal-required", "aria-hidden": "true" }, "*")] : [];
    this.help = make("div", { class: "fal-hidden", id: `${this.controlId}-help` }, spec.help ?? "");
    this.problem = make("div", { class: "fal-problem", id: `${this.controlId}-problem`, hidden: true });
    control.setAttribute("aria-describedby", `${this.help.id} ${this.problem.id}`);
    if (spec.required) control.setAttribute("aria-required", "true");
    this.element = make("div", { class: "fal-argument", title: spec.help ?? false },
      nameLabel(spec, this.controlId, ...mark),
      make("div", { class: "fal-control" }, ...this.value.elements),
      this.help, this.problem);
    this.show(undefined);
  }

  /** Show the row that Python has of this argument; without one, the argument is not given. */
  show(given) {
    this.given = given;
    this.id = given?.id ?? `${this.controlId}-new`;
    this.isEdited = false;
    this.value.set(given ?? null);
    this.fit();
  }

  /** The row that the field stands for now. */
  get current() {
    return this.isEdited ? { id: this.id, name: this.name, ...this.value.get() } : this.given;
  }

  get isPresent() {
    return this.isEdited ? this.value.get() !== null : this.given !== undefined;
  }

  /** The row as it is sent to Python: whole if someone has edited it, else only its id. */
  get forPython() {
    const { id, name } = this;
    const value = this.isEdited ? this.value.get() : null;
    return value === null || value.kind === "file" ? { id } : { id, name, ...value };
  }

  get text() {
    return this.value;
  }

  get isTyping() {
    const focused = this.element.getRootNode().activeElement;
    return focused != null && this.element.contains(focused);
  }

  change() {
    this.isEdited = true;
    this.mark("");
    this.form.rowsChanged();
  }

  mark(message) {
    this.problem.textContent = message;
    this.problem.hidden = !message;
    this.value.control.setAttribute("aria-invalid", String(Boolean(message)));
  }

  fit() {
    this.value.fit?.();
  }
}
