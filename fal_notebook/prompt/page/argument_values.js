// The controls of the form's fields, one class for each kind of value. Each shows a value and reads it as the kind and
// the text of a row (see argument_rows.js); null means that nothing is given, so that the endpoint's default holds.

const NUMBER = /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$/;

/** Words, of one line or several. */
class TextValue {
  constructor(spec, { id, changed }) {
    this.control = make("textarea", {
      class: "fal-input fal-value", id, rows: spec.control === "area" ? "2" : "1", placeholder: spec.default ?? "",
      spellcheck: "false", autocomplete: "off",
    });
    this.text = new EditedText(this.control);
    this.control.addEventListener("input", () => { this.fit(); changed(); });
    this.elements = [this.control];
  }

  set(value) {
    this.text.set(value?.text ?? "");
  }

  get() {
    return this.text.value === "" ? null : { kind: "text", text: this.text.value };
  }

  fit() {
    fit(this.control, 160);
  }
}

/** A list or an object as JSON; for an argument of any kind, words too. */
class JsonValue extends TextValue {
  constructor(spec, place) {
    super(spec, place);
    this.takesWords = spec.control === "any";
    if (!spec.default && !this.takesWords) this.control.setAttribute("placeholder", "JSON");
  }

  get() {
    const value = super.get();
    if (value === null || (this.takesWords && !/^\s*[[{]/.test(value.text))) return value;
    return { kind: "json", text: value.text };
  }
}

/** A number, with a slider if its range is known. */
class NumberValue {
  constructor(spec, { id, name, changed }) {
    this.spec = spec;
    this.control = make("input", {
      class: "fal-input fal-number", id, inputmode: spec.whole ? "numeric" : "decimal", placeholder: spec.default ?? "",
      spellcheck: "false", autocomplete: "off", oninput: () => { this.move(); changed(); },
    });
    this.elements = [this.control];
    if (spec.step === undefined) return;
    this.slider = make("input", {
      class: "fal-slider", type: "range", min: spec.min, max: spec.max, step: spec.step,
      "aria-label": `${name}, slider`,
      oninput: () => { this.control.value = this.slider.value; changed(); },
    });
    this.elements = [this.slider, this.control];
  }

  set(value) {
    this.control.value = value?.text ?? "";
    this.move();
  }

  /** Move the slider to the number that is written, or to the default. */
  move() {
    if (this.slider) this.slider.value = this.control.value.trim() || (this.spec.default ?? this.spec.min);
  }

  get() {
    const text = this.control.value.trim();
    return text === "" ? null : { kind: NUMBER.test(text) ? "json" : "text", text };
  }
}

/** On or off. Only what differs from the default is given. */
class SwitchValue {
  constructor(spec, { id, changed }) {
    this.isOn = spec.default === "true";
    this.control = make("input", { type: "checkbox", role: "switch", id, onchange: changed });
    this.elements = [this.control];
  }

  set(value) {
    this.control.checked = value ? value.text === "true" : this.isOn;
  }

  get() {
    return this.control.checked === this.isOn ? null : { kind: "json", text: String(this.control.checked) };
  }
}

/** One of some values, or, where the endpoint takes one, an object of one's own in their place. */
class ChoiceValue {
  constructor(spec, place) {
    this.spec = spec;
    const changed = () => { this.unfold(); place.changed(); };
    this.control = make("select", { class: "fal-input", id: place.id, onchange: changed });
    if (spec.members) this.own = new ObjectValue(spec, { ...place, id: `${place.id}-own` });
    this.elements = [this.control, ...(this.own?.elements ?? [])];
    this.set(null);
  }

  set(value) {
    const isSame = ([kind, text]) => value?.kind === kind && value.text === text;
    const isOwn = value !== null && this.own !== undefined && value.kind === "json" && value.text.startsWith("{");
    const isOther = value !== null && !isOwn && !this.spec.choices.some(isSame);
    this.other = isOther ? { kind: value.kind, text: value.text } : null;
    const none = this.spec.default ? `${this.spec.default} (default)` : this.spec.required ? "choose…" : "not given";
    this.control.replaceChildren(
      make("option", { value: "" }, none),
      ...this.spec.choices.map(([, text], at) => make("option", { value: String(at) }, text)),
      ...(this.own ? [make("option", { value: "own" }, "custom…")] : []),
      ...(this.other ? [make("option", { value: "other" }, this.other.text)] : []),
    );
    const at = this.spec.choices.findIndex(isSame);
    this.control.value = isOwn ? "own" : this.other ? "other" : at < 0 ? "" : String(at);
    this.own?.set(isOwn ? value : null);
    this.unfold();
  }

  unfold() {
    if (this.own) this.own.element.hidden = this.control.value !== "own";
  }

  get() {
    if (this.control.value === "") return null;
    if (this.control.value === "own") return this.own.get();
    if (this.control.value === "other") return this.other;
    const [kind, text] = this.spec.choices[Number(this.control.value)];
    return { kind, text };
  }
}

/** An object, with a field for each of its members. */
class ObjectValue {
  constructor(spec, { id, name, changed }) {
    this.fields = spec.members.map((each, at) => new MemberField(each, { id: `${id}-${at}`, changed }));
    this.element = make("div", { class: "fal-members", role: "group", "aria-label": `members of ${name}` },
      ...this.fields.map((field) => field.element));
    this.control = this.fields[0].value.control;
    this.elements = [this.element];
    this.rest = {};
  }

  set(value) {
    const given = parsed(value?.text ?? "{}");
    this.rest = { ...given };
    for (const field of this.fields) {
      const member = Object.hasOwn(given, field.name) ? given[field.name] : undefined;
      delete this.rest[field.name];
      field.value.set(rowValue(member));
    }
  }

  get() {
    const members = this.fields.map((field) => [field.name, field.value.get()]).filter(([, value]) => value !== null);
    const known = members.map(([name, value]) => `${JSON.stringify(name)}: ${jsonOf(value)}`);
    const rest = Object.entries(this.rest).map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`);
    return known.length + rest.length ? { kind: "json", text: `{${[...known, ...rest].join(", ")}}` } : null;
  }

  fit() {
    for (const field of this.fields) field.value.fit?.();
  }
}

/** The URL of a file, or a file from this computer. */
class FileValue {
  constructor(spec, { id, name, changed, attach }) {
    this.several = spec.several;
    this.control = make("textarea", {
      class: "fal-input fal-value", id, rows: "1", spellcheck: "false", autocomplete: "off",
      placeholder: this.several ? "URLs, each on a line" : "URL", oninput: () => { this.fit(); changed(); },
    });
    this.text = new EditedText(this.control);
    const accept = ["image", "audio", "video"].includes(spec.file) ? `${spec.file}/*` : false;
    this.picker = make("input", {
      type: "file", hidden: true, accept, multiple: this.several,
      onchange: () => { attach([...this.picker.files], name); this.picker.value = ""; },
    });
    const chooser = { class: "fal-button", "aria-label": `File for ${name}` };
    this.choose = button("File…", chooser, () => this.picker.click());
    this.chosen = make("span", { class: "fal-file", hidden: true });
    this.drop = button("×", { class: "fal-button fal-quiet", "aria-label": `Remove file of ${name}`, title: "Remove" },
      () => { this.set(null); changed(); this.control.focus(); });
    this.elements = [make("div", { class: "fal-file-value" },
      this.chosen, this.drop, this.control, this.choose, this.picker)];
    const take = (files) => attach(files, name);
    this.elements[0].addEventListener("drop", (event) => takeFiles(event, event.dataTransfer, take));
    this.set(null);
  }

  set(value) {
    this.isFile = value?.kind === "file";
    this.given = value;
    this.chosen.textContent = this.isFile ? value.text : "";
    this.chosen.hidden = this.drop.hidden = !this.isFile;
    this.control.hidden = this.isFile && !this.several;
    this.text.set(this.isFile ? "" : this.several ? lines(value?.text) : (value?.text ?? ""));
  }

  get() {
    const text = this.text.value.trim();
    if (text === "") return this.isFile ? this.given : null;
    return this.several ? { kind: "json", text: JSON.stringify(text.split(/\s*\n\s*/)) } : { kind: "text", text };
  }

  fit() {
    fit(this.control, 160);
  }
}

