"""Live views: what a request shows while it streams, and what stays at its end.

Here are the base class and the views for a terminal, for static outputs and for ``--quiet``; `notebook_live` has the
one for a notebook. Jupyter's server silently drops messages beyond its limits of messages and of bytes a second. So
words are drawn a few times a second, a bounded number at a time. Text that is too long to be shown is cut, with a note.

If drawing fails, the request goes on, since its answer is paid for. Nothing more is drawn until the result at the end.
"""

import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import Enum, auto
from shutil import get_terminal_size

from ..client.interrupts import Interrupts
from ..client.result import Format, Result
from ..client.streaming import Stream
from ..media.media import Media, first_raster
from ..render.bundles import CUT_NOTE, LONGEST_TEXT, thought_words
from ..render.file_words import media_words
from ..response.updates import Log, Preview, Progress, Text, Update
from ..safety.plain_text import count_beyond_latin1, ends_in_half, one_line, plain_text, printable
from .live_reasoning import LiveReasoning, thinking_words
from .outputs import show_bundle

REFRESHES = 8  # a second; each costs three messages: enter the widget, print, leave it
_MOST_CHARACTERS = 25_000  # in a refresh, of up to four bytes each: the server's limit is 1 MB of output a second
_MOST_FOREIGN = 5_000  # in a refresh, if more of them are beyond Latin-1: a page lays out all that is new in one step
_TAIL_LENGTH = 100  # characters at the end of the shown text, which `plain_text` gets together with the next ones
_PATIENCE = 1.0  # seconds after which a line tells what is waited for, if no words have come
_IDLE_TICK = 0.25  # seconds between two looks at a stream of which nothing has come


def follow(stream: Stream, live: "Live") -> None:
    """Show a stream until its end. An interrupt is raised while this function waits, and never while it draws.

    If one is raised, the caller has to stop the stream.
    """
    with Interrupts() as interrupts:
        while not stream.is_done:
            waiting = live.due - time.monotonic()
            with interrupts.let_through():
                stream.wait(max(waiting, 0.001) if live.has_news else _IDLE_TICK)
            live.show(stream.take(), stream)


def print_text(text: str) -> None:
    """Print text without delay. Characters that the output's encoding does not have are replaced."""
    sys.stdout.write(printable(text, sys.stdout))
    sys.stdout.flush()


class Shown(Enum):
    """What a new print replaces of what is shown.

    NOTHING: it is put behind the rest. LINE: the line that tells what is waited for. WORDS: the whole text.
    """

    NOTHING = auto()
    LINE = auto()
    WORDS = auto()


class Live(ABC):
    """The live view of one request. It collects updates, and draws them when it is refreshed.

    Attributes:
        due: when the next refresh may come, in seconds of `time.monotonic`. A refresh that draws nothing does not move
            it, so that the first words are drawn as soon as they come.
        failure: the error that was raised while something was shown.
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
        self._log = ""
        self._reasoning = LiveReasoning()
        self._waiting_line = ""
        self._tail = ""

    @property
    def has_news(self) -> bool:
        """Whether a refresh would show something new."""
        return self.failure is None and self._has_undrawn

    @property
    def words(self) -> str:
        """The answer's words so far, including those that have not been drawn."""
        return "".join(self._text)

    def show(self, updates: Sequence[Update], stream: Stream) -> None:
        """Collect what has arrived, and draw it if a refresh is due."""
        if self.failure is not None:
            return
        try:
            self.take(updates)
            if time.monotonic() >= self.due and not stream.is_done:  # at the end, `finish` shows the rest
                self.refresh(stream)
        except Exception as exc:  # noqa: BLE001 - whatever fails, the request goes on
            self.failure = exc

    def take(self, updates: Sequence[Update]) -> None:
        """Collect what has arrived."""
        self._reasoning.take(updates)
        for update in updates:
            if isinstance(update, Text):
                self._collect(update)
            elif isinstance(update, Progress):
                self._progress = update
            elif isinstance(update, Log):
                self._log = update.message
            elif isinstance(update, Preview):
                self._picture = first_raster(update.media)
                self._file = "" if self._picture else media_words(update.media[0])

    def refresh(self, stream: Stream) -> None:
        """Draw what has been collected, or, if there are no words yet, a line that tells what is waited for."""
        if self._unshown:
            self._draw()
        elif not self._text:
            self._draw_waiting_line(stream)

    def discard(self) -> None:
        """Show nothing, because no request was sent. Close what `finish` would close."""
        self._unshown = []

    @property
    def _has_undrawn(self) -> bool:
        return bool(self._unshown)

    @abstractmethod
    def finish(self, result: Result, style: Format, *, autoplay: bool) -> None:
        """Show the result, however the request ended. To be called once, and once more if the first call fails."""

    @abstractmethod
    def _write(self, text: str, replaces: Shown) -> None:
        """Print text behind what is shown, or in place of some of it."""

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
            self._unshown.append(CUT_NOTE)

    def _draw(self) -> None:
        """Print collected text, as much as one refresh may have."""
        text = "".join(self._unshown)
        size = _MOST_CHARACTERS if count_beyond_latin1(text[:_MOST_CHARACTERS]) <= _MOST_FOREIGN else _MOST_FOREIGN
        shown, rest = text[:size], text[size:]
        if ends_in_half(shown):
            shown, rest = shown[:-1], shown[-1:] + rest
        self._unshown = [rest] if rest else []
        self._rest()
        if not shown:
            return
        replaces = Shown.LINE if self._waiting_line else self._replaces
        self._replaces, self._waiting_line = Shown.NOTHING, ""
        before = self._tail if replaces is Shown.NOTHING else ""
        words = plain_text(shown, before)
        self._tail = (before + words)[-_TAIL_LENGTH:]
        self._write(words, replaces)

    def _draw_waiting_line(self, stream: Stream) -> None:
        if stream.elapsed < _PATIENCE:
            return
        line = self._thinking_words(stream) if stream.is_thinking else self._waiting_words(stream)
        if line != self._waiting_line:
            replaces = Shown.LINE if self._waiting_line else Shown.NOTHING
            self._waiting_line = line
            self._rest(_IDLE_TICK)
            self._write(line, replaces)

    def _thinking_words(self, stream: Stream) -> str:
        """The line that tells that the model reasons, in place of what is waited for."""
        return thinking_words(stream)

    def _waiting_words(self, stream: Stream) -> str:
        if stream.transfer is not None:
            return f"uploading… {stream.elapsed:.0f} s · {stream.transfer.words}"
        received = f" · {stream.bytes:,} bytes" if stream.bytes else ""
        said = "".join(
            f" · {one_line(words, 80)}" for words in (self._progress_words(), self._log, self._file) if words
        )
        return f"{stream.doing}… {stream.elapsed:.0f} s{received}{said}"

    def _rest(self, seconds: float | None = None) -> None:
        """Set the time of the next refresh: after the usual pause or a number of seconds, unless a later one is set."""
        self.due = max(self.due, time.monotonic() + (1 / REFRESHES if seconds is None else seconds))

    def _progress_words(self) -> str:
        """The progress, for the line that tells what is waited for."""
        return self._progress.words if self._progress else ""


