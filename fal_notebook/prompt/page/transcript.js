// The static transcript in the notebook. A display by Python does not find the cell where the box stands within another
// widget, or the page was loaded anew. The page does, where its widgets know their notebook: JupyterLab and Notebook 7.
const VIEW = "application/vnd.jupyter.widget-view+json";

/** Whether a widget is the one that is looked for, or has it within. */
async function holds(manager, id, wanted) {
  if (id === wanted) return true;
  if (!id || !manager.has_model(id)) return false;
  const widget = await manager.get_model(id);
  const outputs = [...(widget.get("outputs") ?? [])].map((output) => output.data?.[VIEW]?.model_id);
  const children = [...(widget.get("children") ?? [])].map((child) => child?.model_id);
  for (const inner of [...children, ...outputs]) if (await holds(manager, inner, wanted)) return true;
  return false;
}

/** The cells' outputs in which a widget is displayed. */
async function outputsWith(model, widget) {
  const manager = model.widget_manager;
  const found = [];
  for (const { outputs } of manager?.context?.model?.cells ?? []) {
    for (let at = 0; at < (outputs?.length ?? 0); at += 1) {
      if (await holds(manager, outputs.get(at).data[VIEW]?.model_id, widget)) {
        found.push(outputs);
        break;
      }
    }
  }
  return found;
}

const PIECE = /^<\w+ data-fal-transcript="(\w+)" data-fal-piece="(\d+)" data-fal-version="(\d+)"/;

/** Where in the outputs of a cell the pieces of the transcript of this name stand, and in which version. */
function piecesIn(outputs, name) {
  const pieces = new Map();
  for (let at = 0; at < outputs.length; at += 1) {
    const html = outputs.get(at).data["text/html"];
    const [, of, piece, version] = PIECE.exec([html].flat()[0] ?? "") ?? [];
    if (of === name) pieces.set(Number(piece), { at, version: Number(version) });
  }
  return pieces;
}

/** The numbers of the pieces that a cell which shows the widget has not in the version that it should have. */
async function missingPieces(model, { widget, transcript, versions }) {
  const places = (await outputsWith(model, widget)).map((outputs) => piecesIn(outputs, transcript));
  const isMissing = (version, piece) => places.some((pieces) => (pieces.get(piece)?.version ?? 0) !== version);
  return [...versions.keys()].filter((piece) => isMissing(versions[piece], piece));
}

async function putPieces(model, { widget, transcript }, bundles) {
  for (const outputs of await outputsWith(model, widget)) {
    const pieces = piecesIn(outputs, transcript);
    for (const [piece, data] of bundles) {
      const output = { output_type: "display_data", data, metadata: {} };
      if (pieces.has(piece)) outputs.set(pieces.get(piece).at, output);
      else outputs.add(output);
    }
  }
}

/** What one view does about it: hides it while the conversation is there, and brings it where it is missing. */
class StaticTranscript {
  constructor(model, ask) {
    this.model = model;
    this.ask = ask;
    this.hiding = make("style"); // while the widget lives, its transcript would show everything twice
  }

  /** Hide it, for Python answers and the page has the conversation; ask for the pieces that are missing. */
  async look(kept) {
    this.kept = kept;
    const piece = `[data-fal-transcript="${CSS.escape(kept.transcript)}"]`;
    this.hiding.textContent = `${piece}, .jp-OutputArea-child:has(> * > ${piece}) { display: none }`;
    if (!this.hiding.isConnected) document.head.append(this.hiding);
    try {
      const pieces = await missingPieces(this.model, kept);
      if (pieces.length) this.ask(pieces);
    } catch (error) {
      console.warn(error);
    }
  }

  put(pieces) {
    return putPieces(this.model, this.kept, pieces);
  }

  close() {
    this.hiding.remove();
  }
}
