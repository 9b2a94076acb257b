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

test("a compressed answer gets its HTML, and one that is not compressed keeps it", async () => {
  for (const kind of ["done", "entry"]) {
    const packed = await unpacked({ kind, id: 1, html: "" }, [asSent(HTML)]);
    assert.deepEqual(packed, { kind, id: 1, html: HTML });
    assert.deepEqual(await unpacked({ kind, html: "<b>" }, []), { kind, html: "<b>" });
    assert.deepEqual(await unpacked({ kind }, undefined), { kind });
  }
});

test("the bytes of a preview are not decompressed", async () => {
  const message = { kind: "preview", id: 1 };
  assert.equal(await unpacked(message, [asSent("x")]), message);
});

test("bytes that are not compressed raise an error", async () => {
  await assert.rejects(unpack(new DataView(new Uint8Array([1, 2, 3]).buffer)));
});
