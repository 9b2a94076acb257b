// A Stop button that is visible only if the kernel can receive a click: the page says hello, and the kernel's answer
// proves it. Some kernels receive nothing while a cell runs, and a button without effect would be worse than none.

const STYLE = `
  padding: 2px 10px; cursor: pointer; font: inherit;
  color: var(--jp-ui-font-color1, #212121); background: var(--jp-layout-color2, #eeeeee);
  border: 1px solid var(--jp-border-color1, #bdbdbd); border-radius: 2px;`;

export default {
  render({ model, el }) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "■ Stop";
    button.title = "Stop this request";
    button.setAttribute("aria-label", "Stop this request");
    button.style.cssText = STYLE;
    button.style.display = "none";
    const show = () => { button.style.display = ""; };
    const hear = ({ kind }) => {
      if (kind === "heard") show();
    };
    model.on("msg:custom", hear);
    const control = new Control(model, model.get("_control"));
    button.addEventListener("click", () => {
      button.disabled = true;
      button.textContent = "stopping…";
      control.say({ kind: "stop" });
    });
    el.append(button);
    control.ask().then(show, () => {}); // if there is no control channel, the hello may still be answered
    model.send({ kind: "hello" });
    return () => model.off("msg:custom", hear);
  },
};