const VALUES = {
  text: TextValue, area: TextValue, json: JsonValue, any: JsonValue, number: NumberValue, switch: SwitchValue,
  choice: ChoiceValue, object: ObjectValue, file: FileValue,
};

/** The name of an argument, which labels its control; that of an object labels no single one. */
function nameLabel(spec, id, ...more) {
  const attributes = spec.control === "object" ? {} : { for: id };
  return make(spec.control === "object" ? "span" : "label", { class: "fal-label", ...attributes }, spec.name, ...more);
}

/** A member of an object: a name and its control. */
class MemberField {
  constructor(spec, { id, changed }) {
    this.name = spec.name;
    this.value = new VALUES[spec.control === "file" ? "text" : spec.control](spec, { id, name: spec.name, changed });
    this.element = make("div", { class: "fal-argument", title: spec.help ?? false },
      nameLabel(spec, id), make("div", { class: "fal-control" }, ...this.value.elements));
  }
}

/** The object that a JSON text stands for; an empty one if it stands for none. */
function parsed(text) {
  try {
    const value = JSON.parse(text);
    return value !== null && typeof value === "object" && !Array.isArray(value) ? value : {};
  } catch {
    return {};
  }
}

/** A value of JSON as the kind and the text of a row. */
function rowValue(value) {
  if (value === undefined) return null;
  return typeof value === "string" ? { kind: "text", text: value } : { kind: "json", text: JSON.stringify(value) };
}

/** A row's value in JSON. A text that is no JSON is quoted, and Python tells what is wrong with it. */
function jsonOf({ kind, text }) {
  if (kind === "json") {
    try {
      JSON.parse(text);
      return text;
    } catch { /* quoted below */ }
  }
  return JSON.stringify(text);
}

/** A list of texts in JSON, each on a line; other texts as they are. */
function lines(text) {
  try {
    const found = JSON.parse(text);
    return Array.isArray(found) && found.every((each) => typeof each === "string") ? found.join("\n") : text;
  } catch {
    return text ?? "";
  }
}
