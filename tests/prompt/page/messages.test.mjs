import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import { load } from "../../page_code.mjs";

const { unpack, unpacked } = load(["prompt/page/messages.js"], ["unpack", "unpacked"]);
const HTML = "<p>words 😀 and ש</p>".repeat(5_000);
const asSent = (text) => new DataView(new Uint8Array(deflateSync(text)).buffer); // the type of buffers in Jupyter

test("what zlib has compressed is decompressed", async () => {
  assert.equal(await unpack(asSent(HTML)), HTML);
  assert.equal(await unpack(asSent("")), "");
});

test("a message gets its packed parts, and one without them stays as it is", async () => {
  const packed = await unpacked({ kind: "done", id: 1, packed: true }, [asSent(JSON.stringify({ html: HTML }))]);
  assert.deepEqual([packed.kind, packed.id, packed.html === HTML], ["done", 1, true]);
  for (const message of [{ kind: "done", html: "<b>" }, { kind: "preview", id: 1 }]) {
    assert.equal(await unpacked(message, [asSent("x")]), message);
  }
});

test("bytes that are not compressed raise an error", async () => {
  await assert.rejects(unpack(new DataView(new Uint8Array([1, 2, 3]).buffer)));
});
