"""Sends the prompts of a widget, and follows each answer on a thread until it has ended."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..client.follower import follow_in_thread
from ..client.interrupts import Interrupts, interruptible
from ..client.result import Result, show_safely, with_show_error
from ..client.streaming import Stream, end_of
from ..media.media import Media
from ..response.updates import Update
from .branches import Branches
from .connection import Connection
from .connection_state import connected_endpoints
from .conversation import Conversation
from .entry import Entry
from .memory import Memory
from .running_answer import RunningAnswer


@dataclass(frozen=True)
class Prompt:
    """What is sent.

    Attributes:
        endpoint: the endpoint with its sub-path.
        arguments: its arguments other than the prompt.
        words: the words of the prompt.
        files: the files that go with it: a `Media`, or a part of a message in OpenAI's form.
        placed: the arguments with the files among them, for an endpoint that takes no messages.
    """

    endpoint: str
    arguments: Mapping[str, Any]
    words: str
    files: Sequence[Media | Mapping[str, Any]] = ()
    placed: Mapping[str, Any] | None = None

    @property
    def sent(self) -> Mapping[str, Any]:
        """The arguments that are sent beside the prompt."""
        return self.arguments if self.placed is None else self.placed


class Answering:
    """The way from a prompt to its kept answer. Used on any thread, for one answer at a time.

    Args:
        conversation: gets the prompts and their answers.
        memory: what the prompts are sent with.
        branches: begins versions of earlier turns.
        connection: is told how the connection of each request stands.
        sent: called after a prompt was sent and is shown.
        changed: called when the answers of the conversation have changed, without the lock.
    """

    def __init__(
        self,
        conversation: Conversation,
        memory: Memory,
        branches: Branches,
        connection: Connection,
        *,
        sent: Callable[[], None],
        changed: Callable[[], None],
    ) -> None:
        self._conversation = conversation
        self._memory = memory
        self._branches = branches
        self._connection = connection
        self._sent = sent
        self._changed = changed
        self._follower: threading.Thread | None = None

    def begin(self, prompt: Prompt, instead_of: Entry | None = None, *, play: bool) -> None:
        """Send a prompt, and follow its answer on a thread.

        Args:
            prompt: the prompt.
            instead_of: the entry in whose place it is sent. What came after that is put away together with it.
            play: whether to play sound while it is being generated.

        Raises:
            InvalidRequest: an answer is streaming, or endpoint, arguments or prompt cannot be used.
            CredentialsError: no key was found.
        """
        with Interrupts():  # an interrupt before the follower starts would leave a stream that never ends
            connected = connected_endpoints()  # asked before the request can open one
            running = self._ask(prompt, instead_of)
            entry, stream = running.entry, running.stream
            failure: Exception | None = None
            try:
                self._conversation.open(entry, play=play)
                is_open = stream.endpoint in connected
                self._connection.report("streaming" if is_open else self._connection.known.opening(stream.endpoint))
                self._sent()
            except Exception as exc:  # noqa: BLE001 - the request was sent, so its stream is followed whatever failed
                failure = exc
            try:
                self._follower = follow_in_thread(
                    stream,
                    lambda updates: self._show(running, updates),
                    lambda result: self._finish(running, with_show_error(result, failure)),
                )
            except RuntimeError as exc:  # there are too many threads
                stream.cancel()
                show_safely(end_of(stream, exc), lambda result: self._finish(running, result))

    def wait(self) -> None:
        """Wait until the running answer has ended and is kept. An interrupt ends the wait, not the answer."""
        if self._follower is not None:
            with interruptible():
                self._follower.join()

    def _ask(self, prompt: Prompt, instead_of: Entry | None) -> RunningAnswer:
        def request() -> Stream:
            files = prompt.files if prompt.placed is None else ()
            stream = self._memory.send(prompt.endpoint, prompt.sent, prompt.words, files)
            self._connection.known.attempt = None
            return stream

        def ask() -> RunningAnswer:
            return self._conversation.ask(prompt.endpoint, dict(prompt.arguments), prompt.words, request, prompt.files)

        return ask() if instead_of is None else self._branches.ask_instead(instead_of, ask)

    def _show(self, running: RunningAnswer, updates: Sequence[Update]) -> None:
        """Send the page what is new. Called on the thread that follows the stream."""
        for piece in running.feed(updates):
            self._conversation.play(running.entry, piece)
        stream, known = running.stream, self._connection.known
        if stream.is_connecting:
            self._connection.report(known.before_request(stream.endpoint, "streaming"))
        else:
            known.opened(stream.endpoint)
            self._connection.report("streaming")
        self._conversation.show(running)

    def _finish(self, running: RunningAnswer, result: Result) -> None:
        """Show and keep the ended answer. Called on the thread that followed the stream."""
        entry, result = running.entry, self._memory.chat.noted(result)
        self._memory.note(entry, running.stream)
        if entry not in self._conversation.entries:
            self._memory.forget([entry])
        self._conversation.end(entry, result)
        is_lost = self._connection.known.is_lost(result)
        try:
            self._conversation.show_end(entry, result)
            self._changed()
            self._conversation.keep_answer(entry)
        finally:
            if is_lost:
                self._connection.report("offline", str(result.error))
            else:
                self._connection.report_attempt()
