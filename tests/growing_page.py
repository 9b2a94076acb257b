"""Stand-ins for pages that show formatted words: they apply the messages as growing_words.js and words_view.js do."""

import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
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
    def html(self) -> str:
        """The HTML of the blocks and the tail."""
        return "".join(block for block, _ in self.blocks) + self.tail

    @property
    def words(self) -> str:
        """The words without their format, on one line."""
        return _words(self.html)


class GrowingColumns:
    """What the page has of columns of words after the frames so far.

    Attributes:
        around: the HTML above, below and between the words, by column.
        words: the words of each column.
    """

    def __init__(self) -> None:
        self.number = -1
        self.around: list[dict[str, str]] = []
        self.words: list[GrowingPage] = []

    def apply(self, frame: Mapping[str, Any]) -> None:
        if frame["whole"]:
            self.around = [{} for _ in frame["columns"]]
            self.words = [GrowingPage() for _ in frame["columns"]]
        else:
            assert frame["number"] == self.number + 1
        self.number = frame["number"]
        for around, words, news in zip(self.around, self.words, frame["columns"], strict=True):
            around.update({name: html for name, html in news.items() if name != "words"})
            words.apply(news.get("words"))

    @property
    def html(self) -> list[str]:
        """The HTML of each column."""
        return [
            around.get("above", "") + words.html + around.get("picture", "") + around.get("below", "")
            for around, words in zip(self.around, self.words, strict=True)
        ]

    @property
    def text(self) -> list[str]:
        """The words of each column without their format, each on one line."""
        return [_words(html) for html in self.html]


def columns_of(messages: Sequence[Mapping[str, Any]]) -> Iterator[GrowingColumns]:
    """The columns that a cell shows, after each of their frames; it is the same object each time."""
    columns = GrowingColumns()
    for message in messages:
        data = message["content"].get("data", {})
        if message["header"]["msg_type"] in ("comm_open", "comm_msg") and "frame" in data.get("state", {}):
            columns.apply(data["state"]["frame"])
            yield columns


def _words(html: str) -> str:
    return " ".join(unescape(_TAG.sub("", html)).split())


def unpacked(message: Mapping[str, Any], buffers: Sequence[bytes | memoryview] | None) -> dict[str, Any]:
    """A message with the parts that were compressed."""
    if not message.get("packed"):
        return dict(message)
    assert buffers
    return {**message, **json.loads(zlib.decompress(buffers[0]))}
