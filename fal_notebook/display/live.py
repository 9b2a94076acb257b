"""What a request shows while it streams, and what stays of it: the parts that every place has in common.

Words are drawn at a pace that keeps to what Jupyter carries without loss: its server drops messages silently beyond
limits of messages and of bytes a second. What is too long to be shown is cut, with a note. In a terminal, words are
printed as they come; for a notebook see `notebook_live`.

What cannot be shown stops no request, whose answer is paid for: nothing is shown from then on but the end.
"""

import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import Enum, auto
from typing import TYPE_CHECKING

from ..client.interrupts import Interrupts
from ..client.result import Format, Result
from ..client.streaming import Stream
from ..media.media import Media, raster
from ..render.bundles import CUT, LONGEST_TEXT, media_words
from ..response.updates import Preview, Progress, Text, Update
from ..safety.plain_text import foreign, one_line, plain_text, printable
from .outputs import show_bundle

if TYPE_CHECKING:
    pass

REFRESHES = 8  # a second; each costs three messages: enter the widget, print, leave it
_CHARACTERS = 25_000  # of up to four bytes, a refresh at the most: the server's limit is 1 MB of stream output a second
_FOREIGN_CHARACTERS = 5_000  # the same where so many are beyond Latin-1: a page shapes what is new as one
_TAIL = 100  # characters of what is shown that tell how what follows is shown
_PATIENCE = 1.0  # seconds without a byte before a line says that the request is waited for
_IDLE_TICK = 0.25


def follow(stream: Stream, live: "Live") -> None:
    """Show a stream until its end. An interrupt gets through, but never into what is being drawn.

    Then the caller has to stop the stream.
    """
    with Interrupts() as interrupts:
        while not stream.is_done:
            waiting = live.due - time.monotonic()
            with interrupts.let_through():
                stream.wait(max(waiting, 0.001) if live.has_news else _IDLE_TICK)
            live.show(stream.take(), stream)


def print_text(text: str) -> None:
    """Print at once, whatever characters the output can carry."""
    sys.stdout.write(printable(text, sys.stdout))
    sys.stdout.flush()


class Shown(Enum):
    """What a print takes the place of."""

    NOTHING = auto()
    LINE = auto()
    WORDS = auto()