class StaticLive(Live):
    """Shows only the result, at the end, where no page is open to see it stream."""

    def finish(self, result: Result, style: Format, *, autoplay: bool) -> None:
        for output in result.outputs(style, autoplay=autoplay):
            show_bundle(output)

    def _write(self, text: str, replaces: Shown) -> None:
        """Show nothing while it streams."""


class TerminalLive(Live):
    """The live view in a terminal, in which printed text stays. Of the reasoning, only a line rolls by."""

    def __init__(self) -> None:
        super().__init__()
        self._has_told_thought = False

    @property
    def _has_undrawn(self) -> bool:
        return super()._has_undrawn or (self._reasoning.has_news and not self._text)

    def refresh(self, stream: Stream) -> None:
        if self._unshown:
            self._tell_thought(stream.thinking)
        self._reasoning.has_news = False
        super().refresh(stream)

    def finish(self, result: Result, style: Format, *, autoplay: bool) -> None:
        if self._text:
            self._tell_thought(result.metrics.thinking)
        while self._unshown:
            self._draw()
        if self._waiting_line:
            self._write("", Shown.LINE)
            self._waiting_line = ""
        if self._text and style != "json":
            length = [f"{len(result.text):,} characters in all"] if self._is_cut else []
            below = [output["text/plain"] for output in result.below_answer("text")]
            lines = ["", *length, *map(media_words, result.media), *below, result.status_line]
        else:
            lines = ["" for _ in self._text[:1]] + [output["text/plain"] for output in result.outputs(style)]
        print_text("\n".join(lines) + "\n")

    def _write(self, text: str, replaces: Shown) -> None:
        if not sys.stdout.isatty():  # the output goes to a file, in which the waiting line would stay
            if not self._text:
                return
            replaces = Shown.NOTHING if replaces is Shown.LINE else replaces
        start = {Shown.NOTHING: "", Shown.LINE: "\r\x1b[K", Shown.WORDS: "\n"}[replaces]
        print_text(start + text)

    def _thinking_words(self, stream: Stream) -> str:
        words = super()._thinking_words(stream)
        space = get_terminal_size().columns - len(words) - len(" · ") - 1  # a line that is broken cannot be replaced
        newest = self._reasoning.last_words(space)
        return f"{words} · {newest}" if newest else words

    def _tell_thought(self, seconds: float | None) -> None:
        """Put a line in the place of the one that rolled by, before the first words."""
        if self._reasoning.has_begun and not self._has_told_thought and sys.stdout.isatty():
            start, self._waiting_line = "\r\x1b[K" if self._waiting_line else "", ""
            print_text(f"{start}[{thought_words(seconds)}]\n")
        self._has_told_thought = True


class NoLive(Live):
    """Shows nothing, for ``--quiet``."""

    def finish(self, result: Result, style: Format, *, autoplay: bool) -> None:
        """Show nothing."""

    def _write(self, text: str, replaces: Shown) -> None:
        """Show nothing."""
