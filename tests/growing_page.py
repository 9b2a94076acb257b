"""A stand-in for a page that shows formatted words: it applies the messages as growing_words.js does."""

import json
import re
import zlib
from collections.abc import Mapping, Sequence
from html import unescape
from typing import Any

_TAG = re.compile(r"<[^>]*>")


class GrowingPage:
    """What the page has after the messages so far. It counts UTF-16 code units, as JavaScript does."""

    def __init__(self) -> None:
        self.blocks: list[list[Any]] = []
        self.tail = ""

    def apply(self, message: Mapping[str, Any] | None) -> None:
        if message is None or "blocks" not in message:
            return
        assert message["keep"] <= len(self.blocks)
        self.blocks[message["keep"] :] = message["blocks"]
        offset, rest, _ = message["tail"]
        units = self.tail.encode("utf-16-le")
        assert 2 * offset <= len(units)
        self.tail = units[: 2 * offset].decode("utf-16-le") + rest

    @property
    def words(self) -> str:
        """The words without their format, on one line."""
        html = "".join(block for block, _ in self.blocks) + self.tail
        return " ".join(unescape(_TAG.sub("", html)).split())


def unpacked(message: Mapping[str, Any], buffers: Sequence[bytes | memoryview] | None) -> dict[str, Any]:
    """A message with the parts that were compressed."""
    if not message.get("packed"):
        return dict(message)
    assert buffers
    return {**message, **json.loads(zlib.decompress(buffers[0]))}
