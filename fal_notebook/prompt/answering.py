"""Sends the prompts of a widget, and follows each answer on a thread until it has ended."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..client.follower import follow_in_thread
from ..client.interrupts import Interrupts, interruptible
from ..client.result import Result, show_safely, with_show_error
from ..client.streaming import Stream, end_of
from ..response.updates import Update
from .connection import Connection
from .connection_state import connected_endpoints
from .conversation import Conversation
from .memory import Memory
from .running_answer import RunningAnswer


class Answering:
    """The way from a prompt to its kept answer. Used on any thread, for one answer at a time.

    Args:
        conversation: gets the prompts and their answers.
        memory: what the prompts are sent with.
        connection: is told how the connection of each request stands.
        sent: called after a prompt was sent and is shown.
        changed: called when the answers of the conversation have changed, without the lock.
    """

    def __init__(
        self,
        conversation: Conversation,
        memory: Memory,
        connection: Connection,
        *,
        sent: Callable[[], None],
        changed: Callable[[], None],
    ) -> None:
        self._conversation = conversation
        self._memory = memory
        self._connection = connection
        self._sent = sent
        self._changed = changed
        self._follower: threading.Thread | None = None

    def begin(self, endpoint: str, arguments: Mapping[str, Any], prompt: str, *, play: bool) -> None:
        """Send a prompt, and follow its answer on a thread.

        Args:
            endpoint: the endpoint with its sub-path.
            arguments: its arguments other than the prompt.
            prompt: the prompt.
            play: whether to play sound while it is being generated.

        Raises:
            InvalidRequest: an answer is streaming, or endpoint, arguments or prompt cannot be used.
            CredentialsError: no key was found.
        """
        with Interrupts():  # an interrupt before the follower starts would leave a stream that never ends
            connected = connected_endpoints()  # asked before the request can open one
            running = self._ask(endpoint, arguments, prompt)
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

    def _ask(self, endpoint: str, arguments: Mapping[str, Any], prompt: str) -> RunningAnswer:
        def request() -> Stream:
            stream = self._memory.send(endpoint, arguments, prompt)
            self._connection.known.attempt = None
            return stream

        return self._conversation.ask(endpoint, dict(arguments), prompt, request)

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
