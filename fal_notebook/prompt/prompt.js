// What the page shows of a PromptWidget, and what it asks of it.
//
// Words of a model go into text nodes only. HTML comes from Python, which made it safe, and is put in as it is.
// The conversation is kept in Python: a view that opens later says hello and is told all of it.

const STATES = {
  idle: "not connected",
  connecting: "connecting…",
  reconnecting: "reconnecting…",
  ready: "ready",
  streaming: "streaming…",
  offline: "offline",
};
const NEAR_BOTTOM = 32; // pixels within which a reader counts as being at the end
const BLOCK = 1000; // characters that a page can always lay out as one
const FOREIGN = /[^\0-\u02ff\u2000-\u2bff]/;
const HEARD_WITHIN = 1000; // milliseconds that a Stop takes where the kernel hears it
let count = 0;

/** An element with attributes, listeners (`onclick`) and children. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

function button(label, attributes, act) {
  return make("button", { type: "button", class: "fal-button", ...attributes, onclick: act }, label);
}

/** What to say so many milliseconds after a Stop was asked for. */
function stopping(milliseconds) {
  return milliseconds < HEARD_WITHIN ? "stopping…" : "stopping… (waits for the running cell)";
}

/** Whether someone is in this control; its root may be a shadow, as in marimo. */
function isFocused(control) {
  return control.getRootNode().activeElement === control;
}

function options(values) {
  return values.map((value) => make("option", { value }));
}

/** The text that Python packed. */
function unpack(buffer) {
  return new Response(new Blob([buffer]).stream().pipeThrough(new DecompressionStream("deflate"))).text();
}

/** Where in a text the first `count` characters end that a control shows of it: it changes line ends, or drops some. */
function placeOf(text, shown, count) {
  let at = 0;
  for (let seen = 0; seen < count && at < text.length; at += 1) {
    const isLineEnd = text[at] === "\r" && shown[seen] === "\n";
    if (isLineEnd && text[at + 1] === "\n") at += 1;
    if (isLineEnd || text[at] === shown[seen]) seen += 1;
  }
  return at;
}

/** A control and its text. The text stays as it was set, but for the part that someone edits. */
class Text {
  constructor(control) {
    this.control = control;
    this.set("");
    control.addEventListener("input", () => this.read());
  }

  set(value) {
    this.value = value;
    this.control.value = value;
    this.shown = this.control.value;
    this.isEdited = false;
  }

  read() {
    const [before, now] = [this.shown, this.control.value];
    if (now === before) return;
    const shorter = Math.min(before.length, now.length);
    let start = 0;
    while (start < shorter && before[start] === now[start]) start += 1;
    let end = 0;
    while (end < shorter - start && before.at(-1 - end) === now.at(-1 - end)) end += 1;
    const head = this.value.slice(0, placeOf(this.value, before, start));
    const tail = end ? this.value.slice(placeOf(this.value, before, before.length - end)) : "";
    this.value = head + now.slice(start, now.length - end) + tail;
    this.shown = now;
    this.isEdited = true;
  }
}

/** Make a text area as high as its text. */
function fit(area, most) {
  area.style.height = "auto";
  if (area.scrollHeight) area.style.height = `${Math.min(area.scrollHeight + 2, most)}px`;
}

/** Where the first block of a text ends: behind a line end. Only what may be dear is cut within a line. */
function blockEnd(text) {
  if (text.length <= BLOCK) return text.length;
  const most = FOREIGN.test(text.slice(0, BLOCK)) ? BLOCK : 20 * BLOCK;
  const lineEnd = text.lastIndexOf("\n", BLOCK - 1) + 1 || text.indexOf("\n") + 1;
  if (lineEnd && lineEnd <= most) return lineEnd;
  if (text.length <= most) return text.length;
  return /[\ud800-\udbff]/.test(text[most - 1]) ? most - 1 : most;
}

