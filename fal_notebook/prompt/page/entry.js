// One prompt and its answer, both while the answer streams and after it has ended.
//
// Words of a user are only ever put into text nodes. HTML comes from Python, which has made it safe, and is inserted
// unchanged.

const LONGEST_NAME = 60; // characters of a prompt in the name of its answer

/** The first words of a text, on one line. */
function beginning(text) {
  const line = text.slice(0, 4 * LONGEST_NAME).replace(/\s+/g, " ").trim();
  const characters = [...line];
  return characters.length > LONGEST_NAME ? `${characters.slice(0, LONGEST_NAME).join("")}…` : line;
}

/** A file that was sent: a small picture, or its name and size. */
function sentFile({ name, words, picture }) {
  if (PICTURES.some((type) => picture?.startsWith(`data:${type};base64,`))) {
    return make("img", { class: "fal-asked-picture", src: picture, alt: name, title: words });
  }
  return make("div", { class: "fal-asked-file", title: name }, words);
}

class Entry {
  constructor(message, view) {
    this.id = message.id;
    this.clipboardText = null; // known when the answer has ended
    this.typeset = (node) => view.typeset(node);
    const grown = make("div", { class: "fal-words" });
    this.answer = make("div", { class: "fal-answer" }, grown);
    this.words = new GrowingWords(grown, this.typeset);
    this.view = view;
    this.prompt = message.prompt;
    this.asked = make("div", { class: "fal-asked", id: `${view.prefix}-prompt-${message.id}` },
      ...wordBlocks(message.prompt),
      ...(message.files ?? []).map(sentFile));
    const quiet = { class: "fal-button fal-quiet", "aria-describedby": this.asked.id };
    this.edit = button("Edit", { ...quiet, title: "Edit the prompt, and go on from there" }, () => this.openEditor());
    this.again = button("Regenerate", { ...quiet, title: "Another answer to the same prompt" }, () => this.askAgain());
    this.remove = button("Delete", quiet, () => view.ask("delete", { id: this.id }));
    const copy = button("Copy", quiet, () => view.copy(this));
    this.versions = message.versions
      ? new VersionSwitch(message, this.asked.id, (version) => view.ask("version", { id: this.id, version }))
      : undefined;
    this.actions = make("div", { class: "fal-actions", role: "toolbar", "aria-label": "Answer actions" },
      copy, this.edit, this.again, this.remove, ...(this.versions ? [this.versions.element] : []));
    this.element = make("article", { class: "fal-entry", "aria-label": `Answer to: ${beginning(message.prompt)}` },
      this.asked, this.answer, this.actions);
    this.progressBar = make("progress", { max: 1, "aria-label": "Progress" });
    this.progressMessage = make("span", {});
    this.progressBox = make("div", { class: "fal-work", hidden: true }, this.progressBar, this.progressMessage);
    this.picture = make("img", { class: "fal-preview", alt: "Preview", hidden: true });
    this.answer.before(this.progressBox);
    this.answer.after(this.picture);
    this.streaming = true;
    this.stopAsked = null; // the time of the first Stop, in milliseconds
    this.element.classList.add("fal-streaming");
    if (message.blocks) this.words.update(message);
  }

  /** Ask the same again. What failed is sent with the form as it is now, since that may have been what was wrong. */
  askAgain() {
    this.again.disabled = true; // until Python has answered
    this.view.prompt.control.focus(); // since a disabled button loses it
    if (this.element.dataset.end === "failed") this.view.request(null, this.id);
    else this.view.ask("regenerate", { id: this.id });
  }

  openEditor() {
    if (this.editor) return;
    this.editor = new PromptEditor(this.prompt, `${this.asked.id}-edited`, {
      send: (prompt) => this.view.requestInstead(this, prompt),
      cancel: () => this.closeEditor(),
      enterSends: () => this.view.input.enterSends,
    });
    this.asked.after(this.editor.element);
    this.asked.hidden = true;
    this.editor.open();
  }

  closeEditor() {
    this.editor?.element.remove();
    this.editor = undefined;
    this.asked.hidden = false;
    this.edit.focus();
  }

  /** While an answer streams, only the other entries can be deleted, and nothing can be sent. */
  enableButtons(isStreaming) {
    this.edit.disabled = this.again.disabled = isStreaming;
    this.remove.disabled = this.streaming;
    this.versions?.enable(!isStreaming);
  }

  grow(growth) {
    this.words.update(growth);
  }

  progress({ fraction, message }) {
    this.progressBox.hidden = false;
    if (fraction === null) this.progressBar.removeAttribute("value");
    else this.progressBar.value = fraction;
    this.progressMessage.textContent = message;
  }

  /** Show the newest lines of the model's reasoning, above the answer. */
  think(message) {
    if (!this.fold) {
      this.fold = new ReasoningFold();
      this.answer.before(this.fold.element);
    }
    this.fold.show(message);
  }

  /** Show a preview picture in place of the one before. */
  preview(type, bytes) {
    this.revokePreview();
    this.url = URL.createObjectURL(new Blob([bytes], { type }));
    this.picture.src = this.url;
    this.picture.hidden = false;
  }

  revokePreview() {
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = null;
  }

  /** Show the view of a player widget. */
  sound(view) {
    this.player = view;
    this.answer.before(view.el);
  }

  close() {
    this.revokePreview();
    this.fold?.close();
    this.player?.remove();
  }

  end(message) {
    this.streaming = false;
    this.revokePreview();
    this.progressBox.remove();
    this.picture.remove();
    this.fold?.close(); // the ended answer has all of the reasoning in a fold of its own
    this.clipboardText = message.copy;
    this.element.classList.remove("fal-streaming");
    this.element.dataset.end = message.end;
    if (message.end === "failed") this.nameRetry();
    if (message.words !== undefined) this.words.end(message.words);
    for (const node of surround(this.words.element, message.html)) this.typeset(node);
  }

  /** Leave the answer as far as it came, since nothing more can come. */
  breakOff() {
    this.streaming = false;
    this.progressBox.remove();
    this.element.classList.remove("fal-streaming");
  }

  nameRetry() {
    this.again.textContent = "Retry";
    this.again.setAttribute("title", "Send it again, with the form as it is now");
  }
}
