// Unpacks messages of Python. It compresses the HTML of an ended answer, since this repeats words that the page has.

/** Decompress a text that Python has compressed with zlib. */
function unpack(buffer) {
  return new Response(new Blob([buffer]).stream().pipeThrough(new DecompressionStream("deflate"))).text();
}

/** The message, with its HTML decompressed if it has any. */
async function unpacked(message, buffers) {
  const packed = message.kind === "done" || message.kind === "entry" ? buffers?.[0] : undefined;
  return packed ? { ...message, html: await unpack(packed) } : message;
}