/** Words in blocks: a page shapes and orders a block as one, and halts at a long one of many scripts or directions. */
class Lines {
  constructor(element, text) {
    this.element = element;
    this.blocks = [];
    this.text = "";
    this.grow(0, text);
  }

  grow(offset, text) {
    const appends = offset >= this.text.length;
    this.text = this.text.slice(0, offset) + text;
    const last = this.blocks.at(-1);
    if (appends && last && last.node.length + text.length <= BLOCK) {
      last.node.appendData(text);
      return;
    }
    let start = offset; // of what is put anew: the block that holds this place, and all behind it
    while (this.blocks.length && start >= offset) {
      const block = this.blocks.pop();
      block.node.parentNode.remove();
      start = block.start;
    }
    for (let rest = this.text.slice(start); rest;) {
      const words = rest.slice(0, blockEnd(rest));
      rest = rest.slice(words.length);
      const node = document.createTextNode(words);
      this.element.append(make("div", { class: FOREIGN.test(words) && rest ? "fal-block" : "" }, node));
      this.blocks.push({ node, start });
      start += words.length;
    }
  }
}

/** One argument: its name, its kind, its text. What is wrong with it stands beneath it. */
class Row {
  constructor(given, form) {
    const id = `${form.prefix}-row-${++count}`;
    this.given = given;
    this.isEdited = !given.id; // one that is new here, Python does not know
    this.id = given.id ?? id;
    const changed = () => { this.isEdited = true; this.check(); form.tell(); };
    const plain = { spellcheck: "false", autocomplete: "off" };
    this.name = new Text(make("input", { class: "fal-input fal-name", "aria-label": "Argument name", placeholder: "name", ...plain }));
    this.kind = make("select", { class: "fal-input fal-kind", "aria-label": "Kind of value", onchange: changed },
      make("option", { value: "text" }, "text"), make("option", { value: "json" }, "JSON"));
    this.text = new Text(make("textarea", {
      class: "fal-input fal-value", "aria-label": "Value", placeholder: "value", rows: "1", "aria-describedby": id, ...plain,
    }));
    for (const { control } of [this.name, this.text]) control.addEventListener("input", changed);
    this.text.control.addEventListener("input", () => this.fit());
    this.problem = make("div", { class: "fal-problem", id, hidden: true });
    this.remove = button("×", { class: "fal-button fal-quiet", "aria-label": "Remove argument", title: "Remove" }, () => form.drop(this));
    this.element = make("div", { class: "fal-row", role: "group", "aria-label": "Argument" },
      this.name.control, this.kind, this.text.control, this.remove, this.problem);
    this.name.set(given.name);
    this.kind.value = given.kind;
    this.text.set(given.text);
  }

  /** What Python is told: all of it where someone edited it, else which one it is. */
  get told() {
    return this.isEdited ? { id: this.id, name: this.name.value, kind: this.kind.value, text: this.text.value } : { id: this.id };
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

  /** Say at once what its JSON lacks; Python has the last word when it is sent. */
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

/** The arguments as rows. A model has a field of its own, which is there too where the endpoint takes one. */
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
      this.tell();
      row.name.control.focus();
    });
    this.element.append(this.title, this.list, add);
    this.models = make("datalist", { id: `${prefix}-models` });
    this.model = new Text(make("input", {
      class: "fal-input", id: `${prefix}-model`, list: this.models.id, spellcheck: "false", autocomplete: "off",
      placeholder: "the endpoint's own",
    }));
    this.model.control.addEventListener("input", () => this.nameModel());
    this.modelField = make("div", { class: "fal-field", hidden: true },
      make("label", { for: this.model.control.id }, "Model"), this.model.control, this.models);
  }

  /** Show these rows. Those stay that show the same already, and one that someone is typing in. */
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
    const isSame = listed.length === this.list.children.length && listed.every((each, at) => each === this.list.children[at]);
    if (!isSame) this.list.replaceChildren(...listed); // moving a control takes the focus from it
    this.number();
    this.fit();
  }

  /** Take what someone wrote into the model's field; one that is empty is no argument. */
  nameModel() {
    const text = this.model.value.trim();
    this.rows = this.rows.filter((row) => row !== this.modelRow);
    this.modelRow = text ? new Row({ name: "model", kind: "text", text }, this) : undefined;
    if (this.modelRow) this.rows.unshift(this.modelRow);
    this.changed();
  }

  /** The rows for Python; null as long as it has not told its own. */
  told() {
    return this.isKnown ? this.rows.map((row) => row.told) : null;
  }

  drop(row) {
    const next = row.element.nextElementSibling?.querySelector("input") ?? this.title;
    this.rows = this.rows.filter((each) => each !== row);
    row.element.remove();
    this.tell();
    next.focus();
  }

  tell() {
    this.number();
    this.changed();
  }

  number() {
    const shown = this.list.children.length;
    this.title.textContent = shown ? `Arguments (${shown})` : "Arguments";
  }

  fit() {
    for (const row of this.rows) row.fit();
  }

  /** Show what Python found wrong, by the number of the row, and go there. */
  showProblems(problems) {
    const wrong = Object.entries(problems).filter(([number]) => this.rows[number]);
    for (const [number, message] of wrong) this.rows[number].mark(message);
    if (wrong.length) {
      this.element.open = true;
      this.rows[wrong[0][0]].text.control.focus();
    }
  }
}

