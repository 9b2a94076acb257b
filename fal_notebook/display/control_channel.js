// Sends messages to Python that the kernel receives even while a cell runs: on the control channel, if page and kernel
// can use it, otherwise as comm messages to the widget. Python puts this script before the scripts that use it.

class Control {
  constructor(model, address) {
    this.model = model;
    this.address = address;
    this.answers = false;
  }

  /** Find out whether the kernel answers on its control channel. The promise is rejected if it cannot. */
  async ask() {
    if (!this.address) throw new Error("the kernel does not listen to its control channel");
    // Every kernel answers this request, and it does not change the page's busy indicator.
    await this.put("comm_info_request", { target_name: "fal_notebook" }, true).done;
    this.answers = true;
  }

  say(content) {
    if (this.answers) this.put("fal_notebook_request", { to: this.address, content }, false);
    else this.model.send(content);
  }

  /** Send on the control channel. Only JupyterLab's widget manager has a kernel connection that can do this. */
  put(type, content, hasReply) {
    const kernel = this.model.widget_manager.kernel;
    const header = {
      msg_id: `fal-${Date.now()}-${Math.random().toString(36).slice(2)}`, msg_type: type, version: "5.3",
      session: kernel.clientId, username: kernel.username, date: new Date().toISOString(),
    };
    const message = { channel: "control", header, parent_header: {}, metadata: {}, content, buffers: [] };
    return kernel.sendControlMessage(message, hasReply, true);
  }
}
