// Keeps the original text of a control, except for the part that someone edits. This is needed because controls change
// line ends and drop some characters.

/** The offset in the original text that belongs to an offset (`count`) in the text that the control shows. */
function originalOffset(text, shown, count) {
  let at = 0;
  for (let seen = 0; seen < count && at < text.length; at += 1) {
    const isLineEnd = text[at] === "\r" && shown[seen] === "\n";
    if (isLineEnd && text[at + 1] === "\n") at += 1;
    if (isLineEnd || text[at] === shown[seen]) seen += 1;
  }
  return at;
}

/** A control and its text: the text as it was set, except for the part that someone has edited. */
class EditedText {
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
    const head = this.value.slice(0, originalOffset(this.value, before, start));
    const tail = end ? this.value.slice(originalOffset(this.value, before, before.length - end)) : "";
    this.value = head + now.slice(start, now.length - end) + tail;
    this.shown = now;
    this.isEdited = true;
  }
}