/** One prompt and its answer. */
class Entry {
  constructor(message, view) {
    this.id = message.id;
    this.copied = null;
    this.answer = make("div", { class: "fal-answer fal-words" });
    this.words = new Lines(this.answer, message.text);
    const asked = make("div", { class: "fal-asked", id: `${view.prefix}-prompt-${message.id}` });
    new Lines(asked, message.prompt);
    const named = { "aria-describedby": asked.id };
    this.rerun = button("Rerun", { class: "fal-button fal-quiet", ...named }, () => view.ask("rerun", { id: this.id }));
    this.remove = button("Delete", { class: "fal-button fal-quiet", ...named }, () => view.ask("delete", { id: this.id }));
    const copy = button("Copy", { class: "fal-button fal-quiet", ...named }, () => view.copy(this));
    this.element = make("article", { class: "fal-entry", "aria-label": "Answer" },
      asked,
      this.answer,
      make("div", { class: "fal-actions", role: "toolbar", "aria-label": "Answer actions" }, copy, this.rerun, this.remove));
    this.bar = make("progress", { max: 1, "aria-label": "Progress" });
    this.said = make("span", {});
    this.work = make("div", { class: "fal-work", hidden: true }, this.bar, this.said);
    this.picture = make("img", { class: "fal-preview", alt: "Preview", hidden: true });
    this.answer.before(this.work);
    this.answer.after(this.picture);
    this.typeset = (node) => view.typeset(node);
    this.streaming = true;
    this.stopAsked = null; // when, in milliseconds
    this.element.classList.add("fal-streaming");
  }

  get text() {
    return this.copied ?? this.words.text;
  }

  grow(offset, text) {
    this.words.grow(offset, text);
  }

  progress({ fraction, message }) {
    this.work.hidden = false;
    if (fraction === null) this.bar.removeAttribute("value");
    else this.bar.value = fraction;
    this.said.textContent = message;
  }

  /** Show bytes of a picture type in place of those before. */
  preview(type, bytes) {
    this.forget();
    this.url = URL.createObjectURL(new Blob([bytes], { type }));
    this.picture.src = this.url;
    this.picture.hidden = false;
  }

  forget() {
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = null;
  }

  /** Show the view of a player. */
  sound(view) {
    this.player = view;
    this.answer.before(view.el);
  }

  close() {
    this.forget();
    this.player?.remove();
  }

  end(message) {
    this.streaming = false;
    this.forget();
    this.work.remove();
    this.picture.remove();
    this.copied = message.copy ?? null;
    this.element.classList.remove("fal-streaming");
    this.element.dataset.end = message.end;
    this.answer.className = "fal-answer";
    this.answer.innerHTML = message.html; // made safe by Python
    this.typeset(this.answer);
  }
}

