// A text field with a list of choices, which opens on a click and is narrowed by what is typed. Any other text may be
// written, too. The list is in the page's top layer, so that no cell's output cuts it off.

const MOST_CHOICES_HEIGHT = 260; // pixels

class Combobox {
  /** `control` is an input; `name` is the accessible name of the list. */
  constructor(control, id, name) {
    this.control = control;
    this.values = [];
    this.shown = [];
    this.at = -1;
    this.list = make("div", { class: "fal-choices", id, role: "listbox", "aria-label": name, popover: "manual" });
    const attributes = {
      role: "combobox", "aria-expanded": "false", "aria-controls": id, "aria-autocomplete": "list", autocomplete: "off",
    };
    for (const [attribute, value] of Object.entries(attributes)) control.setAttribute(attribute, value);
    control.addEventListener("click", () => this.open(""));
    control.addEventListener("input", () => this.open(control.value));
    control.addEventListener("blur", () => this.close());
    control.addEventListener("keydown", (event) => this.key(event));
  }

  /** Offer these values. An open list stays as it is until it is opened anew. */
  offer(values) {
    this.values = values;
  }

  get isOpen() {
    return this.shown.length > 0;
  }

  /** Show the values that have these words in them; all of them for no words. */
  open(words) {
    const wanted = words.trim().toLowerCase();
    const found = this.values.filter((value) => value.toLowerCase().includes(wanted));
    if (!found.length || (found.length === 1 && found[0] === words)) {
      this.close();
      return;
    }
    this.shown = found;
    this.list.replaceChildren(...found.map((value, at) => this.option(value, at)));
    this.at = -1;
    this.control.setAttribute("aria-expanded", "true");
    this.list.showPopover?.();
    this.place();
    this.point(words ? -1 : found.indexOf(this.control.value));
    this.follow = () => this.place();
    globalThis.addEventListener?.("scroll", this.follow, { capture: true, passive: true });
  }

  close() {
    if (!this.isOpen) return;
    this.shown = [];
    this.control.setAttribute("aria-expanded", "false");
    this.control.removeAttribute("aria-activedescendant");
    this.list.hidePopover?.();
    this.list.replaceChildren();
    globalThis.removeEventListener?.("scroll", this.follow, { capture: true });
  }

  option(value, at) {
    const chosen = String(value === this.control.value);
    return make("div", {
      class: "fal-choice", role: "option", id: `${this.list.id}-${at}`, "aria-selected": chosen,
      onpointerdown: (event) => event.preventDefault(), // or the field would lose the focus, and the list close
      onclick: () => this.choose(value),
    }, value);
  }

  choose(value) {
    this.control.value = value;
    this.control.dispatchEvent(new Event("input", { bubbles: true }));
    this.control.dispatchEvent(new Event("change", { bubbles: true }));
    this.close();
  }

  /** Point at a choice, without choosing it. */
  point(at) {
    this.list.children[this.at]?.classList.remove("fal-pointed");
    this.at = at;
    const option = this.list.children[at];
    if (!option) {
      this.control.removeAttribute("aria-activedescendant");
      return;
    }
    option.classList.add("fal-pointed");
    option.scrollIntoView?.({ block: "nearest" });
    this.control.setAttribute("aria-activedescendant", option.id);
  }

  key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && !event.altKey && !event.ctrlKey && !event.metaKey) {
      if (!this.isOpen) this.open("");
      else this.point((this.at + step + this.shown.length) % this.shown.length);
    } else if (event.key === "Enter" && this.isOpen && this.at >= 0) {
      this.choose(this.shown[this.at]);
    } else if (event.key === "Escape" && this.isOpen) {
      this.close();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  /** Put the list below the field, or above it where there is more room. */
  place() {
    const field = this.control.getBoundingClientRect?.();
    if (!field) return;
    const below = innerHeight - field.bottom;
    const isAbove = below < 120 && field.top > below;
    const height = Math.max(80, Math.min(MOST_CHOICES_HEIGHT, (isAbove ? field.top : below) - 8));
    Object.assign(this.list.style, {
      left: `${field.left}px`, minWidth: `${field.width}px`, maxHeight: `${height}px`,
      top: isAbove ? "auto" : `${field.bottom + 2}px`, bottom: isAbove ? `${innerHeight - field.top + 2}px` : "auto",
    });
  }
}
