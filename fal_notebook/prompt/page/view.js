// One view of a PromptWidget. It builds the elements, shows what Python sends, and sends what the user does.
//
// Python keeps the conversation. A new view sends `hello`, and Python answers with all of it.

class View {
  constructor(model, element) {
    this.model = model;
    this.root = element;
    // Names this view in messages, and begins the ids of its elements.
    this.prefix = `fal-${crypto.randomUUID?.() ?? Math.random().toString(36).slice(2)}`;
    this.status = "";
    this.began = 0;
    this.takesSystem = true;
    this.build();
    this.listen();
    this.showState({ state: "idle", reason: "", status: "" });
    this.control = new Control(model, ""); // until Python has sent the address
    this.send("hello");
  }

  build() {
    const id = (name) => `${this.prefix}-${name}`;
    this.isCompact = this.model.get("compact") === true;
    this.form = new Form(this.prefix, () => this.saveSoon(), (files, name) => this.attachments.add(files, name));
    this.form.settled = () => {
      this.memory.takesSystem = this.takesSystem;
      this.memory.show();
    };
    this.attachments = new Attachments(this.prefix, {
      send: (kind, content, buffers) => this.send(kind, content, buffers),
      refuse: (why) => this.tellAnother(why),
      done: () => this.prompt.control.focus(),
    });
    this.memory = new Memory(this.prefix, () => this.saveSoon(), () => this.save());
    this.form.list.before(this.memory.field);
    this.form.element.addEventListener("toggle", () => this.memory.fit());
    this.endpoint = new EditedText(make("input", {
      class: "fal-input", id: id("endpoint"), spellcheck: "false", onchange: () => this.save(),
    }));
    this.endpoints = new Combobox(this.endpoint.control, id("endpoints"), "Suggestions");
    this.connection = new ConnectionState();
    this.conversation = new Conversation((numbers) => (
      this.control.say({ kind: "earlier", view: this.prefix, numbers })
    ));
    this.roving = new RovingToolbars(this.conversation.element);
    this.input = new PromptInput(this.prefix, this.memory.words.id, {
      send: () => this.run(), stop: () => this.stop(), changed: () => this.saveSoon(),
    });
    this.prompt = this.input.text;
    this.undo = new UndoBar(() => {
      this.ask("undo");
      this.prompt.control.focus();
    });
    this.clearButton = button("Clear", { title: "Forget the conversation" }, () => {
      this.ask("clear");
      this.prompt.control.focus();
    });
    const cellId = () => this.transcript.kept?.widget;
    this.cells = new NewCells(this.model, this.conversation.element, cellId, (words) => this.say(words));
    this.exporting = new Exporting((suffix) => this.ask("export", { suffix }));
    this.total = new Total();
    this.play = make("input", { type: "checkbox", role: "switch", onchange: () => this.save() });
    const play = make("label", { class: "fal-switch", title: "Play sound while it is being made" },
      this.play, "Play sound");
    this.statusLine = make("div", { class: "fal-status" });
    this.announcer = make("div", { class: "fal-hidden", role: "status", "aria-live": "polite" });
    this.notice = make("div", { class: "fal-problem", role: "alert" });
    this.root.classList.add("fal-root");
    this.root.setAttribute("data-lm-suppress-shortcuts", "true"); // or JupyterLab runs the cell on Ctrl+Enter
    this.root.setAttribute("role", "region");
    this.root.setAttribute("aria-label", "Prompt for a fal endpoint");
    const head = make("div", { class: "fal-head" },
      make("div", { class: "fal-field fal-wide" },
        make("label", { for: this.endpoint.control.id }, "Endpoint"), this.endpoint.control, this.endpoints.list),
      this.form.modelField, this.connection.element);
    this.input.box.append(this.attachments.button, this.attachments.picker);
    if (this.isCompact) {
      const others = [head, this.form.element, this.exporting.element, play, this.memory.element, this.attachments.button];
      for (const each of others) each.hidden = true;
      this.root.setAttribute("aria-label", "Conversation with a model");
    }
    this.root.append(
      head, this.connection.reason, this.form.element, this.conversation.element, this.undo.element,
      this.attachments.element, ...this.input.elements, this.notice,
      make("div", { class: "fal-foot" },
        make("div", { class: "fal-buttons" },
          this.clearButton, this.exporting.element, play, this.memory.element, this.total.element),
        this.statusLine),
      this.announcer);
    this.transcript = new StaticTranscript(this.model, (pieces) => this.send("transcript", { pieces }));
  }

