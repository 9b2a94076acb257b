// What Python says, as it comes: HTML of an ended answer is packed, for it repeats words that the page has.

/** The text that Python packed. */
function unpack(buffer) {
  return new Response(new Blob([buffer]).stream().pipeThrough(new DecompressionStream("deflate"))).text();
}

/** A message with its HTML, if it has any. */
async function unpacked(message, buffers) {
  const packed = message.kind === "done" || message.kind === "entry" ? buffers?.[0] : undefined;
  return packed ? { ...message, html: await unpack(packed) } : message;
}
