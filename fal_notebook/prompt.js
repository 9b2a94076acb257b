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

function isModel(row) {
  return row.name === "model" && row.kind === "text";
}

function options(values) {
  return values.map((value) => make("option", { value }));
}

/** The text that Python packed. */
function unpack(buffer) {
  return new Response(new Blob([buffer]).stream().pipeThrough(new DecompressionStream("deflate"))).text();
}

/** The arguments as rows of name, kind and text; what is wrong stands beneath its row. */
class Form {
  constructor(prefix, changed) {
    this.prefix = prefix;
    this.changed = changed;
    this.rows = [];
    this.element = make("details", { class: "fal-arguments" });
    this.title = make("summary", {}, "Arguments");
    this.list = make("div", { class: "fal-rows" });
    const add = button("Add argument", { class: "fal-button fal-quiet" }, () => {
      const row = this.append({ name: "", kind: "text", text: "" });
      this.tell();
      row.name.focus();
    });
    this.element.append(this.title, this.list, add);
    this.models = make("datalist", { id: `${prefix}-models` });
    this.model = make("input", {
      class: "fal-input", id: `${prefix}-model`, list: this.models.id, spellcheck: "false", autocomplete: "off",
      placeholder: "the endpoint's own", oninput: () => this.changed(),
    });
    this.modelField = make("div", { class: "fal-field", hidden: true },
      make("label", { for: this.model.id }, "Model"), this.model, this.models);
  }

  /** Show these rows. A model has a field of its own, which is there too where the endpoint takes one. */
  show(rows, takesModel) {
    const model = rows.find(isModel);
    this.modelField.hidden = !takesModel && !model;
    if (JSON.stringify(rows) === JSON.stringify(this.values())) return;
    this.rows = [];
    this.list.replaceChildren();
    this.model.value = model?.text ?? "";
    for (const row of rows) if (row !== model) this.append(row);
    this.number();
  }

  get modelRows() {
    const text = this.model.value.trim();
    return text ? [{ name: "model", kind: "text", text }] : [];
  }

  values() {
    const rows = this.rows.map((row) => ({ name: row.name.value, kind: row.kind.value, text: row.text.value }));
    return [...this.modelRows, ...rows];
  }

  append(value) {
    const id = `${this.prefix}-row-${++count}`;
    const changed = () => { this.check(row); this.tell(); };
    const row = {
      name: make("input", {
        class: "fal-input fal-name", "aria-label": "Argument name", placeholder: "name", spellcheck: "false",
        autocomplete: "off", oninput: changed,
      }),
      kind: make("select", { class: "fal-input fal-kind", "aria-label": "Kind of value", onchange: changed },
        make("option", { value: "text" }, "text"), make("option", { value: "json" }, "JSON")),
      text: make("input", {
        class: "fal-input fal-value", "aria-label": "Value", placeholder: "value", spellcheck: "false",
        autocomplete: "off", "aria-describedby": id, oninput: changed,
      }),
      problem: make("div", { class: "fal-problem", id, hidden: true }),
    };
    const remove = button("×", { class: "fal-button fal-quiet", "aria-label": "Remove argument", title: "Remove" }, () => {
      const next = this.rows[this.rows.indexOf(row) + 1]?.name ?? this.title;
      this.rows.splice(this.rows.indexOf(row), 1);
      row.element.remove();
      this.tell();
      next.focus();
    });
    row.name.value = value.name;
    row.kind.value = value.kind;
    row.text.value = value.text;
    row.element = make("div", { class: "fal-row", role: "group", "aria-label": "Argument" },
      row.name, row.kind, row.text, remove, row.problem);
    this.rows.push(row);
    this.list.append(row.element);
    return row;
  }

  tell() {
    this.number();
    this.changed();
  }

  number() {
    this.title.textContent = this.rows.length ? `Arguments (${this.rows.length})` : "Arguments";
  }

  /** Say at once what a row's JSON lacks; Python has the last word when it is sent. */
  check(row) {
    let message = "";
    if (row.kind.value === "json" && (row.name.value.trim() || row.text.value.trim())) {
      try {
        JSON.parse(row.text.value);
      } catch (error) {
        message = `not JSON: ${error.message}`;
      }
    }
    this.mark(row, message);
  }

  mark(row, message) {
    row.problem.textContent = message;
    row.problem.hidden = !message;
    row.text.setAttribute("aria-invalid", String(Boolean(message)));
  }

