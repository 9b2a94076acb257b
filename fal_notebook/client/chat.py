"""A conversation with an endpoint: it remembers what was said, and sends it along with each prompt.

Endpoints of OpenAI's chat completions take the conversation as ``messages``. Others take one ``prompt``; they get each
prompt alone, or, if they are to remember, the earlier turns in words before it.

An answer becomes part of the conversation when it has ended: whole, or as far as it came if it was stopped. A prompt
whose request failed is not part of it, so that asking once more asks the same.
"""

import json
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import InvalidRequest, RequestError
from ..media.disk import write_whole
from ..safety.plain_text import one_line
from . import messages as turns
from .argument_check import Check, checked, doubts_of, joined, warn
from .chats import Chats
from .context_window import learned, within
from .interrupts import interruptible
from .known_endpoints import takes_messages
from .messages import Message
from .off_loop import on_thread
from .result import Result
from .sessions import session
from .streaming import Stream
from .usage import Usage
from .waiting import check_asyncio

_LONGEST_TITLE = 60


class Chat:
    """A conversation. One prompt at a time: the next can be sent when the answer before has ended.

    Args:
        endpoint: the endpoint with its sub-path.
        model: the model, for endpoints that take one.
        system: what the model is told before the conversation.
        remember: whether an endpoint that takes one ``prompt`` gets the earlier turns before it. Endpoints that take
            ``messages`` always get them.
        context: the most tokens that the model reads. Older turns are left out to stay below it. If it is not given,
            it is learned when the endpoint refuses a conversation as too long.
        messages: a conversation to go on with.
        timeout: seconds for each request.
        base_url: another host, as for `stream`.
        check: what is done about arguments that do not fit the endpoint's schema, as for `stream`.
        arguments: further arguments of each request.

    Attributes:
        endpoint: the endpoint.
        arguments: what each request sends beside the messages.
        remember: see above.
        context: see above; None while it is unknown.
        timeout: see above.
        base_url: see above.
        check: see above.
        field: the argument that takes the prompt, where the endpoint takes no messages.
        left_out: how many of the oldest messages the newest request did not send.

    Example:
        >>> chat = Chat("openrouter/router/openai/v1/chat/completions", model="openai/gpt-4o-mini")  # doctest: +SKIP
        >>> chat("My name is Ada.")  # doctest: +SKIP
        >>> chat("What is my name?").text  # doctest: +SKIP
        'Your name is Ada.'
    """

    def __init__(
        self,
        endpoint: str,
        *,
        model: str | None = None,
        system: str | None = None,
        remember: bool = False,
        context: int | None = None,
        messages: Iterable[Mapping[str, Any]] = (),
        timeout: float | None = None,
        base_url: str | None = None,
        check: Check | None = None,
        **arguments: Any,
    ) -> None:
        for name in ("messages", "prompt"):
            if name in arguments:
                raise InvalidRequest(f"{name} is what the conversation sends", hint="call the chat with the prompt")
        self.endpoint = endpoint
        self.arguments = {**({} if model is None else {"model": model}), **arguments}
        self.remember = remember
        self.context = context
        self.left_out = 0
        self.timeout = timeout
        self.base_url = base_url
        self.check = check
        self.field = "prompt"
        self._messages = turns.checked(messages)
        if system is not None:
            self._messages = [turns.system_message(system), *turns.without_system(self._messages)]
        self._usage = Usage()
        self._doubts: Sequence[str] = ()
        self._turn: tuple[Message, Stream] | None = None
        self._added: weakref.WeakKeyDictionary[Stream, list[Message]] = weakref.WeakKeyDictionary()
        self._settling = threading.Lock()  # a prompt widget learns of an answer's end on a thread of its own
        session().companion(Chats).add(self)

    def __call__(self, *prompt: Any, **arguments: Any) -> Result:
        """Send a prompt and wait for its answer; an interrupt stops it, and keeps what had come.

        Args:
            prompt: words, and files for endpoints whose messages have parts: a `Media`, a `Result`, or a part as dict.
            arguments: further arguments of this request alone.

        Raises:
            InvalidRequest: the prompt or an argument cannot be used, or the answer before has not ended.
            FalNotebookError: the request failed. The conversation is as it was before.
        """
        with interruptible():
            request = self.stream(*prompt, **arguments)
            try:
                return self.noted(request.result())
            finally:
                self._settle()

    def stream(self, *prompt: Any, **arguments: Any) -> Stream:
        """Send a prompt and return at once with the stream of its answer. The parameters are those of a call.

        The answer is part of the conversation once the stream has ended, or was stopped.

        Raises:
            InvalidRequest: as for a call.
        """
        return self.send(prompt, arguments, warn)

    def send(
        self,
        prompt: Sequence[Any],
        arguments: Mapping[str, Any],
        tell: Callable[[Sequence[str]], None] | None,
        *,
        way_out: str = 'chat.check = "off"',
        may_be_empty: bool = False,
    ) -> Stream:
        """Send a prompt as `stream` does.

        Args:
            prompt: its parts.
            arguments: further arguments of this request alone.
            tell: gets what is in doubt about the arguments, before they are sent. None: they have been checked.
            way_out: what sends arguments as they are, for the words of an error.
            may_be_empty: whether the prompt may have no words, for an endpoint that takes none.

        Raises:
            InvalidRequest: as for a call.
        """
        self._finish_turn()
        self._doubts = ()
        message = turns.user_message(*prompt, may_be_empty=may_be_empty)
        body = self._body(message, arguments)
        if tell is not None:
            # That the answer is to stream is ours to say, and not in every schema.
            own = {name: value for name, value in body.items() if name != "stream" or name in arguments}
            check, base_url = checked(self.check), self.base_url
            tell(doubts_of(self.endpoint, [own], check, base_url=base_url, way_out=way_out))
        request = session().stream(self.endpoint, body, timeout=self.timeout, base_url=self.base_url)
        self._turn = message, request
        session().companion(Chats).last = self
        return request

    def body(self, *prompt: Any, **arguments: Any) -> dict[str, Any]:
        """What `stream` would send for a prompt: the arguments of the request."""
        return self._body(turns.user_message(*prompt), arguments)

    async def arun(self, *prompt: Any, **arguments: Any) -> Result:
        """Send a prompt and await its answer; cancelling the task stops it. The parameters are those of a call.

        Raises:
            FalNotebookError: as for a call.
        """
        check_asyncio()
        await on_thread(_import)
        request = self.stream(*prompt, **arguments)
        try:
            return self.noted(await request)
        finally:
            self._settle()

    def note(self, doubts: Sequence[str]) -> None:
        """Let what is in doubt about the newest request be told with its result; for `send`."""
        self._doubts = doubts

    def noted(self, result: Result) -> Result:
        """The result of the newest request, with a note of what was left out of it or is in doubt about it."""
        left_out = f"the oldest {self.left_out} messages were left out: the model does not read more"
        notes = [result.note, left_out if self.left_out else "", joined(self._doubts)]
        return replace(result, note=" · ".join(filter(None, notes))) if any(notes[1:]) else result

    @property
    def messages(self) -> list[Message]:
        """The conversation in OpenAI's form, a plain list, which may be edited: the next prompt sends what is in it."""
        self._settle()
        return self._messages

    @messages.setter
    def messages(self, messages: Iterable[Mapping[str, Any]]) -> None:
        self._finish_turn()
        self._messages = turns.checked(messages)

    @property
    def system(self) -> str:
        """What the model is told before the conversation."""
        return turns.system_words(self.messages)

    @system.setter
    def system(self, words: str | None) -> None:
        others = turns.without_system(self.messages)
        self._messages[:] = [*([turns.system_message(words)] if words else []), *others]

    @property
    def usage(self) -> Usage:
        """The tokens and the cost of all answers together, also of those that were undone: they were paid for."""
        self._settle()
        return self._usage

    @property
    def title(self) -> str:
        """The first words that were said, to tell conversations apart."""
        prompts = (turns.words_of(message) for message in self.messages if message["role"] == "user")
        return one_line(next(prompts, ""), _LONGEST_TITLE)

    @property
    def takes_messages(self) -> bool:
        """Whether the endpoint takes the conversation as messages."""
        return takes_messages(self.endpoint)

    @property
    def remembers(self) -> bool:
        """Whether the next prompt is sent together with what was said before."""
        return self.takes_messages or self.remember

    def fork(self) -> "Chat":
        """A second conversation that goes on from here. Neither changes the other."""
        copy = Chat(
            self.endpoint,
            remember=self.remember,
            context=self.context,
            messages=deepcopy(self.messages),
            timeout=self.timeout,
            base_url=self.base_url,
            check=self.check,
        )
        copy.arguments, copy.field = dict(self.arguments), self.field
        return copy

    def added_by(self, request: Stream) -> list[Message]:
        """The messages that a request of this conversation has added to it: none if it failed, or has not ended."""
        self._settle()
        return self._added.get(request, [])

    def drop(self, messages: Iterable[Message]) -> None:
        """Take these very messages out of the conversation; equal ones stay."""
        dropped = set(map(id, messages))
        self.messages[:] = [message for message in self.messages if id(message) not in dropped]

    def exchange(self, first: Iterable[Message], others: Iterable[Message] = ()) -> list[Message]:
        """Put other messages in the place of all from the first of these very ones on; return what was there.

        Raises:
            InvalidRequest: an answer has not ended.
        """
        self._finish_turn()
        wanted = set(map(id, first))
        start = next((at for at, each in enumerate(self._messages) if id(each) in wanted), len(self._messages))
        there = self._messages[start:]
        self._messages[start:] = others
        return there

    def undo(self) -> str:
        """Take back the last prompt and its answer, and return the prompt's words.

        Raises:
            InvalidRequest: no prompt is there, or an answer has not ended.
        """
        self._finish_turn()
        prompts = [number for number, each in enumerate(self._messages) if each["role"] == "user"]
        if not prompts:
            raise InvalidRequest("there is no prompt to take back")
        words = turns.words_of(self._messages[prompts[-1]])
        del self._messages[prompts[-1] :]
        return words

    def clear(self) -> None:
        """Forget all that was said. What the model is told before the conversation stays."""
        self._finish_turn()
        self._messages[:] = [message for message in self._messages if message["role"] == "system"]

    def save(self, path: str | Path) -> Path:
        """Write the messages into a JSON file, and return its path. An existing file is replaced."""
        return write_whole(Path(path), json.dumps(self.messages, ensure_ascii=False, indent=1).encode(), overwrite=True)

    def load(self, path: str | Path) -> "Chat":
        """Go on with the messages of a JSON file in place of these, and return the conversation.

        Raises:
            InvalidRequest: the file holds no messages.
        """
        try:
            found = json.loads(Path(path).read_text(encoding="utf-8"))
        except ValueError as exc:
            raise InvalidRequest(f"{Path(path).name} is no JSON: {exc}") from None
        self.messages = found
        return self

    def __len__(self) -> int:
        return len(self.messages)

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        memory = "" if self.remembers else ", each prompt alone"
        return f"<Chat {self.endpoint}, {len(self.messages)} messages{memory}>"

    def _body(self, message: Message, arguments: Mapping[str, Any]) -> dict[str, Any]:
        given = {**self.arguments, **arguments}
        return {**given, **self._conversation(message), **given}  # what is said comes last

    def _conversation(self, message: Message) -> dict[str, Any]:
        """The arguments that carry the conversation with a new message of the user."""
        everything = [*self._messages, message]
        sent = within(everything, self.context)
        self.left_out = len(everything) - len(sent)
        if self.takes_messages:
            return {"messages": sent, "stream": True}
        if turns.has_files(message):
            raise InvalidRequest(
                f"{self.endpoint} takes words as its prompt", hint="give a file as the argument that is made for it"
            )
        if not self.remember:
            self.left_out = 0
        words = turns.one_prompt(sent) if self.remember else turns.words_of(message)
        system = turns.system_words(self._messages)
        return {**({self.field: words} if words else {}), **({"system_prompt": system} if system else {})}

    def _finish_turn(self) -> None:
        """Make the answer before part of the conversation.

        Raises:
            InvalidRequest: it has not ended.
        """
        if self._turn is not None and self._turn[1].is_cancelled:
            self._turn[1].outcome()
        self._settle()
        if self._turn is not None:
            raise InvalidRequest(
                "the answer before has not ended", hint="take its stream to the end, or stop it with .cancel()"
            )

    def _settle(self) -> None:
        """Make an answer that has ended part of the conversation, unless its request failed."""
        with self._settling:
            if self._turn is not None and self._turn[1].is_done:
                self._take_turn(*self._turn)
                self._turn = None

    def _take_turn(self, message: Message, request: Stream) -> None:
        result = request.outcome()
        self._usage += Usage.of(result.usage)
        if result.error is None and (result.text or not result.stopped):
            self._added[request] = [message, turns.assistant_message(result)]
            self._messages += self._added[request]
        elif isinstance(result.error, RequestError):
            self.context = learned(result.error, self._messages) or self.context


def chat(endpoint: str, **options: Any) -> Chat:
    """Begin a conversation with an endpoint. The options are those of `Chat`.

    Example:
        >>> chat("openrouter/router/openai/v1/chat/completions", model="openai/gpt-4o-mini")  # doctest: +SKIP
    """
    return Chat(endpoint, **options)


def _import() -> None:
    from ..wire import pool  # noqa: F401 - imported only to load what a request needs
