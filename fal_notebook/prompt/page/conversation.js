// The entries of a view, oldest first, in a log that scrolls: who is at its end stays there while words come.

const NEAR_BOTTOM = 32; // pixels within which a reader counts as being at the end

class Conversation {
  constructor() {
    this.entries = new Map(); // by the number that Python gave them
    this.newest = undefined;
    this.element = make("div", {
      class: "fal-log", role: "log", "aria-live": "off", "aria-label": "Conversation", tabindex: "0", hidden: true,
    });
  }

  get(number) {
    return this.entries.get(number);
  }

  get isEmpty() {
    return this.entries.size === 0;
  }

  /** The entry whose answer is on its way. */
  get streaming() {
    return this.newest?.streaming ? this.newest : undefined;
  }

  get isAtEnd() {
    return this.element.scrollHeight - this.element.scrollTop - this.element.clientHeight < NEAR_BOTTOM;
  }

  scrollToEnd() {
    this.element.scrollTop = this.element.scrollHeight;
  }

  add(entry) {
    this.entries.set(entry.id, entry);
    this.newest = entry;
    this.element.append(entry.element);
    this.element.hidden = false;
  }

  /** Take an entry away: whether the focus was in it, and the first button of the entry that stands there now. */
  drop(entry) {
    const next = entry.element.nextElementSibling ?? entry.element.previousElementSibling;
    const focused = entry.element.contains(entry.element.getRootNode().activeElement);
    entry.close();
    entry.element.remove();
    this.entries.delete(entry.id);
    this.element.hidden = this.isEmpty;
    return { focused, next: next?.querySelector("button") };
  }

  clear() {
    this.close();
    this.entries.clear();
    this.newest = undefined;
    this.element.replaceChildren();
    this.element.hidden = true;
  }

  /** While one streams, no other can be asked; and what streams cannot be taken away. */
  enable() {
    const streaming = this.streaming !== undefined;
    for (const entry of this.entries.values()) {
      entry.rerun.disabled = streaming;
      entry.remove.disabled = entry.streaming;
    }
  }

  close() {
    for (const entry of this.entries.values()) entry.close();
  }
}
