// One prompt and its answer, while it streams and when it has ended.
//
// Words of a model go into text nodes only. HTML comes from Python, which made it safe, and is put in as it is.

class Entry {
  constructor(message, view) {
    this.id = message.id;
    this.copied = null;
    this.answer = make("div", { class: "fal-answer fal-words" });
    this.words = new Lines(this.answer, message.text);
    const asked = make("div", { class: "fal-asked", id: `${view.prefix}-prompt-${message.id}` });
    new Lines(asked, message.prompt);
    const quiet = { class: "fal-button fal-quiet", "aria-describedby": asked.id };
    this.rerun = button("Rerun", quiet, () => view.ask("rerun", { id: this.id }));
    this.remove = button("Delete", quiet, () => view.ask("delete", { id: this.id }));
    const copy = button("Copy", quiet, () => view.copy(this));
    this.element = make("article", { class: "fal-entry", "aria-label": "Answer" },
      asked,
      this.answer,
      make("div", { class: "fal-actions", role: "toolbar", "aria-label": "Answer actions" },
        copy, this.rerun, this.remove));
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