  /** Show what Python found wrong, by the number of the row among `values()`, and go there. */
  showProblems(problems) {
    const shift = this.modelRows.length;
    const wrong = Object.entries(problems).map(([number, message]) => [this.rows[number - shift], message]);
    for (const [row, message] of wrong) if (row) this.mark(row, message);
    if (wrong[0]?.[0]) {
      this.element.open = true;
      wrong[0][0].text.focus();
    }
  }
}

/** One prompt and its answer. */
class Entry {
  constructor(message, view) {
    this.id = message.id;
    this.words = document.createTextNode("");
    this.copied = null;
    this.answer = make("div", { class: "fal-answer fal-words" }, this.words);
    const named = { "aria-describedby": `${view.prefix}-prompt-${message.id}` };
    this.rerun = button("Rerun", { class: "fal-button fal-quiet", ...named }, () => view.ask("rerun", { id: this.id }));
    this.remove = button("Delete", { class: "fal-button fal-quiet", ...named }, () => view.ask("delete", { id: this.id }));
    const copy = button("Copy", { class: "fal-button fal-quiet", ...named }, () => view.copy(this));
    this.element = make("article", { class: "fal-entry", "aria-label": "Answer" },
      make("div", { class: "fal-asked", id: named["aria-describedby"] }, message.prompt),
      this.answer,
      make("div", { class: "fal-actions", role: "toolbar", "aria-label": "Answer actions" }, copy, this.rerun, this.remove));
    this.words.data = message.text;
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
    return this.copied ?? this.words.data;
  }

  grow(offset, text) {
    if (offset < this.words.length) this.words.data = this.words.data.slice(0, offset) + text;
    else this.words.appendData(text);
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
    this.answer.className = "fal-answer jp-RenderedHTMLCommon";
    this.answer.innerHTML = message.html; // made safe by Python
    this.typeset(this.answer);
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
    this.send("hello", { view: this.prefix });
    this.control = new Control(model);
    this.control.ask().catch(() => {}); // without it a Stop goes the way of all else
  }

