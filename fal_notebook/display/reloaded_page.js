// What a page does that was loaded while an answer streamed. Such a page never heard "new", which was said when the
// widget was made. It shows what was saved, asks the kernel for what stays, and once that is there puts it in the place
// of the outputs that were live. A page that was there all along has no such outputs any more by then.

const TARGET = "fal_notebook.answers";
const VIEW = "application/vnd.jupyter.widget-view+json";
const PATIENCE = 500; // milliseconds in which "new" has been heard where it was said

const isNew = new Map(); // by the name of an answer

// The output with the live box and the static one before it: the cell's outputs, the place of the first, how many.
function place(context, box) {
  for (const { outputs } of context?.model?.cells ?? []) {
    for (let at = 0; at < (outputs?.length ?? 0); at += 1) {
      if (outputs.get(at).data[VIEW]?.model_id === box) return { outputs, at: at - 1, count: 2 };
    }
  }
  return null;
}

function put({ outputs, at, count }, bundles) {
  bundles.forEach((data, number) => {
    const output = { output_type: "display_data", data, metadata: {} };
    if (number < count) outputs.set(at + number, output);
    else outputs.add(output);
  });
}

function bringTheEnd(context, box, answer) {
  const kernel = context?.sessionContext?.session?.kernel;
  if (!kernel || !place(context, box)) return;
  const comm = kernel.createComm(TARGET);
  comm.onMsg = ({ content }) => {
    const found = place(context, box);
    if (found) put(found, content.data.outputs);
  };
  comm.open({ answer });
}

export default {
  initialize({ model }) {
    const [answer, box, manager] = [model.get("answer"), model.get("box"), model.widget_manager];
    const bring = () => bringTheEnd(manager?.context, box, answer);
    model.on("msg:custom", ({ kind }) => {
      if (kind === "new") isNew.set(answer, true);
      if (kind === "end") bring();
    });
    setTimeout(() => isNew.get(answer) || bring(), PATIENCE); // it may have ended before this page was there
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
