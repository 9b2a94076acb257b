// A control's text that stays as Python gave it, but for the part that someone edits: a control changes line ends, and
// drops letters.

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
