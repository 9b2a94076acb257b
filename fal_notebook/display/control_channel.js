// Says things to Python so that they are heard while a cell blocks the kernel: on the kernel's control channel, where
// page and kernel have one, else as messages to the widget, as everywhere. Stands before the scripts that use it.

class Control {
  constructor(model, address) {
    this.model = model;
    this.address = address;
    this.answers = false;
  }

  /** Ask the kernel for an answer on its control channel. The promise fails where none can come. */
  async ask() {
    if (!this.address) throw new Error("the kernel does not listen to its control channel");
    // A question that every kernel answers and that leaves the page's light for the kernel as it is.
    await this.put("comm_info_request", { target_name: "fal_notebook" }, true).done;
    this.answers = true;
  }

  say(content) {
    if (this.answers) this.put("fal_notebook_request", { to: this.address, content }, false);
    else this.model.send(content);
  }

  /** JupyterLab's widget manager has its kernel's connection; others have none, or one that cannot do this. */
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
