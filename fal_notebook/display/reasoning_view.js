// The view of the widget that shows reasoning in a cell.

export default {
  render({ model, el }) {
    // The page draws a view anew when a part is added above it. What its reader has chosen stays in the page's model.
    const fold = new ReasoningFold(model.get("chosen"), (chosen) => model.set("chosen", chosen));
    const show = () => fold.show(model.get("state"));
    const answer = document.createElement("div");
    answer.className = "fal-now-answer";
    answer.append(fold.element);
    el.append(answer);
    model.on("change:state", show);
    show();
    return () => {
      model.off("change:state", show);
      fold.close();
    };
  },
};