// The static transcript in the notebook. A display by Python does not find the cell where the box stands within another
// widget, or the page was loaded anew. The page does, where its widgets know their notebook: JupyterLab and Notebook 7.
const VIEW = "application/vnd.jupyter.widget-view+json";

/** Whether a widget is the one that is looked for, or has it within. */
async function holds(manager, id, wanted) {
  if (id === wanted) return true;
  if (!id || !manager.has_model(id)) return false;
  const widget = await manager.get_model(id);
  const outputs = [...(widget.get("outputs") ?? [])].map((output) => output.data?.[VIEW]?.model_id);
  const children = [...(widget.get("children") ?? [])].map((child) => child?.model_id);
  for (const inner of [...children, ...outputs]) if (await holds(manager, inner, wanted)) return true;
  return false;
}

/** The cells' outputs in which a widget is displayed. */
async function outputsWith(model, widget) {
  const manager = model.widget_manager;
  const found = [];
  for (const { outputs } of manager?.context?.model?.cells ?? []) {
    for (let at = 0; at < (outputs?.length ?? 0); at += 1) {
      if (await holds(manager, outputs.get(at).data[VIEW]?.model_id, widget)) {
        found.push(outputs);
        break;
      }
    }
  }
  return found;
}

const PIECE = /^<\w+ data-fal-transcript="(\w+)" data-fal-piece="(\d+)" data-fal-version="(\d+)"/;

/** Where in the outputs of a cell the pieces of the transcript of this name stand, and in which version. */
function piecesIn(outputs, name) {
  const pieces = new Map();
  for (let at = 0; at < outputs.length; at += 1) {
    const html = outputs.get(at).data["text/html"];
    const [, of, piece, version] = PIECE.exec([html].flat()[0] ?? "") ?? [];
    if (of === name) pieces.set(Number(piece), { at, version: Number(version) });
  }
  return pieces;
}

/** The numbers of the pieces that a cell which shows the widget has not in the version that it should have. */
async function missingPieces(model, { widget, transcript, versions }) {
  const places = (await outputsWith(model, widget)).map((outputs) => piecesIn(outputs, transcript));
  const isMissing = (version, piece) => places.some((pieces) => (pieces.get(piece)?.version ?? 0) !== version);
  return [...versions.keys()].filter((piece) => isMissing(versions[piece], piece));
}

async function putPieces(model, { widget, transcript }, bundles) {
  for (const outputs of await outputsWith(model, widget)) {
    const pieces = piecesIn(outputs, transcript);
    for (const [piece, data] of bundles) {
      const output = { output_type: "display_data", data, metadata: {} };
      if (pieces.has(piece)) outputs.set(pieces.get(piece).at, output);
      else outputs.add(output);
    }
  }
}

/** One view of the widget. */
class View {
  constructor(model, element) {
    this.model = model;
    this.root = element;
    this.prefix = `fal-${crypto.randomUUID?.() ?? Math.random().toString(36).slice(2)}`;
    this.entries = new Map();
    this.state = "idle";
    this.status = "";
    this.began = 0;
    this.build();
    this.listen();
    this.showState({ state: "idle", reason: "", status: "" });
    this.control = new Control(model, ""); // until Python tells the address
    this.send("hello");
  }

