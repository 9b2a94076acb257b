// Puts the final answer into a page that was loaded while the answer streamed. Such a page is known by having missed
// the message "new", which Python sends when it makes the widget. The page shows what was saved, asks the kernel for the
// final outputs, and replaces the live outputs by them. A page that was there all along has no live outputs by then.

const TARGET = "fal_notebook.answers";
const VIEW = "application/vnd.jupyter.widget-view+json";
const PATIENCE = 500; // milliseconds; a page that gets "new" has got it by then

const isNew = new Map(); // whether this page got "new", by the name of an answer

// The place of the static output and the one with the live box after it: the cell's outputs, the index of the first of
// the two, and their number.
function liveOutputs(context, box) {
  for (const { outputs } of context?.model?.cells ?? []) {
    for (let at = 0; at < (outputs?.length ?? 0); at += 1) {
      if (outputs.get(at).data[VIEW]?.model_id === box) return { outputs, at: at - 1, count: 2 };
    }
  }
  return null;
}

function replaceOutputs({ outputs, at, count }, bundles) {
  bundles.forEach((data, number) => {
    const output = { output_type: "display_data", data, metadata: {} };
    if (number < count) outputs.set(at + number, output);
    else outputs.add(output);
  });
}

function fetchFinalOutputs(context, box, answer) {
  const kernel = context?.sessionContext?.session?.kernel;
  if (!kernel || !liveOutputs(context, box)) return;
  const comm = kernel.createComm(TARGET);
  comm.onMsg = ({ content }) => {
    const found = liveOutputs(context, box);
    if (found) replaceOutputs(found, content.data.outputs);
  };
  comm.open({ answer });
}

export default {
  initialize({ model }) {
    const [answer, box, manager] = [model.get("answer"), model.get("box"), model.widget_manager];
    const fetchFinal = () => fetchFinalOutputs(manager?.context, box, answer);
    model.on("msg:custom", ({ kind }) => {
      if (kind === "new") isNew.set(answer, true);
      if (kind === "end") fetchFinal();
    });
    setTimeout(() => isNew.get(answer) || fetchFinal(), PATIENCE); // the answer may have ended already
  },

  render({ model, el }) {
    const timer = setTimeout(() => {
      if (isNew.get(model.get("answer"))) return;
      el.closest(".fal-live")?.classList.add("fal-returned");
      el.className = "fal-returned-note";
      el.textContent = "The answer goes on in the kernel; its end will stand here.";
    }, PATIENCE);
    return () => clearTimeout(timer);
  },
};
