// Says what someone has just removed, with a button that puts it back.

class UndoBar {
  constructor(undo) {
    this.words = make("span", {});
    this.button = button("Undo", { class: "fal-button fal-quiet" }, undo);
    this.element = make("div", { class: "fal-undo", role: "status", hidden: true });
  }

  show({ what }) {
    this.words.textContent = what;
    this.element.replaceChildren(...(what ? [this.words, this.button] : []));
    this.element.hidden = !what;
  }
}