  build() {
    const id = (name) => `${this.prefix}-${name}`;
    this.form = new Form(this.prefix, () => this.later());
    this.endpoint = new Text(make("input", {
      class: "fal-input", id: id("endpoint"), list: id("endpoints"), spellcheck: "false", autocomplete: "off",
      onchange: () => this.save(),
    }));
    this.endpoints = make("datalist", { id: id("endpoints") });
    this.light = make("span", { class: "fal-light", "aria-hidden": "true" });
    this.stateText = make("span", {});
    const state = make("div", { class: "fal-state" }, this.light, this.stateText);
    this.reason = make("div", { class: "fal-problem", hidden: true });
    this.log = make("div", { class: "fal-log", role: "log", "aria-live": "off", "aria-label": "Conversation", tabindex: "0", hidden: true });
    this.prompt = new Text(make("textarea", {
      class: "fal-input fal-prompt", id: id("prompt"), rows: "2", placeholder: "Ask something…",
      oninput: () => { this.fit(); this.later(); },
    }));
    const keys = /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘ Enter" : "Ctrl+Enter";
    this.runButton = button("Run", { class: "fal-button fal-primary", title: keys, "aria-keyshortcuts": "Control+Enter Meta+Enter" }, () => this.run());
    this.stopButton = button("Stop", { title: "Escape", "aria-keyshortcuts": "Escape" }, () => this.stop());
    this.clearButton = button("Clear", { title: "Forget the conversation" }, () => { this.ask("clear"); this.prompt.control.focus(); });
    this.play = make("input", { type: "checkbox", role: "switch", onchange: () => this.save() });
    const play = make("label", { class: "fal-switch", title: "Play sound while it is being made" }, this.play, "Play sound");
    this.statusLine = make("div", { class: "fal-status" });
    this.announcer = make("div", { class: "fal-hidden", role: "status", "aria-live": "polite" });
    this.notice = make("div", { class: "fal-problem", role: "alert" });
    this.root.classList.add("fal-root");
    this.root.setAttribute("data-lm-suppress-shortcuts", "true"); // Ctrl+Enter is ours here
    this.root.setAttribute("role", "region");
    this.root.setAttribute("aria-label", "Prompt for a fal endpoint");
    this.root.append(
      make("div", { class: "fal-head" },
        make("div", { class: "fal-field fal-wide" }, make("label", { for: this.endpoint.control.id }, "Endpoint"), this.endpoint.control, this.endpoints),
        this.form.modelField, state),
      this.reason, this.log, this.form.element,
      make("label", { class: "fal-hidden", for: this.prompt.control.id }, "Prompt"), this.prompt.control, this.notice,
      make("div", { class: "fal-foot" },
        make("div", { class: "fal-buttons" }, this.runButton, this.stopButton, this.clearButton, play), this.statusLine),
      this.announcer);
    this.hiding = make("style"); // while the widget lives, its transcript would show everything twice
  }

  listen() {
    this.turn = Promise.resolve(); // one message after the other, though some are unpacked first
    this.onMessage = (message, buffers) => {
      if (message.view && message.view !== this.prefix) return;
      this.turn = this.turn.then(() => this.take(message, buffers)).catch((error) => console.warn(error));
    };
    this.onModel = () => this.showModel();
    this.model.on("msg:custom", this.onMessage);
    this.names = ["endpoint", "prompt", "play"];
    for (const name of this.names) this.model.on(`change:${name}`, this.onModel);
    this.root.addEventListener("keydown", (event) => this.key(event));
    this.timer = setInterval(() => this.showStatus(), 200);
    this.showModel();
  }

  close() {
    this.closed = true;
    clearInterval(this.timer);
    clearTimeout(this.saving);
    this.model.off("msg:custom", this.onMessage);
    for (const name of this.names) this.model.off(`change:${name}`, this.onModel);
    this.hiding.remove();
    for (const entry of this.entries.values()) entry.close();
  }

  listenTo(address) {
    this.control = new Control(this.model, address);
    this.control.ask().catch(() => {}); // without it a Stop goes the way of all else
  }

  send(kind, content = {}) {
    this.model.send({ kind, view: this.prefix, ...content });
  }

  ask(kind, content) {
    this.notice.textContent = "";
    this.send(kind, content);
  }

