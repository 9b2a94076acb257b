// The toolbars of a log as one stop of the Tab key: the arrow keys move within a toolbar, and to those above and below.

class RovingToolbars {
  constructor(log) {
    this.log = log;
    this.current = undefined; // the button that the Tab key reaches
    // On the way down from the window: Notebook 7 takes arrow keys at the document, before they reach the log.
    const hear = (event) => this.key(event, event.composedPath()[0]);
    log.addEventListener("focusin", ({ target }) => {
      if (target.closest?.("[role=toolbar] button")) this.let(target);
      globalThis.addEventListener?.("keydown", hear, true);
    });
    log.addEventListener("focusout", () => globalThis.removeEventListener?.("keydown", hear, true));
  }

  get toolbars() {
    return [...(this.log.querySelectorAll?.("[role=toolbar]") ?? [])];
  }

  /** The buttons of a toolbar that can have the focus. */
  buttons(toolbar) {
    return [...toolbar.querySelectorAll("button")].filter((each) => !each.disabled && each.offsetParent !== null);
  }

  /** Let the Tab key reach one button: the last that had the focus, or the first of an answer that has come since. */
  refresh() {
    const { toolbars } = this;
    const newest = toolbars.at(-1);
    // Only its own toolbar is asked: the question needs the layout, which entries out of sight do not have.
    const own = this.current?.closest?.("[role=toolbar]");
    const stays = own && (newest === this.newest || own.contains(own.getRootNode().activeElement));
    const isThere = stays && this.log.contains(own) && this.buttons(own).includes(this.current);
    this.newest = newest;
    this.let(isThere ? this.current : newest && this.buttons(newest)[0]);
  }

  let(reached) {
    this.current = reached;
    for (const toolbar of this.toolbars) {
      for (const each of toolbar.querySelectorAll("button")) each.tabIndex = each === reached ? 0 : -1;
    }
  }

  key(event, target) {
    const toolbar = this.log.contains(target) && target.closest?.("[role=toolbar]");
    if (!toolbar || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const next = this.from(toolbar, target, event.key);
    if (next === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    this.let(next);
    next.focus();
  }

  /** The button that a key leads to. */
  from(toolbar, target, key) {
    const buttons = this.buttons(toolbar);
    const at = buttons.indexOf(target);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
    if (step) return buttons[(at + step + buttons.length) % buttons.length];
    if (key === "Home" || key === "End") return buttons.at(key === "Home" ? 0 : -1);
    if (key !== "ArrowUp" && key !== "ArrowDown") return undefined;
    const { toolbars } = this;
    const other = toolbars[toolbars.indexOf(toolbar) + (key === "ArrowUp" ? -1 : 1)];
    if (!other) return undefined;
    const there = this.buttons(other);
    return there[Math.min(at, there.length - 1)];
  }
}
