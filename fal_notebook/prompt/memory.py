"""The memory of a widget: the conversation in whose course its prompts are sent, and what each entry has added to it.

The conversation is a `Chat`, which others may use too: it can be edited from Python, and cells can go on with it. So
the next prompt is sent with it, and not with the entries that the page shows.
"""

import weakref
from collections.abc import Iterable, Mapping
from typing import Any

from ..client import messages as turns
from ..client.chat import Chat
from ..client.messages import Message
from ..client.result import Result
from ..client.streaming import Stream
from ..errors import InvalidRequest
from ..media.media import Media
from .entry import Entry
from .schema_form import WAY_OUT
from .visitors import bundle as words_alone


class Memory:
    """A conversation, and which of its messages belong to which entry.

    Args:
        chat: the conversation.
    """

    def __init__(self, chat: Chat) -> None:
        self.chat = chat
        self._messages: weakref.WeakKeyDictionary[Entry, list[Message]] = weakref.WeakKeyDictionary()

    def entries(self) -> list[Entry]:
        """The conversation as it is now, as entries: each prompt with its answer."""
        entries: list[Entry] = []
        for group in _turns(self.chat.messages):
            prompt, *answers = group
            number, asked = len(entries) + 1, turns.words_of(prompt)
            # Nothing is known of how it was answered.
            entry = Entry(number, self.chat.endpoint, {}, asked, files_of(prompt), was_sent=False, show=words_alone)
            words = "\n\n".join(filter(None, (turns.words_of(answer) for answer in answers)))
            entry.end(Result(self.chat.endpoint, text=words))
            self._messages[entry] = group
            entries.append(entry)
        return entries

    def send(
        self,
        endpoint: str,
        arguments: Mapping[str, Any],
        prompt: str,
        files: Iterable[Media | Mapping[str, Any]] = (),
    ) -> Stream:
        """Send a prompt, with what was said before where the endpoint is to know it.

        Args:
            endpoint: the endpoint with its sub-path.
            arguments: its arguments other than the prompt.
            prompt: the words of the prompt.
            files: the other parts of its message.

        Raises:
            InvalidRequest: the endpoint, an argument or the prompt cannot be used, or the conversation is being
                answered elsewhere.
        """
        chat = self.chat
        chat.endpoint = endpoint.strip().strip("/")
        if chat.takes_messages and "messages" in arguments:
            raise InvalidRequest("messages are what the box sends", hint="PromptWidget(messages=…) begins with them")
        own = {"messages"} if chat.takes_messages else {chat.field}
        chat.arguments = {name: value for name, value in arguments.items() if name not in own}
        return chat.send([prompt, *files], {}, chat.note, way_out=WAY_OUT, may_be_empty=not chat.takes_messages)

    def note(self, entry: Entry, stream: Stream) -> None:
        """Note what an answer that has ended was added as."""
        self._messages[entry] = self.chat.added_by(stream)

    def messages_of(self, entries: Iterable[Entry]) -> list[Message]:
        """What these entries have added to the conversation."""
        return [message for entry in entries for message in self._messages.get(entry, [])]

    def exchange(self, entries: Iterable[Entry], others: Iterable[Message] = ()) -> list[Message]:
        """Put other messages in the place of what was said from these entries on; return what was there.

        Raises:
            InvalidRequest: the conversation is being answered.
        """
        return self.chat.exchange(self.messages_of(entries), others)

    def forget(self, entries: Iterable[Entry]) -> None:
        """Take these entries out of the conversation."""
        self.chat.drop(self.messages_of(entries))


def begun(chat: Chat | None, endpoint: str, messages: Iterable[Mapping[str, Any]], **options: Any) -> Chat:
    """The conversation of a box: a new one, or one to go on with, for which the options that are given count.

    Raises:
        InvalidRequest: both a conversation and messages are given, or a message is none.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if chat is None:
        return Chat(endpoint, messages=messages, **given)
    if messages:
        raise InvalidRequest("give a chat or messages, not both", hint="chat.messages = … replaces those of the chat")
    chat.endpoint = endpoint
    for name, value in given.items():
        setattr(chat, name, value)
    return chat


def _turns(messages: Iterable[Message]) -> list[list[Message]]:
    """Messages in groups that each begin with one of the user. What comes before the first is left out."""
    groups: list[list[Message]] = []
    for message in messages:
        if message["role"] == "user":
            groups.append([message])
        elif message["role"] != "system" and groups:
            groups[-1].append(message)
    return groups


def files_of(message: Message) -> list[Mapping[str, Any]]:
    """The parts of a message other than its words."""
    content = message["content"]
    parts = content if isinstance(content, list) else []
    return [part for part in parts if isinstance(part, Mapping) and part.get("type") != "text"]
