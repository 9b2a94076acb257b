"""The conversation of a widget: its entries, the one that streams, the sound of the newest, and the static transcript.

What changes here is told to the page while the lock is held, so that a page hears of changes in the order in which they
were made. No code of the user's runs within the lock: traits, whose observers are theirs, are set by the widget.
"""

import threading
import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from ..client.result import Result
from ..client.streaming import Stream
from ..errors import InvalidRequest
from ..response.updates import Piece
from . import page_messages, suggestions
from .answer_sound import AnswerSound
from .entry import Entry
from .page_messages import Message
from .running_answer import RunningAnswer
from .transcript import PIECES, Transcript
from .transcript_outputs import TranscriptOutputs


class Page(Protocol):
    """The way to the page: the widget."""

    @property
    def model_id(self) -> str:
        """By which the page knows the widget."""
        ...

    def send(self, content: Message, buffers: list[bytes] | None = None) -> None:
        """Send a message to every view, with bytes beside it."""
        ...


class Conversation:
    """Prompts and their answers. Usable from any thread.

    Args:
        page: what is told of all changes.
        lock: the widget's, which keeps the conversation and the page in step.

    Attributes:
        entries: oldest first.
        running: the answer that streams, until it has ended.
        status: what is known of the newest answer beside its words.
        outputs: where the static transcript stands.
    """

    def __init__(self, page: Page, lock: threading.RLock) -> None:
        self.entries: list[Entry] = []
        self.running: RunningAnswer | None = None
        self.status = ""
        self._page = page
        self._lock = lock
        self._count = 0
        self._sound = AnswerSound()
        self._transcript = Transcript(uuid.uuid4().hex)
        self.outputs = TranscriptOutputs(self._transcript)

    @property
    def results(self) -> list[Result]:
        """The answers that have ended, oldest first."""
        with self._lock:
            entries = list(self.entries)
        return [entry.result for entry in entries if entry.result is not None]

    def entry(self, number: int) -> Entry | None:
        """The entry of this number, if it is still there."""
        return next((entry for entry in self.entries if entry.number == number), None)

    def is_newest(self, number: int) -> bool:
        """Whether no later prompt was asked."""
        return number == self._count

    def ask(
        self, endpoint: str, arguments: dict[str, Any], prompt: str, request: Callable[[], Stream]
    ) -> RunningAnswer:
        """Take a prompt into the conversation, unless its request cannot be made.

        Raises:
            InvalidRequest: an answer is streaming.
        """
        with self._lock:
            if self.running is not None:
                raise InvalidRequest("an answer is streaming", hint="stop it first, or open another widget")
            entry = Entry(self._count + 1, endpoint, arguments, prompt)
            running = RunningAnswer(entry)
            running.stream = request()
            self.running, self.status = running, ""
            entry.endpoint = running.stream.endpoint
            self._count = entry.number
            self.entries.append(entry)
        return running

    def open(self, entry: Entry, *, play: bool) -> None:
        """Show a prompt whose answer will come."""
        with self._lock:
            self._sound.begin(play=play)
            self._tell(page_messages.entry(entry))
        suggestions.endpoints.remember(entry.endpoint)
        suggestions.models.remember(entry.arguments.get("model"))

    def play(self, entry: Entry, piece: Piece) -> None:
        """Play new bytes; the first that can be heard bring the player to the page."""
        with self._lock:
            if self._sound.feed(piece) and (player := self._sound.player):
                self._page.send(page_messages.sound(entry.number, player))

    def show(self, running: RunningAnswer) -> None:
        """Tell the page what is new, unless the entry was cleared away."""
        with self._lock:
            if running.entry not in self.entries:
                return
            for message, buffers in running.news():
                self.status = running.status
                self._page.send(message, buffers)

    def end(self, entry: Entry, result: Result) -> None:
        """Take the answer; nothing streams any more."""
        with self._lock:
            self.running = None
            entry.end(result)

    def show_end(self, entry: Entry, result: Result) -> None:
        """Tell the page of an answer that has ended, unless its entry was cleared away."""
        with self._lock:
            self._sound.end(stopped=result.stopped)
            if entry in self.entries:
                self.status = result.status_line.removeprefix(f"{result.endpoint} · ")
                self._tell({**page_messages.ending(entry), "status": self.status})

    def delete(self, entry: Entry) -> None:
        """Forget an entry that has ended."""
        with self._lock:
            if entry is self.entries[-1]:
                self._sound.silence()
            self.entries.remove(entry)
            self._page.send(page_messages.deleted(entry.number))

    def clear(self) -> None:
        """Forget all entries; what streams goes on, and shows nothing."""
        with self._lock:
            self.entries, self.status = [], ""
            self._sound.silence()
            self._page.send(page_messages.cleared())

    def silence(self) -> None:
        """Take the sound away."""
        with self._lock:
            self._sound.silence()

    def keep_answer(self, entry: Entry) -> None:
        """Write an answer that has ended into the static transcript, unless its entry was cleared away."""
        self._keep(lambda: self._transcript.add(entry) if entry in self.entries else [])

    def keep_without(self, entry: Entry) -> None:
        """Take a deleted answer out of the static transcript."""
        self._keep(lambda: self._transcript.remove(entry))

    def keep_nothing(self) -> None:
        """Empty the static transcript."""
        self._keep(self._transcript.clear)

    def show_all(self, view: str, *others: Message) -> None:
        """Tell a view that has just been made of all entries, and these messages."""
        with self._lock:
            entries = [page_messages.entry(entry) for entry in self.entries]
            for message in (page_messages.cleared(), *entries, *others, self._kept()):
                self._tell({**message, "view": view})
            if entries and self.running is not None and (player := self._sound.player):
                self._page.send({**page_messages.sound(self.entries[-1].number, player), "view": view})

    def show_transcript(self, view: str, pieces: Sequence[Any]) -> None:
        """Give a view pieces of the static transcript, for it has found them missing."""
        with self._lock:
            bundles = [(piece, self._transcript.bundle(piece)) for piece in range(PIECES) if piece in pieces]
            self._page.send({**page_messages.transcript_pieces(bundles), "view": view})

    def _keep(self, change: Callable[[], Iterable[int]]) -> None:
        """Bring the static transcript up to the conversation by this change, which tells its pieces."""
        with self._lock:
            self.outputs.update(change())
            self._page.send(self._kept())

    def _kept(self) -> Message:
        return page_messages.kept(self._page.model_id, self._transcript)

    def _tell(self, message: Message) -> None:
        self._page.send(*page_messages.packed(message))