  build() {
    const id = (name) => `${this.prefix}-${name}`;
    this.form = new Form(this.prefix, () => this.later());
    this.endpoint = make("input", {
      class: "fal-input", id: id("endpoint"), list: id("endpoints"), spellcheck: "false", autocomplete: "off",
      onchange: () => this.save(),
    });
    this.endpoints = make("datalist", { id: id("endpoints") });
    this.light = make("span", { class: "fal-light", "aria-hidden": "true" });
    this.stateText = make("span", {});
    const state = make("div", { class: "fal-state" }, this.light, this.stateText);
    this.reason = make("div", { class: "fal-problem", hidden: true });
    this.log = make("div", { class: "fal-log", role: "log", "aria-live": "off", "aria-label": "Conversation", tabindex: "0", hidden: true });
    this.prompt = make("textarea", {
      class: "fal-input fal-prompt", id: id("prompt"), rows: "2", placeholder: "Ask something…",
      oninput: () => { this.fit(); this.later(); },
    });
    const keys = /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘ Enter" : "Ctrl+Enter";
    this.runButton = button("Run", { class: "fal-button fal-primary", title: keys, "aria-keyshortcuts": "Control+Enter Meta+Enter" }, () => this.run());
    this.stopButton = button("Stop", { title: "Escape", "aria-keyshortcuts": "Escape" }, () => this.stop());
    this.clearButton = button("Clear", { title: "Forget the conversation" }, () => { this.ask("clear"); this.prompt.focus(); });
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
        make("div", { class: "fal-field fal-wide" }, make("label", { for: this.endpoint.id }, "Endpoint"), this.endpoint, this.endpoints),
        this.form.modelField, state),
      this.reason, this.log, this.form.element,
      make("label", { class: "fal-hidden", for: this.prompt.id }, "Prompt"), this.prompt, this.notice,
      make("div", { class: "fal-foot" },
        make("div", { class: "fal-buttons" }, this.runButton, this.stopButton, this.clearButton, play), this.statusLine),
      this.announcer);
    this.hiding = make("style"); // while the widget lives, its transcript would show everything twice
    this.hiding.textContent = `[data-fal-transcript="${CSS.escape(this.model.get("_transcript_name"))}"]{display:none}`;
  }

  listen() {
    this.turn = Promise.resolve(); // one message after the other, though some are unpacked first
    this.onMessage = (message, buffers) => {
      if (message.view && message.view !== this.prefix) return;
      this.turn = this.turn.then(() => this.take(message, buffers)).catch((error) => console.warn(error));
    };
    this.onModel = () => this.showModel();
    this.model.on("msg:custom", this.onMessage);
    this.names = ["endpoint", "prompt", "play", "_rows", "_takes_model", "_endpoints", "_models"];
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

  send(kind, content = {}) {
    this.model.send({ kind, ...content });
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
    return [...this.entries.values()].find((entry) => entry.streaming);
  }

  run() {
    if (this.streaming) return;
    clearTimeout(this.saving);
    this.ask("run", {
      prompt: this.prompt.value, endpoint: this.endpoint.value, rows: this.form.values(), play: this.play.checked,
    });
    this.statusLine.textContent = "waiting for the kernel…";
    if (document.activeElement === this.runButton) this.prompt.focus();
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

  save() {
    clearTimeout(this.saving);
    this.model.set("endpoint", this.endpoint.value);
    this.model.set("prompt", this.prompt.value);
    this.model.set("play", this.play.checked);
    this.model.set("_rows", this.form.values());
    this.model.save_changes();
  }

  /** Take over what Python set; what is being typed in stays. */
  showModel() {
    const typing = this.root.contains(document.activeElement) ? document.activeElement : null;
    if (typing !== this.endpoint) this.endpoint.value = this.model.get("endpoint");
    if (typing !== this.prompt) this.prompt.value = this.model.get("prompt");
    this.play.checked = this.model.get("play");
    if (!this.form.element.contains(typing) && typing !== this.form.model) {
      this.form.show(this.model.get("_rows"), this.model.get("_takes_model"));
    }
    this.endpoints.replaceChildren(...options(this.model.get("_endpoints")));
    this.form.models.replaceChildren(...options(this.model.get("_models")));
    this.fit();
  }

  fit() {
    this.prompt.style.height = "auto";
    this.prompt.style.height = `${Math.min(this.prompt.scrollHeight + 2, 320)}px`;
  }

  async take(message, buffers) {
    const packed = message.kind === "done" || message.kind === "entry" ? buffers?.[0] : undefined;
    const whole = packed ? { ...message, html: await unpack(packed) } : message;
    if (!this.closed) this.receive(whole, buffers);
  }

  receive(message, buffers) {
    const stuck = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < NEAR_BOTTOM;
    const entry = this.entries.get(message.id);
    document.head.append(this.hiding); // Python answers: the page has the conversation
    if (message.kind === "entry") this.open(message);
    else if (message.kind === "delta" && entry) this.grow(entry, message);
    else if (message.kind === "preview" && entry) entry.preview(message.type, buffers[0]);
    else if (message.kind === "progress" && entry) entry.progress(message);
    else if (message.kind === "sound" && entry) this.hear(entry, message.model);
    else if (message.kind === "done" && entry) this.finish(entry, message);
    else if (message.kind === "deleted" && entry) this.drop(entry);
    else if (message.kind === "cleared") this.clear();
    else if (message.kind === "state") this.showState(message);
    else if (message.kind === "refused") this.refuse(message);
    if (stuck || message.kind === "entry") this.log.scrollTop = this.log.scrollHeight;
  }

  open(message) {
    const entry = new Entry(message, this);
    this.entries.set(message.id, entry);
    this.log.append(entry.element);
    this.log.hidden = false;
    if (message.html !== undefined) entry.end(message);
    else this.start();
    if (message.html === undefined && this.prompt.value === message.prompt) {
      this.prompt.value = "";
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
    this.announcer.textContent = { done: "answer complete", stopped: "stopped", failed: "failed" }[message.end];
    if (document.activeElement === this.stopButton) this.prompt.focus();
    this.enable();
  }

  drop(entry) {
    const next = entry.element.nextElementSibling ?? entry.element.previousElementSibling;
    const focused = entry.element.contains(document.activeElement);
    entry.close();
    entry.element.remove();
    this.entries.delete(entry.id);
    this.log.hidden = this.entries.size === 0;
    if (focused) (next?.querySelector("button") ?? this.prompt).focus();
    this.announcer.textContent = "deleted";
  }

  clear() {
    for (const entry of this.entries.values()) entry.close();
    this.entries.clear();
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
