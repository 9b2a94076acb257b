// Growing words in one column or several. Python sends frames, each with what is new in the columns. What has come is
// kept beside the model, so that a view that is drawn later, or once more, begins with all of it.

const SLOTS = ["above", "picture", "below"]; // HTML around the words of a column; the words stand behind the first

const states = new Map(); // by the view's mark, since each function gets another object for the same model

/** What has come of one column. */
class Received {
  constructor() {
    this.around = {};
    this.blocks = [];
    this.tail = ["", false];
  }

  take({ words, ...around }) {
    Object.assign(this.around, around);
    if (!words) return;
    const [offset, rest, continues] = words.tail;
    this.blocks.splice(words.keep, Infinity, ...words.blocks);
    this.tail = [this.tail[0].slice(0, offset) + rest, continues];
  }

  /** All of it, as news for a view that has nothing. */
  get whole() {
    const [html, continues] = this.tail;
    return { ...this.around, words: { keep: 0, blocks: this.blocks, tail: [0, html, continues] } };
  }
}

/** What has come of all columns, and the views that show it. */
class Frames {
  constructor(model) {
    this.number = 0; // of the last frame
    this.isWhole = false; // behind a gap, nothing is taken until all comes again
    this.isAsked = false;
    this.received = [];
    this.views = new Set();
    this.control = new Control(model, model.get("_control"));
    this.isReady = this.control.ask().catch(() => {}); // without a control channel, the widget is asked
  }

  take({ number, whole, columns }) {
    if (whole) {
      this.received = columns.map(() => new Received());
      this.isAsked = false;
    } else if (!this.isWhole || number !== this.number + 1) {
      this.ask();
      return;
    }
    [this.isWhole, this.number] = [true, number];
    columns.forEach((news, at) => this.received[at].take(news));
    for (const view of this.views) view.take(columns, whole);
  }

  async ask() {
    this.isWhole = false;
    for (const view of this.views) view.hide();
    if (this.isAsked) return;
    this.isAsked = true;
    await this.isReady;
    this.control.say({ kind: "whole" });
  }
}

/** The elements of one view. */
class View {
  constructor(model, element) {
    const { names, mark, grid, column } = model.get("look");
    this.mark = mark;
    this.element = Object.assign(document.createElement("div"), { className: "jp-RenderedHTMLCommon" });
    this.element.style.cssText = grid;
    element.append(this.element);
    const typeset = (node) => model.widget_manager?.rendermime?.latexTypesetter?.typeset(node)?.catch?.(console.warn);
    this.columns = names.map((name) => {
      const section = Object.assign(document.createElement("section"), { innerHTML: name && `<strong>${name}</strong>` });
      section.style.cssText = column;
      const [above, words, picture, below] = [1, 2, 3, 4].map(() => document.createElement("div"));
      words.className = "fal-answer";
      section.append(above, words, picture, below);
      this.element.append(section);
      return { above, picture, below, words: new GrowingWords(words, typeset) };
    });
  }

  take(columns, whole) {
    columns.forEach((news, at) => {
      const column = this.columns[at];
      for (const slot of SLOTS) {
        if (whole || slot in news) column[slot].innerHTML = news[slot] ?? "";
      }
      if (news.words) column.words.update(news.words);
    });
    this.element.classList.add(this.mark);
  }

  /** Give the place to the static text, since something is missing here. */
  hide() {
    this.element.classList.remove(this.mark);
  }
}

export default {
  initialize({ model }) {
    const { mark } = model.get("look");
    const frames = new Frames(model);
    states.set(mark, frames);
    frames.take(model.get("frame"));
    model.on("change:frame", () => frames.take(model.get("frame")));
    return () => states.delete(mark);
  },

  render({ model, el }) {
    const frames = states.get(model.get("look").mark);
    const view = new View(model, el);
    frames.views.add(view);
    if (frames.isWhole) view.take(frames.received.map(({ whole }) => whole), true);
    return () => frames.views.delete(view);
  },
};