  listen() {
    this.lastHandled = Promise.resolve(); // messages are handled in order, although unpacking is asynchronous
    this.onMessage = (message, buffers) => {
      if (message.view && message.view !== this.prefix) return;
      this.lastHandled = this.lastHandled.then(() => this.take(message, buffers)).catch((error) => console.warn(error));
    };
    this.onTraitChange = () => this.showTraits();
    this.onLost = () => this.lose();
    this.model.on("msg:custom", this.onMessage);
    this.model.on("comm_live_update", this.onLost); // in JupyterLab and Notebook 7, when the kernel is restarted
    this.onStatus = (_, status) => { if (status === "autorestarting" || status === "dead") this.lose(); };
    this.kernelStatus = this.model.widget_manager?.kernel?.statusChanged; // the same when it has crashed
    this.kernelStatus?.connect(this.onStatus);
    this.traits = ["endpoint", "prompt", "play", "system", "remember", "enter_sends"];
    for (const name of this.traits) this.model.on(`change:${name}`, this.onTraitChange);
    this.root.addEventListener("keydown", (event) => this.key(event));
    if (!this.isCompact) this.listenForFiles();
    this.timer = setInterval(() => this.showStatus(), 200);
    this.showTraits();
  }

  /** Take files that are pasted into the input or dropped on the box. */
  listenForFiles() {
    const take = (files) => { this.attachments.add(files); this.prompt.control.focus(); };
    this.prompt.control.addEventListener("paste", (event) => takeFiles(event, event.clipboardData, take));
    for (const kind of ["dragenter", "dragover"]) {
      this.root.addEventListener(kind, (event) => {
        if (![...(event.dataTransfer?.types ?? [])].includes("Files")) return;
        event.preventDefault(); // or nothing could be dropped here
        event.stopPropagation();
        this.root.classList.add("fal-dropping");
      });
    }
    this.root.addEventListener("dragleave", (event) => {
      if (!this.root.contains(event.relatedTarget)) this.root.classList.remove("fal-dropping");
    });
    this.root.addEventListener("drop", (event) => {
      this.root.classList.remove("fal-dropping");
      takeFiles(event, event.dataTransfer, take);
    });
  }

  close() {
    this.closed = true;
    this.endpoints.close();
    this.form.models.close();
    this.attachments.close();
    this.undo.close();
    this.input.close();
    clearInterval(this.timer);
    clearTimeout(this.saving);
    this.model.off("msg:custom", this.onMessage);
    this.model.off("comm_live_update", this.onLost);
    this.kernelStatus?.disconnect(this.onStatus);
    for (const name of this.traits) this.model.off(`change:${name}`, this.onTraitChange);
    this.transcript.close();
    this.conversation.close();
  }

  openControl(address) {
    this.control = new Control(this.model, address);
    this.control.ask().catch(() => {}); // without the control channel, a Stop is sent like every other message
  }

  /** Say that the kernel has gone, and break off the answer. If it is there all the same, it answers the hello. */
  lose() {
    try {
      this.send("hello");
    } catch { /* there is no way to send any more */ }
    this.isLost = true;
    this.streaming?.breakOff();
    this.input.withdraw();
    this.showState({ state: "offline", reason: LOST });
    this.statusLine.textContent = this.status = "";
  }

  send(kind, content = {}, buffers = undefined) {
    if (this.isLost) {
      this.notice.textContent = LOST;
      return;
    }
    const message = { kind, view: this.prefix, ...content };
    if (buffers) this.model.send(message, undefined, buffers);
    else this.model.send(message);
  }

  ask(kind, content) {
    this.notice.textContent = "";
    this.send(kind, content);
  }

