// What a view does with each kind of message from Python.

/** Messages about one entry. They are ignored if the view does not have it. */
const ABOUT_AN_ENTRY = {
  delta: (view, entry, message) => view.grow(entry, message),
  preview: (_, entry, message, buffers) => entry.preview(message.type, buffers[0]),
  progress: (_, entry, message) => entry.progress(message),
  reasoning: (_, entry, message) => entry.think(message),
  sound: (view, entry, message) => view.showPlayer(entry, message.model),
  copied: (view, _, message) => view.putIntoClipboard(message.copy),
  done: (view, entry, message) => view.finish(entry, message),
};

/** All other messages. */
const ABOUT_ALL = {
  entry: (view, message) => view.open(message),
  earlier: (view, message) => view.conversation.keepPlaces(message.entries),
  deleted: (view, message) => view.drop(message.id),
  left: (view, message) => view.leave(message),
  cleared: (view) => view.clear(),
  state: (view, message) => view.showState(message),
  form: (view, message) => view.showForm(message),
  doubts: (view, message) => view.form.showDoubts(message.doubts),
  attached: (view, message, buffers) => view.attachments.show(message, buffers),
  total: (view, message) => view.total.show(message),
  exported: (view, message) => view.exporting.save(message),
  undoable: (view, message) => view.undo.show(message),
  prompts: (view, message) => view.input.past.show(message.prompts),
  control: (view, message) => view.openControl(message.address),
  kept: (view, message) => view.transcript.update(message),
  transcript: (view, message) => view.transcript.put(message.pieces),
  refused: (view, message) => view.refuse(message),
};
