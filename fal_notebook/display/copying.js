// Copying from answers: a Copy button for an answer and for each block of code, and formulas as TeX.
//
// This is installed once for a page, by whichever widget comes first, and serves all answers in the page. It only reads
// the page; nothing is fetched. The buttons are added where the pointer is, and everywhere when someone walks with the
// Tab key, so that a page with many answers costs nothing.

const copying = (() => {
  const COPYING = Symbol.for("fal_notebook.copying");
  const MOST_BUTTONS = 300; // of those that are added for the Tab key
  const CODE = ":is(.fal-code, .fal-now-code)"; // of a final answer, and of one that grows in a cell
  const WORDS = ":scope > :is(p, h1, h2, h3, h4, h5, h6, ul, ol, blockquote, pre, .fal-code, .fal-table)";
  const BLOCK = "p, ul, ol, blockquote, pre, details, .fal-code, .fal-table"; // in an item
  const MARKS = { STRONG: "**", B: "**", EM: "*", I: "*", S: "~~", DEL: "~~" };
  const COPY_STYLE = `
  .fal-copy { position: absolute; z-index: 1; inset-block-start: 4px; right: 4px; padding: 2px 8px; border: 1px solid
    color-mix(in srgb, currentcolor 25%, transparent); border-radius: 5px; background: var(--jp-layout-color1, Canvas);
    color: inherit; font: 11px/1.4 var(--jp-ui-font-family, system-ui, sans-serif); cursor: pointer; opacity: 0 }
  ${CODE} > .fal-copy { background: var(--jp-layout-color2, Canvas) }
  .fal-answer:hover > .fal-copy, ${CODE}:hover > .fal-copy, .fal-copy:focus-visible { opacity: 1 }
  .fal-answer:has(> .fal-copy) { position: relative }
  .fal-copy:hover { border-color: currentcolor }
  @media (hover: none) { .fal-copy { opacity: 1 } }
  @media print { .fal-copy { display: none } }`;

  /** A formula as its TeX, between dollars. */
  function texOf(element) {
    const tex = element.getAttribute("data-tex");
    return tex.startsWith("\\[") ? `$$${tex.slice(2, -2)}$$` : `$${tex.slice(2, -2)}$`;
  }

  function inline(node) {
    return [...node.childNodes].map(inlineOf).join("");
  }

  function inlineOf(node) {
    if (node.nodeType === 3) return node.data.replace(/\s+/g, " ");
    if (node.nodeType !== 1 || node.matches(".fal-copy")) return "";
    if (node.hasAttribute("data-tex")) return texOf(node);
    const mark = MARKS[node.nodeName];
    if (mark) return `${mark}${inline(node)}${mark}`;
    if (node.nodeName === "BR") return "\n";
    if (node.nodeName === "CODE") {
      const fence = fenceFor(node.textContent, 1);
      const gap = /^`|`$/.test(node.textContent) ? " " : "";
      return `${fence}${gap}${node.textContent}${gap}${fence}`;
    }
    if (node.nodeName === "A") {
      const [words, address] = [inline(node), node.getAttribute("href") ?? ""];
      return words === address || !address ? words : `[${words}](${address})`;
    }
    if (/^(SUB|SUP|KBD|MARK|U)$/.test(node.nodeName)) {
      const name = node.nodeName.toLowerCase();
      return `<${name}>${inline(node)}</${name}>`;
    }
    return inline(node);
  }

  /** More backticks than stand behind each other in the code. */
  function fenceFor(code, least) {
    const runs = (code.match(/`+/g) ?? []).map((run) => run.length + 1);
    return "`".repeat(Math.max(least, ...runs));
  }

  function indented(text, first, others) {
    return text.split("\n").map((line, at) => (at ? (line && others) : first) + line).join("\n");
  }

  function itemOf(item, mark) {
    const isBlock = (node) => node.nodeType === 1 && node.matches(BLOCK);
    let words = "";
    for (const node of item.childNodes) {
      const isInner = isBlock(node);
      if (isInner) words = `${words.trimEnd()}\n${node.matches("ul, ol, pre") ? "" : "\n"}${blockOf(node)}`;
      else words += inlineOf(node);
    }
    return indented(words.trim(), mark, " ".repeat(mark.length));
  }

  function rowOf(row) {
    return `| ${[...row.cells].map((cell) => inline(cell).trim().replace(/\n/g, "<br>").replace(/\|/g, "\\|")).join(" | ")} |`;
  }

  function blockOf(node) {
    const name = node.nodeName;
    if (node.matches(".fal-copy, style, summary, .fal-code-head")) return "";
    if (node.matches(".fal-code")) {
      const code = node.querySelector("code")?.textContent ?? "";
      const fence = fenceFor(code, 3);
      const head = node.querySelector(".fal-code-head")?.textContent ?? "";
      return `${fence}${head}\n${code.replace(/\n$/, "")}\n${fence}`;
    }
    if (/^H[1-6]$/.test(name)) return `${"#".repeat(Number(name[1]))} ${inline(node).trim()}`;
    if (name === "P") return inline(node).trim();
    if (name === "HR") return "---";
    if (name === "DETAILS" && !node.className) { // of the model
      const summary = `<summary>${inline(node.querySelector("summary")).trim()}</summary>`;
      return `<details>\n${summary}\n\n${blocks(node)}\n\n</details>`;
    }
    if (name === "PRE") return node.textContent;
    if (name === "BLOCKQUOTE") return indented(blocks(node), "> ", "> ");
    if (name === "UL" || name === "OL") {
      let number = (Number(node.getAttribute("start")) || 1) - 1;
      const mark = (item) => {
        number = Number(item.getAttribute("value")) || number + 1;
        return name === "UL" ? "- " : `${number}. `;
      };
      return [...node.children].map((item) => itemOf(item, mark(item))).join("\n");
    }
    if (name === "TABLE") {
      const [head, ...rows] = [...node.rows].map(rowOf);
      const line = [...node.rows[0].cells].map((cell) => ({ right: "--:", center: ":-:" })[cell.style.textAlign] ?? "---");
      return [head, `| ${line.join(" | ")} |`, ...rows].join("\n");
    }
    return node.querySelector("p, ul, ol, table, .fal-code") ? blocks(node) : inline(node).trim();
  }

  function blocks(parent) {
    const parts = [...parent.childNodes].map((node) => (node.nodeType === 1 ? blockOf(node) : inlineOf(node).trim()));
    return parts.filter(Boolean).join("\n\n");
  }

  /** What an answer shows, as Markdown. */
  function markdownOf(answer) {
    return blocks(answer);
  }

  async function copyText(document, text) {
    try {
      await document.defaultView.navigator.clipboard.writeText(text);
    } catch { // a page that is not secure has no clipboard
      const area = Object.assign(document.createElement("textarea"), { value: text });
      area.style.cssText = "position:fixed;opacity:0";
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  }

  function addButton(place, name, textOf) {
    if (place.querySelector(":scope > .fal-copy:not(.fal-below)")) return;
    const { ownerDocument } = place;
    const button = Object.assign(ownerDocument.createElement("button"), { type: "button", className: "fal-copy" });
    button.textContent = "Copy";
    button.setAttribute("aria-label", name);
    button.addEventListener("click", async () => {
      const { activeElement } = ownerDocument;
      await copyText(ownerDocument, textOf());
      activeElement?.focus?.({ preventScroll: true });
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    place.append(button);
  }

  function addButtons(code, answer) {
    if (code) addButton(code, "Copy code", () => code.querySelector("code")?.textContent ?? "");
    if (answer && !answer.closest(".fal-root, .fal-streaming, .fal-answer .fal-answer") && answer.querySelector(WORDS)) {
      addButton(answer, "Copy answer", () => markdownOf(answer));
    }
  }

  /** Give back the TeX of the formulas in what is copied. */
  function copySelection(event, document) {
    const selection = document.getSelection();
    if (event.defaultPrevented || !selection?.rangeCount || selection.isCollapsed) return;
    const fragment = selection.getRangeAt(0).cloneContents();
    const formulas = fragment.querySelectorAll("[data-tex]");
    if (!formulas.length || !event.clipboardData) return;
    for (const formula of formulas) formula.textContent = texOf(formula);
    for (const other of fragment.querySelectorAll(".fal-copy, style, script")) other.remove();
    const sheet = document.createElement("div"); // in the page, which knows where lines end
    sheet.style.cssText = "position:fixed;left:-9999px;top:0;width:60em";
    sheet.append(fragment);
    document.body.append(sheet);
    event.clipboardData.setData("text/plain", sheet.innerText);
    event.clipboardData.setData("text/html", sheet.innerHTML);
    sheet.remove();
    event.preventDefault();
  }

  function installCopying(document) {
    if (document[COPYING]) return;
    document[COPYING] = true;
    document.head.append(Object.assign(document.createElement("style"), { textContent: COPY_STYLE }));
    const nearby = ({ target }) => {
      if (target?.closest) addButtons(target.closest(CODE), target.closest(".fal-answer"));
    };
    document.addEventListener("pointerover", nearby, { passive: true });
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Tab") return;
      const places = [...document.querySelectorAll(`${CODE}, .fal-answer`)].slice(0, MOST_BUTTONS);
      for (const place of places) addButtons(place.matches(CODE) ? place : null, place.matches(".fal-answer") ? place : null);
    }, { capture: true, passive: true });
    document.addEventListener("copy", (event) => copySelection(event, document));
  }

  return { markdownOf, install: installCopying };
})();

if (typeof document !== "undefined") copying.install(document);
