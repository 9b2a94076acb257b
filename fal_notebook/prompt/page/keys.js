// What the keys of a view mean.

/** Whether this Enter sends. In the input, `enterSends` decides between Enter and Shift+Enter. */
function sends(event, isInPrompt, enterSends) {
  if (event.key !== "Enter" || event.altKey) return false;
  return event.ctrlKey || event.metaKey || (isInPrompt && Boolean(event.shiftKey) !== enterSends);
}

/** What the input says while it is empty. A narrow one has no room for the keys. */
function hint(enterSends, isNarrow = false, takesPrompt = true) {
  const [send, line] = enterSends ? ["Enter", "Shift+Enter"] : ["Shift+Enter", "Enter"];
  if (!takesPrompt) return isNarrow ? "Takes no prompt" : `This endpoint takes no prompt: ${send} sends the rest`;
  if (isNarrow) return "Ask something…";
  return `Ask something… ${send} sends, ${line} makes a line`;
}

/** How the arrow keys move through the past prompts: only where they would not move within the text. */
function walkedBy(event, control, isWalking) {
  const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  const { selectionStart: start, selectionEnd: end, value } = control;
  if (!by || start !== end || event.shiftKey || event.ctrlKey || event.metaKey || event.altKey) return 0;
  const wanted = by < 0 ? 0 : value.length;
  return start === wanted || (isWalking && end === value.length) ? by : 0;
}
