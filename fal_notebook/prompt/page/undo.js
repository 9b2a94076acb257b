// Says what someone has just removed, with a button that puts it back; or that it cannot be put back any more.

const SHOWN = 10_000; // milliseconds for which it says that something is final

class UndoBar {
  constructor(undo) {
    this.words = make("span", {});
    this.button = button("Undo", { class: "fal-button fal-quiet" }, undo);
    this.element = make("div", { class: "fal-undo", role: "status", hidden: true });
  }

  show({ what, final = "" }) {
    clearTimeout(this.timer);
    this.words.textContent = what || final;
    this.element.replaceChildren(...(what ? [this.words, this.button] : [this.words]));
    this.element.hidden = !(what || final);
    if (final) this.timer = setTimeout(() => this.show({ what: "" }), SHOWN);
  }

  close() {
    clearTimeout(this.timer);
  }
}
