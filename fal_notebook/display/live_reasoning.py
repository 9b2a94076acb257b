"""A model's reasoning while it streams: its newest lines, and how long it takes.

Reasoning may be a hundred times as long as the answer, and few read all of it. So only its newest lines are shown while
it comes, and a refresh costs the same however much has come; all of it is in the final answer, folded. The lines are
plain text, made harmless as all words of a server.
"""

import unicodedata
from collections.abc import Sequence
from typing import TypedDict

from ..client.streaming import Stream
from ..render.answer_style import QUIET_STYLE
from ..render.bundles import Bundle, small_bundle, thought_words
from ..render.markdown import text_html
from ..response.updates import Reasoning, Update
from ..safety.plain_text import one_line, plain_text

_MOST_SHOWN = 2_000  # characters of the newest lines
_LEAST_SHOWN = 1_000  # characters that are left when older ones are dropped: lines that stand are rarely broken anew
_MARK = "…"  # before the newest lines, where there are older ones


# The last lines stand at the bottom of a box with a limited height: no script has to scroll to them.
_NEWEST_STYLE = (
    "display:flex;flex-direction:column-reverse;max-height:6em;overflow:hidden;font-size:85%;line-height:1.5"
)
_LINES_STYLE = f"{QUIET_STYLE};white-space:pre-wrap"


def thinking_words(stream: Stream) -> str:
    """The line that tells that the model reasons: ``thinking… 4 s``."""
    return f"thinking… {stream.thinking or 0.0:.0f} s"


class ReasoningState(TypedDict):
    """What a page shows of reasoning.

    words: the newest lines. seconds: how long the model has been thinking. line: what is said of it once it has ended,
    else empty.
    """

    words: str
    seconds: float
    line: str


class LiveReasoning:
    """Collects the reasoning of one answer.

    Attributes:
        has_news: whether anything has changed since `state` was called.
    """

    def __init__(self) -> None:
        self.has_news = False
        self._length = 0  # of the reasoning so far
        self._newest = ""  # its end
        self._line = ""

    @property
    def has_begun(self) -> bool:
        """Whether there is any reasoning."""
        return bool(self._length)

    def take(self, updates: Sequence[Update]) -> None:
        """Collect what has arrived."""
        for update in updates:
            if isinstance(update, Reasoning):
                self._collect(update)

    def watch(self, stream: Stream) -> None:
        """Note whether the reasoning has ended."""
        if self.has_begun and not stream.is_thinking and not self._line:
            self._line, self.has_news = thought_words(stream.thinking), True

    def state(self, stream: Stream) -> ReasoningState:
        """What is shown now."""
        self.watch(stream)
        self.has_news = False
        return {"words": self.words, "seconds": round(stream.thinking or 0.0, 2), "line": self._line}

    def bundles(self, stream: Stream) -> list[Bundle]:
        """What is shown now, as static outputs that are replaced by the next ones."""
        words = self.state(stream)["words"]
        if not words or self._line:
            return [small_bundle(self._line)] if self._line else []
        html = f'<div style="{_NEWEST_STYLE}"><div style="{_LINES_STYLE}">{text_html(words)}</div></div>'
        return [{"text/plain": words, "text/html": html}]

    @property
    def words(self) -> str:
        """The newest lines, harmless."""
        mark = _MARK if len(self._newest) < self._length else ""
        return mark + plain_text(self._newest)

    @property
    def line(self) -> str:
        """What is said of the reasoning once it has ended: ``thought for 12 s``; empty until then."""
        return self._line

    def last_words(self, width: int) -> str:
        """The newest words on one line, at most so wide: characters of East Asia are two columns wide."""
        width = max(0, width)
        line = one_line(self._newest[-4 * width - 40 :], 5 * width + 40)
        shown = ""
        for character in reversed(line):
            width -= 2 if unicodedata.east_asian_width(character) in "WF" else 1
            if width < 0:
                break
            shown = character + shown
        return shown if len(shown) == len(line) else shown.partition(" ")[2] or shown

    def _collect(self, update: Reasoning) -> None:
        begin = self._length - len(self._newest)  # where the newest lines begin
        self._newest = self._newest[: max(0, update.offset - begin)] + update.new
        self._length = update.offset + len(update.new)
        self.has_news = True
        if len(self._newest) > _MOST_SHOWN:
            rest = self._newest[-_LEAST_SHOWN:]
            start = rest.find("\n") + 1 or rest.find(" ") + 1
            self._newest = rest[start:] or rest