  key(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      this.run();
    } else if (event.key === "Escape" && this.streaming) {
      this.stop();
    } else {
      event.stopPropagation();
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  /** The entry whose answer is on its way. */
  get streaming() {
    return this.newest?.streaming ? this.newest : undefined;
  }

  run() {
    if (this.streaming) return;
    clearTimeout(this.saving);
    this.ask("run", {
      prompt: this.prompt.value, endpoint: this.endpoint.value, rows: this.form.told(), play: this.play.checked,
    });
    this.statusLine.textContent = "waiting for the kernel…";
    if (isFocused(this.runButton)) this.prompt.control.focus();
  }

  stop() {
    const entry = this.streaming;
    if (!entry) return;
    this.notice.textContent = "";
    this.control.say({ kind: "stop", id: entry.id });
    entry.stopAsked ??= performance.now();
    this.showStatus();
  }

  async copy(entry) {
    try {
      await navigator.clipboard.writeText(entry.text);
      this.announcer.textContent = this.statusLine.textContent = "copied";
    } catch {
      this.notice.textContent = "the browser did not let the page copy: select the words instead";
    }
  }

  later() {
    clearTimeout(this.saving);
    this.saving = setTimeout(() => this.save(), 300);
  }

  /** Tell Python what someone changed here, and nothing else. */
  save() {
    clearTimeout(this.saving);
    if (this.endpoint.isEdited) this.model.set("endpoint", this.endpoint.value);
    if (this.prompt.isEdited) this.model.set("prompt", this.prompt.value);
    this.model.set("play", this.play.checked);
    this.model.save_changes();
    if (this.form.isEdited) this.send("edited", { rows: this.form.told() });
    this.form.isEdited = false;
  }

  /** Take over what Python set; what is being typed in stays. */
  showModel() {
    for (const name of ["endpoint", "prompt"]) {
      if (!isFocused(this[name].control)) this[name].set(this.model.get(name));
    }
    this.play.checked = this.model.get("play");
    this.fit();
  }

  showForm({ but, rows, takesModel, endpoints, models }) {
    if (but !== this.prefix) this.form.show(rows, takesModel);
    this.endpoints.replaceChildren(...options(endpoints));
    this.form.models.replaceChildren(...options(models));
  }

  fit() {
    fit(this.prompt.control, 320);
  }

  async take(message, buffers) {
    const packed = message.kind === "done" || message.kind === "entry" ? buffers?.[0] : undefined;
    const whole = packed ? { ...message, html: await unpack(packed) } : message;
    if (!this.closed) this.receive(whole, buffers);
  }

  receive(message, buffers) {
    const stuck = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < NEAR_BOTTOM;
    const entry = this.entries.get(message.id);
    if (message.kind === "entry") this.open(message);
    else if (message.kind === "delta" && entry) this.grow(entry, message);
    else if (message.kind === "preview" && entry) entry.preview(message.type, buffers[0]);
    else if (message.kind === "progress" && entry) entry.progress(message);
    else if (message.kind === "sound" && entry) this.hear(entry, message.model);
    else if (message.kind === "done" && entry) this.finish(entry, message);
    else if (message.kind === "deleted" && entry) this.drop(entry);
    else if (message.kind === "cleared") this.clear();
    else if (message.kind === "state") this.showState(message);
    else if (message.kind === "form") this.showForm(message);
    else if (message.kind === "control") this.listenTo(message.address);
    else if (message.kind === "kept") this.look(message);
    else if (message.kind === "transcript") putPieces(this.model, this.kept, message.pieces);
    else if (message.kind === "refused") this.refuse(message);
    if (stuck || message.kind === "entry") this.log.scrollTop = this.log.scrollHeight;
  }

  open(message) {
    const entry = new Entry(message, this);
    this.entries.set(message.id, entry);
    this.newest = entry;
    this.log.append(entry.element);
    this.log.hidden = false;
    if (message.html !== undefined) entry.end(message);
    else this.start();
    if (message.html === undefined && this.prompt.control.value === message.prompt) {
      this.prompt.set("");
      this.prompt.isEdited = true;
      this.fit();
      this.save();
    }
    this.enable();
  }

  start() {
    this.began = performance.now();
    this.status = "";
    this.notice.textContent = "";
    this.announcer.textContent = "sent";
  }

  grow(entry, message) {
    if (message.new !== undefined) entry.grow(message.offset, message.new);
    this.began = performance.now() - message.elapsed * 1000;
    this.status = message.status;
    this.showStatus();
  }

  /** Hide the static transcript, for Python answers and the page has the conversation; ask for it where it is missing. */
  async look(message) {
    this.kept = message;
    const piece = `[data-fal-transcript="${CSS.escape(message.transcript)}"]`;
    this.hiding.textContent = `${piece}, .jp-OutputArea-child:has(> * > ${piece}) { display: none }`;
    if (!this.hiding.isConnected) document.head.append(this.hiding);
    try {
      const pieces = await missingPieces(this.model, message);
      if (pieces.length) this.send("transcript", { pieces });
    } catch (error) {
      console.warn(error);
    }
  }

  /** Show the player of a sound that comes. It is a widget of its own, and sounds where it cannot be shown too. */
  async hear(entry, id) {
    try {
      const manager = this.model.widget_manager;
      const view = await manager.create_view(await manager.get_model(id));
      if (this.entries.get(entry.id) === entry) entry.sound(view);
      else view.remove();
    } catch (error) {
      console.warn(error);
    }
  }

  /** Set formulas as the page sets those of its own outputs; where it cannot, they stay TeX. */
  async typeset(node) {
    try {
      await this.model.widget_manager?.rendermime?.latexTypesetter?.typeset(node);
    } catch (error) {
      console.warn(error);
    }
  }

  finish(entry, message) {
    entry.end(message);
    this.status = message.status ?? "";
    this.model.set("play", this.play.checked); // the same; in marimo it runs the cells anew that ask for the value
    this.model.save_changes();
    this.announcer.textContent = { done: "answer complete", stopped: "stopped", failed: "failed" }[message.end];
    if (isFocused(this.stopButton)) this.prompt.control.focus();
    this.enable();
  }

  drop(entry) {
    const next = entry.element.nextElementSibling ?? entry.element.previousElementSibling;
    const focused = entry.element.contains(entry.element.getRootNode().activeElement);
    entry.close();
    entry.element.remove();
    this.entries.delete(entry.id);
    this.log.hidden = this.entries.size === 0;
    if (focused) (next?.querySelector("button") ?? this.prompt.control).focus();
    this.announcer.textContent = "deleted";
  }

  clear() {
    for (const entry of this.entries.values()) entry.close();
    this.entries.clear();
    this.newest = undefined;
    this.log.replaceChildren();
    this.log.hidden = true;
    this.status = "";
    this.enable();
  }

  refuse(message) {
    this.notice.textContent = message.message;
    this.status = "";
    this.form.showProblems(message.problems);
    this.enable();
  }

  showState({ state, reason, status }) {
    this.state = state;
    this.light.dataset.state = state;
    this.stateText.textContent = STATES[state] ?? state;
    this.reason.textContent = reason;
    this.reason.hidden = !reason;
    if (status) this.status = status;
    this.enable();
  }

  showStatus() {
    const entry = this.streaming;
    if (!entry) return;
    const seconds = ((performance.now() - this.began) / 1000).toFixed(1);
    const status = entry.stopAsked === null ? this.status : stopping(performance.now() - entry.stopAsked);
    this.statusLine.textContent = [`${seconds} s`, status].filter(Boolean).join(" · ");
  }

  enable() {
    const streaming = this.streaming !== undefined;
    this.runButton.disabled = streaming;
    this.stopButton.disabled = !streaming;
    this.clearButton.disabled = this.entries.size === 0;
    for (const entry of this.entries.values()) {
      entry.rerun.disabled = streaming;
      entry.remove.disabled = entry.streaming;
    }
    if (!streaming) this.statusLine.textContent = this.status;
  }
}

export default {
  render({ model, el }) {
    const view = new View(model, el);
    return () => view.close();
  },
};
