// Puts a block of code into a new cell below the box, in front ends whose widgets know their notebook: JupyterLab and
// Notebook 7. The cell is not run.

const SAME_LANGUAGE = { python: ["", "py", "python3", "ipython"] };
const MOST_CELL_BUTTONS = 300;

class NewCells {
  /** `id` returns the id of the widget, once Python has told it. */
  constructor(model, log, id, tell) {
    this.model = model;
    this.id = id;
    this.log = log;
    this.tell = tell;
    if (!this.notebook) return;
    log.addEventListener("pointerover", ({ target }) => this.offer(target.closest?.(".fal-code")), { passive: true });
    log.addEventListener("focusin", () => {
      for (const code of [...log.querySelectorAll(".fal-code")].slice(0, MOST_CELL_BUTTONS)) this.offer(code);
    });
  }

  /** The notebook, if cells can be put into it. */
  get notebook() {
    const notebook = this.model.widget_manager?.context?.model;
    return notebook && !notebook.readOnly && notebook.sharedModel?.insertCell ? notebook : undefined;
  }

  /** Whether the kernel understands code that is labelled with this language. */
  understands(label) {
    const own = this.notebook?.defaultKernelLanguage || "python";
    return label === "" || label === own || (SAME_LANGUAGE[own] ?? []).includes(label);
  }

  /** Offer to put a block of code into a cell. Like Copy, the button comes where the pointer or the focus is. */
  offer(code) {
    const label = code?.querySelector(".fal-code-head")?.textContent.trim().toLowerCase() ?? "";
    if (!code || code.querySelector(":scope > .fal-below") || !this.understands(label)) return;
    const below = button("New cell below", { class: "fal-copy fal-below" }, async () => {
      const isThere = await this.insert(code.querySelector("code")?.textContent ?? "");
      this.tell(isThere ? "a new cell has the code" : "the box is in no cell of this notebook");
    });
    code.append(below);
  }

  /** Insert a cell below the first one that shows the box; return whether there is one. */
  async insert(source) {
    const { notebook } = this;
    const at = await cellWith(this.model, this.id());
    if (at === undefined) return false;
    notebook.sharedModel.insertCell(at + 1, { cell_type: "code", source: source.replace(/\n$/, ""), metadata: {} });
    return true;
  }
}

/** The number of the first cell that displays a widget. */
async function cellWith(model, widget) {
  const manager = model.widget_manager;
  const { cells } = manager.context.model;
  if (!widget) return undefined;
  for (let at = 0; at < cells.length; at += 1) {
    const outputs = cells.get(at).outputs;
    for (let number = 0; number < (outputs?.length ?? 0); number += 1) {
      if (await containsWidget(manager, outputs.get(number).data[VIEW]?.model_id, widget)) return at;
    }
  }
  return undefined;
}
