// Inserts the static transcript into the notebook. If the widget is inside another one, or the page was reloaded,
// Python cannot display in the right cell. The page can find the cell in front ends whose widgets know their notebook:
// JupyterLab and Notebook 7.
const VIEW = "application/vnd.jupyter.widget-view+json";

/** Whether a widget is the wanted one, or contains it. */
async function containsWidget(manager, id, wanted) {
  if (id === wanted) return true;
  if (!id || !manager.has_model(id)) return false;
  const widget = await manager.get_model(id);
  const outputs = [...(widget.get("outputs") ?? [])].map((output) => output.data?.[VIEW]?.model_id);
  const children = [...(widget.get("children") ?? [])].map((child) => child?.model_id);
  for (const inner of [...children, ...outputs]) if (await containsWidget(manager, inner, wanted)) return true;
  return false;
}

/** The output lists of all cells that display a widget. */
async function outputsWith(model, widget) {
  const manager = model.widget_manager;
  const found = [];
  for (const { outputs } of manager?.context?.model?.cells ?? []) {
    for (let at = 0; at < (outputs?.length ?? 0); at += 1) {
      if (await containsWidget(manager, outputs.get(at).data[VIEW]?.model_id, widget)) {
        found.push(outputs);
        break;
      }
    }
  }
  return found;
}

const PIECE = /^<\w+ data-fal-transcript="(\w+)" data-fal-piece="(\d+)" data-fal-version="(\d+)"/;

/** The pieces of a transcript in the outputs of a cell: for each number, the index of the output and the version. */
function piecesIn(outputs, name) {
  const pieces = new Map();
  for (let at = 0; at < outputs.length; at += 1) {
    const html = outputs.get(at).data["text/html"];
    const [, of, piece, version] = PIECE.exec([html].flat()[0] ?? "") ?? [];
    if (of === name) pieces.set(Number(piece), { at, version: Number(version) });
  }
  return pieces;
}

/** The numbers of the pieces that are missing or outdated in any cell that displays the widget. */
async function missingPieces(model, { widget, transcript, versions }) {
  const places = (await outputsWith(model, widget)).map((outputs) => piecesIn(outputs, transcript));
  const isMissing = (version, piece) => places.some((pieces) => (pieces.get(piece)?.version ?? 0) !== version);
  return [...versions.keys()].filter((piece) => isMissing(versions[piece], piece));
}

/** Put pieces into every cell that displays the widget: in place of their old versions, else after all outputs. */
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

/** The transcript as one view treats it: hidden while the view lives, and inserted into the notebook if missing. */
class StaticTranscript {
  constructor(model, ask) {
    this.model = model;
    this.ask = ask;
    this.hiding = make("style"); // without it, the page would show every answer twice
  }

  /** Hide the transcript, now that the live widget shows the conversation, and ask for its missing pieces. */
  async update(kept) {
    this.kept = kept;
    const piece = `[data-fal-transcript="${CSS.escape(kept.transcript)}"]`;
    this.hiding.textContent = `${piece}, :is(.jp-OutputArea-child, .output_area):has(> * > ${piece}) { display: none }`;
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
