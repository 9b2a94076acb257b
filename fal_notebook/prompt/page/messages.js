// Unpacks messages of Python. It compresses what is long in them.

/** Decompress a text that Python has compressed with zlib. */
function unpack(buffer) {
  return new Response(new Blob([buffer]).stream().pipeThrough(new DecompressionStream("deflate"))).text();
}

/** The message with all its parts. */
async function unpacked(message, buffers) {
  return message.packed ? { ...message, ...JSON.parse(await unpack(buffers[0])) } : message;
}