class Live(ABC):
    """What one request shows. It collects updates and draws them when it is asked to refresh.

    Attributes:
        due: when the next refresh may come, by the monotonic clock in seconds. A refresh that finds nothing leaves it
            as it is, so that the first words wait for none.
        failure: what went wrong when something was shown.
    """

    def __init__(self) -> None:
        self.due = 0.0
        self.failure: Exception | None = None
        self._unshown: list[str] = []
        self._text: list[str] = []
        self._length = 0
        self._is_cut = False
        self._replaces = Shown.NOTHING
        self._progress: Progress | None = None
        self._picture: Media | None = None
        self._file = ""
        self._waited = ""
        self._tail = ""

    @property
    def has_news(self) -> bool:
        """Whether a refresh would show something new."""
        return self.failure is None and self._has_undrawn

    @property
    def words(self) -> str:
        """The answer's words so far, those included that have not been drawn."""
        return "".join(self._text)

    def show(self, updates: Sequence[Update], stream: Stream) -> None:
        """Take what has arrived, and draw it if it is time."""
        if self.failure is not None:
            return
        try:
            self.take(updates)
            if time.monotonic() >= self.due and not stream.is_done:  # the end shows the rest: what is whole is not live
                self.refresh(stream)
        except Exception as exc:  # noqa: BLE001 - whatever it is, the answer goes on
            self.failure = exc

    def take(self, updates: Sequence[Update]) -> None:
        """Collect what has arrived."""
        for update in updates:
            if isinstance(update, Text):
                self._collect(update)
            elif isinstance(update, Progress):
                self._progress = update
            elif isinstance(update, Preview):
                self._picture = raster(update.media)
                self._file = "" if self._picture else media_words(update.media[0])

    def refresh(self, stream: Stream) -> None:
        """Draw what has been collected, or a line on what is waited for."""
        if self._unshown:
            self._draw()
        elif not self._text:
            self._wait_line(stream)

    def discard(self) -> None:
        """Show nothing: no request was sent. What `finish` would close is closed."""
        self._unshown = []

    @property
    def _has_undrawn(self) -> bool:
        return bool(self._unshown)

    @abstractmethod
    def finish(self, result: Result, style: Format, *, autoplay: bool) -> None:
        """Show what stays, however the request ended. To be called once, and once more where that fails."""

    @abstractmethod
    def _write(self, text: str, replaces: Shown) -> None:
        """Put text behind what is shown, or in its place."""

    def _collect(self, update: Text) -> None:
        if update.offset < min(self._length, LONGEST_TEXT):
            text = "".join(self._text)[: update.offset]
            self._text, self._unshown, self._replaces = [text], [text], Shown.WORDS
            self._is_cut = False
        new = update.new[: max(0, LONGEST_TEXT - update.offset)]
        self._length = update.offset + len(update.new)
        if new:
            self._text.append(new)
            self._unshown.append(new)
        if self._length > LONGEST_TEXT and not self._is_cut:
            self._is_cut = True
            self._unshown.append(CUT)

    def _draw(self) -> None:
        text = "".join(self._unshown)
        size = _CHARACTERS if foreign(text[:_CHARACTERS]) <= _FOREIGN_CHARACTERS else _FOREIGN_CHARACTERS
        shown, rest = text[:size], text[size:]
        if shown[-1:] == "\r" or "\ud800" <= shown[-1:] <= "\udbff":
            shown, rest = shown[:-1], shown[-1:] + rest
        self._unshown = [rest] if rest else []
        self._rest()
        if not shown:
            return
        replaces = Shown.LINE if self._waited else self._replaces
        self._replaces, self._waited = Shown.NOTHING, ""
        before = self._tail if replaces is Shown.NOTHING else ""
        words = plain_text(shown, before)
        self._tail = (before + words)[-_TAIL:]
        self._write(words, replaces)

    def _wait_line(self, stream: Stream) -> None:
        if stream.elapsed < _PATIENCE:
            return
        doing = "connecting" if stream.is_connecting else "receiving" if stream.bytes else "waiting"
        received = f" · {stream.bytes:,} bytes" if stream.bytes else ""
        said = "".join(f" · {one_line(words, 80)}" for words in (self._progress_words(), self._file) if words)
        line = f"{doing}… {stream.elapsed:.0f} s{received}{said}"
        if line != self._waited:
            replaces = Shown.LINE if self._waited else Shown.NOTHING
            self._waited = line
            self._rest(_IDLE_TICK)
            self._write(line, replaces)

    def _rest(self, seconds: float | None = None) -> None:
        """Let the next refresh come after so many seconds, or at the usual pace; later where something else asks."""
        self.due = max(self.due, time.monotonic() + (1 / REFRESHES if seconds is None else seconds))

    def _progress_words(self) -> str:
        """The progress, for the line that waits."""
        return self._progress.words if self._progress else ""


class StaticLive(Live):
    """What stays of an answer and nothing before it, where no page looks on."""

    def finish(self, result: Result, style: Format, *, autoplay: bool) -> None:
        for output in result.outputs(style, autoplay=autoplay):
            show_bundle(output)

    def _write(self, text: str, replaces: Shown) -> None:
        """Show nothing while it streams."""


class TerminalLive(Live):
    """The same in a terminal, where what has been printed stays."""

    def finish(self, result: Result, style: Format, *, autoplay: bool) -> None:
        while self._unshown:
            self._draw()
        if self._waited:
            self._write("", Shown.LINE)
            self._waited = ""
        if self._text and style != "json":
            length = [f"{len(result.text):,} characters in all"] if self._is_cut else []
            beneath = [output["text/plain"] for output in result.beneath("text")]
            lines = ["", *length, *map(media_words, result.media), *beneath, result.status_line]
        else:
            lines = ["" for _ in self._text[:1]] + [output["text/plain"] for output in result.outputs(style)]
        print_text("\n".join(lines) + "\n")

    def _write(self, text: str, replaces: Shown) -> None:
        if not self._text and not sys.stdout.isatty():
            return  # a line that waits would stay in the file that the output goes to
        start = {Shown.NOTHING: "", Shown.LINE: "\r\x1b[K", Shown.WORDS: "\n"}[replaces]
        print_text(start + text)


class NoLive(Live):
    """Nothing, for ``--quiet``."""

    def finish(self, result: Result, style: Format, *, autoplay: bool) -> None:
        """Show nothing."""

    def _write(self, text: str, replaces: Shown) -> None:
        """Show nothing."""
