"""The conversation of a widget: its entries, the running answer, the newest answer's sound, the static transcript.

Each change is sent to the page while the widget's lock is held, so that the page gets the changes in the order in which
they were made. The user's code never runs while the lock is held. So traits, which users may observe, are set by the
widget and not here.
"""

import threading
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from ..client.result import Result
from ..client.streaming import Stream
from ..errors import InvalidRequest
from ..media.media import Media
from ..render.bundles import Bundle
from ..response.updates import Piece
from . import page_messages, suggestions
from .answer_sound import AnswerSound
from .entry import Entry
from .page_messages import Message
from .running_answer import RunningAnswer
from .transcript import Transcript
from .transcript_formatting import Formatting
from .transcript_outputs import TranscriptOutputs

AT_ONCE = 8  # entries that a new view gets before it asks for more: the newest


class Page(Protocol):
    """What the conversation needs of the widget: its id, and a way to send messages to the page."""

    @property
    def model_id(self) -> str:
        """The id by which the page knows the widget."""
        ...

    def send(self, content: Message, buffers: list[bytes] | None = None) -> None:
        """Send a message to every view, with binary buffers."""
        ...


class Conversation:
    """Prompts and their answers. Usable from any thread.

    Args:
        page: is sent all changes.
        lock: the widget's lock, which keeps the page in step with the conversation.
        show: makes an output of an ended answer.

    Attributes:
        entries: prompts with their answers, oldest first.
        running: the answer that is streaming, if there is one.
        status: what is known about the newest answer, in one line.
    """

    def __init__(
        self, page: Page, lock: threading.RLock, show: Callable[[Result], Bundle] = Result._repr_mimebundle_
    ) -> None:
        self.entries: list[Entry] = []
        self.running: RunningAnswer | None = None
        self.status = ""
        self._page = page
        self._show = show
        self._lock = lock
        self._count = 0
        self._sound = AnswerSound()
        self._left: list[Entry] = []  # which the transcript loses when the answer in their place has ended
        self._transcript = Transcript(uuid.uuid4().hex)
        self._outputs = TranscriptOutputs(self._transcript)
        self._formatting = Formatting(lock, self._transcript, self._outputs.update, self._tell_versions)

    @property
    def results(self) -> list[Result]:
        """The answers that have ended, oldest first."""
        with self._lock:
            entries = list(self.entries)
        return [entry.result for entry in entries if entry.result is not None]

    def entry(self, number: int) -> Entry | None:
        """The entry with this number, if it still exists."""
        return next((entry for entry in self.entries if entry.number == number), None)

    def since(self, entry: Entry) -> list[Entry]:
        """An entry and all after it.

        Raises:
            InvalidRequest: the entry was removed.
        """
        if entry not in self.entries:
            raise InvalidRequest("the prompt was removed meanwhile", hint="send it as a new one")
        return self.entries[self.entries.index(entry) :]

    def check_idle(self) -> None:
        """Check that no answer is streaming.

        Raises:
            InvalidRequest: one is.
        """
        if self.running is not None:
            raise InvalidRequest("an answer is streaming", hint="stop it first, or open another widget")

    def is_newest(self, number: int) -> bool:
        """Whether no later prompt was sent."""
        return number == self._count

    def restore(self, entries: Sequence[Entry]) -> None:
        """Begin with entries of an earlier conversation. Nothing is shown yet."""
        self.entries, self._count = list(entries), len(entries)
        self._transcript.restore(entries)

    def display(self) -> None:
        """Display the static transcript in the cell that runs."""
        with self._lock:
            self._outputs.display()
        self._formatting.prepare()

    def ask(
        self,
        endpoint: str,
        arguments: dict[str, Any],
        prompt: str,
        request: Callable[[], Stream],
        files: Sequence[Media | Mapping[str, Any]] = (),
    ) -> RunningAnswer:
        """Send a prompt and add it to the conversation. A request that cannot be made adds nothing.

        Args:
            endpoint: the endpoint with its sub-path.
            arguments: its arguments other than the prompt.
            prompt: the words of the prompt.
            request: sends the prompt.
            files: the other parts of its message.

        Raises:
            InvalidRequest: an answer is streaming.
        """
        with self._lock:
            self.check_idle()
            entry = Entry(self._count + 1, endpoint, arguments, prompt, files, show=self._show)
            running = RunningAnswer(entry)
            running.stream = request()
            self.running, self.status = running, ""
            entry.endpoint = running.stream.endpoint
            self._count = entry.number
            self.entries.append(entry)
        return running

    def open(self, entry: Entry, *, play: bool) -> None:
        """Show a prompt that was just sent, and prepare for its answer."""
        with self._lock:
            self._sound.begin(play=play)
            self._send_packed(page_messages.entry(entry))
        suggestions.endpoints.remember(entry.endpoint)
        suggestions.models.remember(entry.arguments.get("model"))
        suggestions.prompts.remember(entry.prompt)

    def play(self, entry: Entry, piece: Piece) -> None:
        """Play new bytes of sound. With the first that can be heard, show the player in the page."""
        with self._lock:
            if self._sound.feed(piece) and (player_id := self._sound.player_id):
                entry.player_name = self._sound.static_name
                self._page.send(page_messages.sound(entry.number, player_id))

    def show(self, running: RunningAnswer) -> None:
        """Send the page what is new in an answer, unless its entry was removed."""
        with self._lock:
            if running.entry not in self.entries:
                return
            for message, buffers in running.news():
                self.status = running.status
                self._page.send(message, buffers)

    def end(self, entry: Entry, result: Result) -> None:
        """Store the result of an entry. No answer is running from then on."""
        with self._lock:
            self.running = None
            entry.end(result)

    def show_end(self, entry: Entry, result: Result) -> None:
        """Show the page that an answer has ended, unless its entry was removed."""
        with self._lock:
            self._sound.end(stopped=result.stopped)
            if entry in self.entries:
                self.status = result.short_line
                self._send_packed({**page_messages.ending(entry), "status": self.status})

    def delete(self, entry: Entry) -> None:
        """Remove an entry whose answer has ended."""
        with self._lock:
            if entry is self.entries[-1]:
                self._sound.silence()
            self.entries.remove(entry)
            self._page.send(page_messages.deleted(entry.number))

    def leave(self, entries: Sequence[Entry]) -> None:
        """Remove entries, in whose place a prompt was just sent. The transcript has them until its answer has ended."""
        with self._lock:
            self.entries = [each for each in self.entries if each not in entries]
            self._left += entries
            self._page.send(page_messages.left([each.number for each in entries]))

    def exchange(self, entries: Sequence[Entry], others: Sequence[Entry]) -> None:
        """Show other entries, whose answers have ended, in the place of the last ones."""
        with self._lock:
            self.entries = [*(each for each in self.entries if each not in entries), *others]
            self._sound.silence()
            ended = [each.result.short_line for each in others if each.result is not None]
            self.status = ended[-1] if ended else ""
            self._page.send({**page_messages.left([each.number for each in entries]), "status": self.status})
            for message in page_messages.entries(others):
                self._send_packed({**message, "still": True})
            self._update_transcript(
                lambda: sorted(
                    {*self._taken_out(entries), *(at for each in others for at in self._transcript.add(each))}
                )
            )

    def clear(self) -> None:
        """Remove all entries. A running answer goes on streaming, but is no longer shown."""
        with self._lock:
            self.entries, self.status = [], ""
            self._sound.silence()
            self._page.send(page_messages.cleared())

    def put_back(self, entries: Sequence[Entry]) -> None:
        """Show these entries in place of those that are shown."""
        with self._lock:
            self.entries = list(entries)
            for message in self._all_entries():
                self._send_packed(message)
            ended = [each for each in entries if each.result is not None and each not in self._transcript]
        for each in ended:
            self.keep_answer(each)

    def silence(self) -> None:
        """Stop the sound."""
        with self._lock:
            self._sound.silence()

    def keep_answer(self, entry: Entry) -> None:
        """Add an ended answer to the static transcript, unless its entry was removed. What gave way to it goes now."""

        def change() -> list[int]:
            left, self._left = self._left, []
            added = self._transcript.add(entry) if entry in self.entries else []
            return sorted({*self._taken_out(left), *added})

        self._update_transcript(change)

    def keep_without(self, *entries: Entry) -> None:
        """Remove deleted answers from the static transcript."""
        self._update_transcript(lambda: sorted(self._taken_out(entries)))

    def keep_nothing(self) -> None:
        """Empty the static transcript."""
        self._update_transcript(self._transcript.clear)

    def show_all(self, view: str, *others: Message) -> None:
        """Send a new view the newest entries, and then the other messages. It asks for the earlier entries itself."""
        with self._lock:
            for message in (*self._all_entries(), *others, self._versions_message()):
                self._send_packed({**message, "view": view})
            if self.entries and self.running is not None and (player_id := self._sound.player_id):
                self._page.send({**page_messages.sound(self.entries[-1].number, player_id), "view": view})
            running = self.running
            if running is not None and running.entry in self.entries and running.reasoning.has_begun:
                state = running.reasoning.state(running.stream)
                self._page.send({**page_messages.reasoning(running.entry.number, state), "view": view})
                running.reasoning.has_news = True  # the other views may not have it yet
        self._formatting.begin()

    def show_earlier(self, view: str, numbers: Sequence[Any]) -> None:
        """Send a view those entries for which it has kept places. Items of the list that are no number are ignored."""
        for entry in [each for each in self.entries if each.number in numbers]:
            if entry.result is None:
                continue  # the page has it, since it is the newest
            message = page_messages.entry(entry)
            with self._lock:
                if entry in self.entries:
                    self._send_packed({**message, "fills": True, "view": view})

    def copy(self, view: str, number: int) -> None:
        """Send a view the words so far of the answer that streams, if it is this one."""
        with self._lock:
            if self.running is not None and self.running.entry.number == number:
                self._send_packed({**page_messages.copied(number, self.running.stream.text), "view": view})

    def show_transcript(self, view: str, pieces: Sequence[Any]) -> None:
        """Send a view the pieces of the static transcript that it has found missing in its notebook."""
        with self._lock:
            numbers = [number for number in range(len(self._transcript.versions)) if number in pieces]
            bundles = [(number, self._transcript.bundle(number)) for number in numbers]
            self._page.send({**page_messages.transcript_pieces(bundles), "view": view})

    def _update_transcript(self, change: Callable[[], Iterable[int]]) -> None:
        """Change the static transcript, and write the pieces whose numbers ``change`` returns."""
        with self._lock:
            self._outputs.update(change())
            self._tell_versions()

    def _tell_versions(self) -> None:
        self._page.send(self._versions_message())

    def _all_entries(self) -> list[Message]:
        """The newest entries, and places for those before them."""
        early, newest = self.entries[:-AT_ONCE], self.entries[-AT_ONCE:]
        places = [page_messages.earlier(early)] if early else []
        return [page_messages.cleared(), *places, *page_messages.entries(newest)]

    def _taken_out(self, entries: Iterable[Entry]) -> set[int]:
        """Take entries out of the transcript; return the numbers of the pieces to write."""
        return {piece for each in entries for piece in self._transcript.remove(each)}

    def _versions_message(self) -> Message:
        return page_messages.transcript_versions(self._page.model_id, self._transcript)

    def _send_packed(self, message: Message) -> None:
        self._page.send(*page_messages.packed(message))
