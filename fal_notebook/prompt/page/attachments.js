// Files that go with the next prompt, each as a chip: chosen, pasted or dropped here, and sent to Python in pieces.

const FILE_PIECE = 512 * 1024; // bytes of a file in one message
const LARGEST_FILE = 32 * 1024 * 1024; // bytes; Python has the same bound
const PICTURES = ["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"];

/** If something holds files, keep the event from the page, and hand on the files. */
function takeFiles(event, holder, take) {
  const files = [...(holder?.files ?? [])];
  if (!files.length) return;
  event.preventDefault();
  event.stopPropagation();
  take(files);
}

class Attachments {
  /** `send` sends Python a message with buffers, `refuse` shows why a file is not taken. */
  constructor(prefix, { send, refuse, done }) {
    Object.assign(this, { send, refuse, done });
    this.prefix = prefix;
    this.count = 0;
    this.uploads = Promise.resolve(); // one after the other, so that files arrive in the order in which they were chosen
    this.isTelling = false; // whether the notice is of the files that were added last
    this.pending = new Set(); // the ids of files of which Python has not told yet
    this.urls = new Map(); // of the pictures that this page has, by the id of their file
    this.picker = make("input", {
      type: "file", multiple: true, hidden: true,
      onchange: () => { this.add([...this.picker.files]); this.picker.value = ""; this.done(); },
    });
    this.button = button("+", {
      class: "fal-button fal-quiet fal-attach", "aria-label": "Attach files",
      title: "Attach files: also paste or drop them",
    }, () => this.picker.click());
    this.element = make("div", { class: "fal-attached", role: "group", "aria-label": "Attached files", hidden: true });
  }

  /** Send files to Python, for the next prompt or for an argument. */
  add(files, argument = "") {
    this.isTelling = false;
    for (const file of files) {
      if (file.size > LARGEST_FILE) this.refuse(`${file.name} is larger than 32 MB: give its URL as an argument`);
      else this.uploads = this.uploads.then(() => this.upload(file, argument))
        .catch(() => this.refuse(`${file.name} cannot be read`));
    }
  }

  async upload(file, argument) {
    const id = `${this.prefix}-file-${++this.count}`;
    if (!argument && PICTURES.includes(file.type)) this.urls.set(id, URL.createObjectURL(file));
    this.pending.add(id);
    const about = { id, name: file.name, type: file.type, size: file.size, argument };
    for (let at = 0; at === 0 || at < file.size; at += FILE_PIECE) {
      this.send("attach", { ...about, at }, [await file.slice(at, at + FILE_PIECE).arrayBuffer()]);
    }
  }

  /** Show the files that Python has, and those that are on their way to it. */
  show({ files }, buffers) {
    for (const { id } of files) this.pending.delete(id);
    const here = new Set([...this.pending, ...files.map(({ id }) => id)]);
    for (const { id, type, picture } of files) {
      if (picture === undefined || this.urls.has(id) || !PICTURES.includes(type)) continue;
      this.urls.set(id, URL.createObjectURL(new Blob([buffers[picture]], { type })));
    }
    for (const [id, url] of this.urls) {
      if (here.has(id)) continue;
      URL.revokeObjectURL(url);
      this.urls.delete(id);
    }
    this.element.replaceChildren(...files.map((file) => this.chip(file)));
    this.element.hidden = !files.length;
  }

  chip({ id, name, words }) {
    const url = this.urls.get(id);
    return make("div", { class: "fal-chip", title: name },
      ...(url ? [make("img", { src: url, alt: "" })] : []),
      make("span", { class: "fal-chip-name" }, name),
      make("span", { class: "fal-chip-words" }, words),
      button("×", { class: "fal-button fal-quiet", "aria-label": `Remove ${name}`, title: "Remove" }, () => {
        this.send("detach", { id });
        this.done();
      }));
  }

  close() {
    for (const url of this.urls.values()) URL.revokeObjectURL(url);
  }
}