  key(event) {
    const isInPrompt = event.target === this.prompt.control;
    if (event.isComposing) { // the key belongs to the method that writes Chinese, Japanese, …
      event.stopPropagation();
      return;
    }
    if (sends(event, isInPrompt, this.input.enterSends)) {
      if (!event.repeat) this.run();
    } else if (event.key === "Escape" && this.streaming) {
      this.stop();
    } else if (!isInPrompt || !this.input.walk(event)) {
      event.stopPropagation();
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  /** The entry whose answer is streaming. */
  get streaming() {
    return this.conversation.streaming;
  }

  /** Send the prompt. While an answer streams, it waits for its end. */
  run() {
    if (!this.streaming) this.request(this.prompt.value);
    else if (this.prompt.value.trim()) this.wait();
    if (isFocused(this.input.button)) this.prompt.control.focus();
  }

  /** Send a prompt after all others, or in the place of the entry with this number: null sends its prompt again. */
  request(prompt, id = undefined) {
    if (this.isLost) return this.send("run");
    const place = id === undefined ? {} : { id };
    const content = this.isCompact ? { prompt, endpoint: "", rows: null, ...place } : {
      prompt, endpoint: this.endpoint.value, rows: this.form.rowsForPython(), play: this.play.checked,
      ...this.memory.forPython(), ...place,
    };
    const asked = JSON.stringify(content);
    if (asked === this.asked) return; // it was sent, and the kernel has not answered yet
    this.asked = asked;
    clearTimeout(this.saving);
    this.ask("run", content);
    this.form.isEdited = false;
    this.statusLine.textContent = "waiting for the kernel…";
  }

  /** Send an edited prompt. What came after the one before is put away together with it. */
  requestInstead(entry, prompt) {
    if (this.streaming) this.notice.textContent = "an answer is streaming: stop it first";
    else this.request(prompt, entry.id);
  }

  wait() {
    this.notice.textContent = this.input.wait() ? "" : "one prompt waits already";
    this.announcer.textContent = this.notice.textContent || "the prompt waits for the answer";
  }

  stop() {
    const entry = this.streaming;
    if (!entry) return;
    this.notice.textContent = "";
    this.control.say({ kind: "stop", id: entry.id });
    entry.stopAsked ??= performance.now();
    this.showStatus();
  }

  /** Copy the words of an answer. While it streams, only Python has them. */
  copy(entry) {
    if (entry.streaming) this.ask("copy", { id: entry.id });
    else return this.putIntoClipboard(entry.clipboardText);
  }

  /** Say what was done, also to a screen reader. */
  say(words) {
    this.announcer.textContent = this.statusLine.textContent = words;
  }

  async putIntoClipboard(text) {
    try {
      await navigator.clipboard.writeText(text);
      this.say("copied");
    } catch {
      this.notice.textContent = "the browser did not let the page copy: select the words instead";
    }
  }

  saveSoon() {
    clearTimeout(this.saving);
    this.saving = setTimeout(() => this.save(), 300);
  }

  /** Send Python what the user has changed in this view, and nothing else. */
  save() {
    clearTimeout(this.saving);
    if (this.isCompact) {
      if (this.prompt.isEdited) this.model.set("prompt", this.input.whole);
      this.model.save_changes();
      return;
    }
    if (this.endpoint.isEdited) this.model.set("endpoint", this.endpoint.value);
    // A waiting prompt stays in the trait, so that it is not lost if the page is reloaded.
    if (this.prompt.isEdited) this.model.set("prompt", this.input.whole);
    if (this.memory.system.isEdited) this.model.set("system", this.memory.system.value);
    this.model.set("remember", this.memory.remember.checked);
    this.model.set("play", this.play.checked);
    this.model.save_changes();
    if (this.form.isEdited) this.send("edited", { rows: this.form.rowsForPython() });
    this.form.isEdited = false;
  }

  /** Show the traits that Python has set, except in the control that has the focus. */
  showTraits() {
    for (const name of ["endpoint", "prompt"]) {
      const isOwn = name === "prompt" && this.input.waiting.isThere;
      if (!isOwn && !isFocused(this[name].control)) this[name].set(this.model.get(name) ?? "");
    }
    this.input.showMode(this.streaming !== undefined, this.model.get("enter_sends") !== false);
    if (!isFocused(this.memory.system.control)) this.memory.system.set(this.model.get("system") ?? "");
    this.memory.remember.checked = this.model.get("remember") === true;
    this.memory.show();
    this.memory.fit();
    this.play.checked = this.model.get("play") === true;
    this.fit();
  }

  /** Show the form, except in the view `but`, where its rows were just edited. */
  showForm({ but, rows, takesModel, takesMessages, takesSystem, takesPrompt, endpoints, models, fields, model, doubts = {} }) {
    this.memory.takesMessages = takesMessages === true;
    this.memory.show();
    if (fields !== undefined) this.takesSystem = takesSystem !== false;
    if (fields !== undefined) this.input.showWhatIsTaken(takesPrompt !== false);
    this.endpoints.offer(endpoints);
    if (fields !== undefined) this.form.offerModels(models, model);
    if (but !== this.prefix) holdStill(this.root, () => this.form.show(rows, takesModel, fields));
    this.form.showDoubts(doubts);
  }

  fit() {
    this.input.fit();
  }

  async take(message, buffers) {
    const whole = await unpacked(message, buffers);
    this.isLost = false;
    if (!this.closed) this.receive(whole, buffers);
  }

  receive(message, buffers) {
    if (message.fills) {
      this.fill(message);
      return;
    }
    if (message.more) { // one of many: what needs the layout is done once, with the last
      this.open(message);
      return;
    }
    const wasAtEnd = this.conversation.isAtEnd;
    const height = this.root.offsetHeight;
    const entry = this.conversation.get(message.id);
    if (Object.hasOwn(ABOUT_AN_ENTRY, message.kind)) {
      if (entry) ABOUT_AN_ENTRY[message.kind](this, entry, message, buffers);
    } else if (Object.hasOwn(ABOUT_ALL, message.kind)) {
      ABOUT_ALL[message.kind](this, message, buffers);
    }
    if (message.still) this.conversation.scrollBack();
    else if (message.kind === "entry") this.conversation.scrollToEnd(FRAMES);
    else if (wasAtEnd) this.conversation.scrollToEnd();
    else this.conversation.follows = false;
    if (this.root.offsetHeight !== height) this.keepInView();
  }

  /** Keep the input in view for someone who is writing there, although the log above it grows. */
  keepInView() {
    if (isFocused(this.prompt.control)) this.input.box.scrollIntoView({ block: "nearest" });
  }

  open(message) {
    const entry = new Entry(message, this);
    this.conversation.add(entry);
    if (message.html !== undefined) entry.end(message);
    else this.start(message);
    if (message.html === undefined && !this.isInstead && this.prompt.control.value === message.prompt) {
      this.input.write("");
      this.save();
    }
    this.isInstead = false;
    if (!message.more) this.enableButtons();
    if (this.steppedBy) entry.versions?.focus(this.steppedBy);
    this.steppedBy = undefined;
  }

  /** Show an earlier entry, for which there is a place. */
  fill(message) {
    if (!this.conversation.earlier.has(message.id)) return;
    const entry = new Entry(message, this);
    entry.end(message);
    entry.enableButtons(this.streaming !== undefined);
    for (const each of entry.actions.querySelectorAll("button")) each.tabIndex = -1; // until an arrow key leads there
    this.conversation.fill(entry);
  }

  /** Remove entries that give way to another version of the first of them, which comes next. */
  leave({ ids, status }) {
    const focused = this.conversation.leave(ids);
    this.isInstead = true;
    if (status !== undefined) this.status = status;
    if (focused?.endsWith(" version")) this.steppedBy = focused;
    else if (focused !== undefined) this.prompt.control.focus();
  }

  start({ prompt }) {
    this.began = performance.now();
    this.asked = undefined;
    this.onItsWay = undefined;
    this.input.past.add(prompt);
    this.status = "";
    this.notice.textContent = "";
    this.announcer.textContent = "sent";
  }

  grow(entry, message) {
    if (message.blocks) entry.grow(message);
    this.began = performance.now() - message.elapsed * 1000;
    this.status = message.status;
    this.showStatus();
  }

  /** Show the player of an answer's sound. It is a separate widget, which plays even if it cannot be shown. */
  async showPlayer(entry, id) {
    try {
      const manager = this.model.widget_manager;
      const view = await manager.create_view(await manager.get_model(id));
      if (this.conversation.get(entry.id) === entry) entry.sound(view);
      else view.remove();
    } catch (error) {
      console.warn(error);
    }
  }

  /** Typeset formulas with the page's own typesetter. If it has none, they stay TeX. */
  async typeset(node) {
    if (!/[$\\]/.test(node.textContent)) return;
    typesetInMarimo(node);
    try {
      await this.model.widget_manager?.rendermime?.latexTypesetter?.typeset(node);
    } catch (error) {
      console.warn(error);
    }
  }

  finish(entry, message) {
    entry.end(message);
    this.status = message.status ?? "";
    // This changes nothing, but it makes marimo run the cells that use the widget's value.
    if (!this.isCompact) {
      this.model.set("play", this.play.checked);
      this.model.save_changes();
    }
    this.announcer.textContent = { done: "answer complete", stopped: "stopped", failed: "failed" }[message.end];
    if (isFocused(this.input.button)) this.prompt.control.focus();
    this.enableButtons();
    this.goOn(message.end);
  }

  /** Send the waiting prompt after a whole answer. After any other, the user decides. */
  goOn(end) {
    if (!this.input.waiting.isThere || this.streaming) return;
    if (end !== "done") {
      this.input.withdraw();
      return;
    }
    this.onItsWay = this.input.waiting.take();
    this.request(this.onItsWay);
    this.prompt.isEdited = true;
    this.save();
  }

  drop(number) {
    const entry = this.conversation.get(number);
    if (!entry) {
      this.conversation.earlier.remove(number);
      return;
    }
    const { focused, next } = this.conversation.drop(entry);
    if (focused) (next ?? this.prompt.control).focus();
    this.announcer.textContent = "deleted";
  }

  clear() {
    this.conversation.clear();
    this.status = "";
    this.input.withdraw();
    this.enableButtons();
  }

  /** Tell of another file that was not taken, behind those before it: several are attached at once. */
  tellAnother(why) {
    const before = this.notice.textContent;
    this.notice.textContent = this.attachments.isTelling && before ? `${before}; ${why}` : why;
    this.attachments.isTelling = true;
  }

  refuse(message) {
    if (message.file) return this.tellAnother(message.message);
    this.notice.textContent = message.message;
    this.status = "";
    this.asked = undefined;
    if (this.onItsWay !== undefined) this.input.write(together(this.onItsWay, this.prompt.value));
    this.onItsWay = undefined;
    this.form.showProblems(message.problems);
    if (Object.keys(message.wrong ?? {}).length) {
      this.form.showDoubts({ ...this.form.problems, ...message.wrong });
      this.form.focusWrong();
    }
    this.enableButtons();
  }

  showState(message) {
    this.connection.show(message);
    if (message.status) this.status = message.status;
    this.enableButtons();
  }

  showStatus() {
    const entry = this.streaming;
    if (!entry) return;
    const status = entry.stopAsked === null ? this.status : stopStatus(performance.now() - entry.stopAsked);
    this.statusLine.textContent = streamingStatus(performance.now() - this.began, status);
  }

  enableButtons() {
    const streaming = this.streaming !== undefined;
    this.input.showMode(streaming, this.input.enterSends);
    this.clearButton.disabled = this.conversation.isEmpty;
    this.exporting.enable(!this.conversation.isEmpty);
    this.conversation.enableButtons();
    this.roving.refresh();
    if (!streaming) this.statusLine.textContent = this.status;
  }
}

export default {
  render({ model, el }) {
    const view = new View(model, el);
    return () => view.close();
  },
};
