// The entries of a view, oldest first, in a log that scrolls. A reader at its end stays at the end while words arrive.

const NEAR_BOTTOM = 32; // pixels from the end, within which the reader counts as being at the end
const FRAMES = 5; // in which a log that was scrolled far gets the heights of its entries

class Conversation {
  /** `bring` asks Python for earlier entries by their numbers. */
  constructor(bring = () => {}) {
    this.entries = new Map(); // by the number that Python has given them
    this.newest = undefined;
    this.element = make("div", {
      class: "fal-log", role: "log", "aria-live": "off", "aria-label": "Conversation", tabindex: "0", hidden: true,
      onscroll: () => this.scrolled(),
    });
    this.follows = true; // whether the reader is at the end, and stays there if the log gets another height
    this.resizing = globalThis.ResizeObserver && new ResizeObserver(() => { if (this.follows) this.scrollToEnd(FRAMES); });
    this.top = Infinity; // where the log was scrolled to before
    this.resizing?.observe(this.element);
    this.earlier = new EarlierEntries(this.element, bring);
  }

  get(number) {
    return this.entries.get(number);
  }

  get isEmpty() {
    return this.entries.size + this.earlier.places.size === 0;
  }

  /** The entry whose answer is streaming. */
  get streaming() {
    return this.newest?.streaming ? this.newest : undefined;
  }

  get isAtEnd() {
    return this.element.scrollHeight - this.element.scrollTop - this.element.clientHeight < NEAR_BOTTOM;
  }

  /** Entries out of sight have an estimated height, and get their own in the frames after they come into sight. */
  scrollToEnd(frames = 1) {
    this.follows = true;
    this.element.scrollTop = this.element.scrollHeight;
    this.top = this.element.scrollTop;
    if (frames) globalThis.requestAnimationFrame?.(() => { if (this.follows) this.scrollToEnd(frames - 1); });
  }

  /** Only a reader scrolls up. That the end moves away is no sign of one. */
  scrolled() {
    const { scrollTop } = this.element;
    if (this.isAtEnd) this.follows = true;
    else if (scrollTop < this.top - 1) this.follows = false;
    this.top = scrollTop;
  }

  add(entry) {
    this.entries.set(entry.id, entry);
    this.newest = entry;
    this.element.append(entry.element);
    this.element.hidden = false;
  }

  /** Keep places for earlier entries, before all others. */
  keepPlaces(entries) {
    this.earlier.keep(entries);
    this.element.hidden = false;
  }

  /** Put an earlier entry into its place. */
  fill(entry) {
    this.entries.set(entry.id, entry);
    this.earlier.fill(entry);
  }

  /** Remove an entry. Return whether it had the focus, and the first button of the entry next to it. */
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
    this.closeEntries();
    this.earlier.clear();
    this.entries.clear();
    this.newest = undefined;
    this.element.replaceChildren();
    this.element.hidden = true;
  }

  /** Remove entries in whose place other ones follow. Return the label of the button in them that had the focus. */
  leave(numbers) {
    const entries = numbers.map((number) => this.entries.get(number)).filter(Boolean);
    for (const number of numbers) this.earlier.remove(number);
    this.held = this.element.scrollTop;
    const active = this.element.getRootNode().activeElement;
    const focused = entries.some(({ element }) => element.contains(active));
    for (const entry of entries) {
      entry.close();
      entry.element.remove();
      this.entries.delete(entry.id);
    }
    return focused ? active.getAttribute("aria-label") ?? "" : undefined;
  }

  /** Scroll back to where the reader was before entries gave way to others. */
  scrollBack() {
    this.follows = false;
    this.element.scrollTop = this.held;
  }

  enableButtons() {
    const isStreaming = this.streaming !== undefined;
    for (const entry of this.entries.values()) entry.enableButtons(isStreaming);
  }

  closeEntries() {
    for (const entry of this.entries.values()) entry.close();
  }

  close() {
    this.closeEntries();
    this.earlier.clear();
    this.resizing?.disconnect();
  }
}
