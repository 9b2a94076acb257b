// The earlier entries of a long conversation. A view opens with the newest ones. Each of the others has an empty place of
// about its height, and comes when it is scrolled to, or else when the page has time, from the newest to the oldest.

const ASKED_AT_ONCE = 8; // entries
const NEARLY_IN_SIGHT = "800px 0px"; // of the log
const UNTIL_OPEN = 300; // milliseconds in which a view that has just been opened asks for nothing that is out of sight

class EarlierEntries {
  /** `ask` asks Python for the entries with these numbers. */
  constructor(log, ask) {
    this.log = log;
    this.ask = ask;
    this.places = new Map(); // by number, oldest first
    this.inSight = new Set();
    this.asked = new Set();
    this.watching = globalThis.IntersectionObserver
      && new IntersectionObserver((seen) => this.see(seen), { root: log, rootMargin: NEARLY_IN_SIGHT });
  }

  /** Keep places for entries, each with about how high it is. */
  keep(entries) {
    for (const [number, height] of entries) {
      const place = make("div", { class: "fal-place" });
      place.style.height = `${height}px`;
      place.number = number;
      this.places.set(number, place);
      this.log.append(place);
      this.watching?.observe(place);
    }
    this.waiting = setTimeout(() => this.next(), UNTIL_OPEN);
  }

  see(seen) {
    for (const { target, isIntersecting } of seen) {
      if (isIntersecting) this.inSight.add(target.number);
      else this.inSight.delete(target.number);
    }
    if (this.inSight.size) this.next();
  }

  /** Ask for what is in sight, or for the newest. */
  next() {
    if (this.asked.size || !this.places.size) return;
    const newest = [...this.places.keys()].reverse();
    const wanted = [...newest.filter((each) => this.inSight.has(each)), ...newest.filter((each) => !this.inSight.has(each))];
    this.asked = new Set(wanted.slice(0, ASKED_AT_ONCE));
    this.ask([...this.asked]);
  }

  has(number) {
    return this.places.has(number);
  }

  /** Put an entry into its place. Out of sight it is as high as the place was, so that nothing moves. */
  fill(entry) {
    const place = this.places.get(entry.id);
    entry.element.style.containIntrinsicBlockSize = `auto ${place.style.height}`;
    place.replaceWith(entry.element);
    this.forget(entry.id);
  }

  /** Remove the place of an entry that is not in the conversation any more, if there is one. */
  remove(number) {
    this.places.get(number)?.remove();
    this.forget(number);
  }

  forget(number) {
    const place = this.places.get(number);
    if (!place) return;
    this.watching?.unobserve(place);
    for (const each of [this.places, this.inSight, this.asked]) each.delete(number);
    if (this.asked.size || !this.places.size) return;
    clearTimeout(this.waiting);
    if (this.inSight.size || !globalThis.requestIdleCallback) this.waiting = setTimeout(() => this.next());
    else requestIdleCallback(() => this.next(), { timeout: 1000 });
  }

  clear() {
    clearTimeout(this.waiting);
    this.watching?.disconnect();
    for (const each of [this.places, this.inSight, this.asked]) each.clear();
  }
}
