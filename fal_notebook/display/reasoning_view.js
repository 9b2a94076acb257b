// The view of the widget that shows reasoning in a cell.

export default {
  render({ model, el }) {
    const fold = new ReasoningFold();
    const show = () => fold.show(model.get("state"));
    const answer = document.createElement("div");
    answer.className = "fal-answer";
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
