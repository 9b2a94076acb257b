"""Sans-I/O: the answers of one response as they grow, and what an endpoint says of them beside their words.

Most responses have one answer. OpenAI's ``n`` asks for several, which come side by side, each under its index.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..media.media import Media
from ..safety.bounded_json import decode_json
from .choices import Choice, Source, ToolCall
from .files_in_json import is_link
from .growing_text import Change, UnmarkedText
from .updates import Preview, Reasoning, Text, Update

_MOST_ANSWERS = 128  # the most that OpenAI gives at once
_MOST_CALLS = 128  # of one answer
_MOST_SOURCES = 1_000
_LONGEST_LINK = 4_096
_MOST_PICTURES = 200  # that are kept beside each other: each that comes is told with all before it
_LONGEST_REASON = 200  # characters of why an answer ended, and of the name of what it calls


@dataclass(slots=True)
class _Call:
    name: str = ""
    id: str = ""
    pieces: list[str] = field(default_factory=list)
    value: Any = None

    def call(self) -> ToolCall:
        words = "".join(self.pieces)
        if self.value is not None or not words:
            return ToolCall(self.name, self.value, self.id)
        try:
            return ToolCall(self.name, decode_json(words), self.id)
        except ValueError:
            return ToolCall(self.name, words, self.id)


class Answer:
    """One answer as it grows. What brings words returns them as updates."""

    def __init__(self) -> None:
        self.words = UnmarkedText()
        self.thought = UnmarkedText()
        self.refused = False
        self._reason: str | None = None
        self._has_deltas = False
        self._has_thought_deltas = False
        self._calls: dict[object, _Call] = {}

    @property
    def finish_reason(self) -> str | None:
        """Why it ended, in the endpoint's own word."""
        return self._reason

    @property
    def calls(self) -> list[ToolCall]:
        """What the model asks to be called."""
        return [each.call() for each in self._calls.values()]

    def choice(self) -> Choice:
        """It as far as it has come."""
        return Choice(str(self.words), str(self.thought), self._reason, self.refused, self.calls)

    def add(self, words: str) -> list[Update]:
        """Take words that come behind those before."""
        self._has_deltas = self._has_deltas or bool(words)
        return told(Text, self.words.append(words))

    def add_thought(self, words: str) -> list[Update]:
        """Take reasoning that comes behind that before."""
        self._has_thought_deltas = self._has_thought_deltas or bool(words)
        return told(Reasoning, self.thought.append(words))

    def close(self, whole: str) -> list[Update]:
        """Take all its words: many a stream of deltas ends with them."""
        return told(Text, self.words.settle(whole) if self._has_deltas else self.words.take(whole))

    def close_thought(self, whole: str) -> list[Update]:
        """Take all its reasoning."""
        return told(Reasoning, self.thought.settle(whole) if self._has_thought_deltas else self.thought.take(whole))

    def refuse(self, words: str, *, is_whole: bool = False) -> list[Update]:
        """Take the words of a refusal, which stand in the place of an answer."""
        self.refused = self.refused or bool(words)
        return self.close(words) if is_whole else self.add(words)

    def end(self, reason: Any) -> None:
        """Take why it ended, where a value says that."""
        if isinstance(reason, str) and reason:
            self._reason = reason[:_LONGEST_REASON]

    def has_call(self, place: object) -> bool:
        """Whether a piece of this call has come."""
        return place in self._calls

    def call(self, place: object, name: Any = None, identity: Any = None, arguments: Any = None) -> None:
        """Take a piece of a call.

        Args:
            place: what tells it from the others.
            name: of the tool, where the piece has it.
            identity: of the call, where the piece has it.
            arguments: a piece of their JSON, or their value.
        """
        if place not in self._calls and len(self._calls) >= _MOST_CALLS:
            return
        call = self._calls.setdefault(place, _Call())
        call.name = call.name or _short(name)
        call.id = call.id or _short(identity)
        if isinstance(arguments, str):
            call.pieces.append(arguments)
        elif arguments is not None:
            call.value = arguments

    def add_call(self, name: Any, identity: Any, arguments: Any) -> None:
        """Take a whole call that nothing numbers."""
        self.call(("whole", len(self._calls)), name, identity, arguments)

    def close_call(self, place: object, name: Any = None, identity: Any = None, arguments: Any = None) -> None:
        """Take a whole call, in the place of its pieces."""
        if place in self._calls and arguments is not None:
            self._calls[place].pieces, self._calls[place].value = [], None
        self.call(place, name, identity, arguments)


class Answers:
    """What one response has said so far.

    Attributes:
        first: the answer whose words are streamed.
        media: the files of the last value that had any; where each brings more, all of them.
        usage: what the endpoint said that the request used.
        error: the error that a value told of.
        model: the model that the endpoint said answered.
    """

    def __init__(self) -> None:
        self.first = Answer()
        self.media: tuple[Media, ...] = ()
        self.usage: dict[str, Any] | None = None
        self.error: Any = None
        self.model: str | None = None
        self._answers: dict[int, Answer] = {}
        self._sources: dict[str, str] = {}
        self._pictures: dict[object, Media] = {}

    @property
    def finish_reason(self) -> str | None:
        """Why the first answer ended, in the endpoint's own word."""
        return self.first.finish_reason

    @property
    def sources(self) -> list[Source]:
        """What the answer cites, each once."""
        return [Source(url, title) for url, title in self._sources.items()]

    @property
    def choices(self) -> list[Choice]:
        """The answers, where the endpoint gives them as such."""
        return [self._answers[index].choice() for index in sorted(self._answers)]

    @property
    def says_words_alone(self) -> bool:
        """Whether there is one answer, which neither has ended nor calls anything, and no error."""
        return len(self._answers) <= 1 and not (self.finish_reason or self.first.calls or self.error)

    def answer(self, index: int = 0) -> Answer | None:
        """The answer of an index; None where there are too many."""
        if index not in self._answers:
            if len(self._answers) >= _MOST_ANSWERS and index:
                return None
            self._answers[index] = Answer() if index else self.first
        return self._answers[index]

    def read_each(self, choices: Iterable[Any], read: Callable[[Answer, dict[str, Any]], list[Update]]) -> list[Update]:
        """Read each choice into the answer of its index; returns the updates of the first answer, which streams."""
        updates: list[Update] = []
        for place, choice in enumerate(choices):
            if isinstance(choice, dict) and (answer := self.answer(index_of(choice, place))):
                said = read(answer, choice)
                updates += said if answer is self.first else []
        return updates

    def cite(self, url: Any, title: Any = "") -> None:
        """Take a source."""
        if not (isinstance(url, str) and len(url) <= _LONGEST_LINK and is_link(url)):
            return
        if url in self._sources or len(self._sources) < _MOST_SOURCES:
            self._sources[url] = self._sources.get(url) or (title if isinstance(title, str) else "")

    def show_more(self, files: Sequence[Media]) -> list[Update]:
        """Take files that stand beside those before, unless they have come: a closing message repeats them."""
        if not files:
            return []
        counts: Counter[Media] = Counter()
        pictures: list[tuple[object, Media]] = []
        for media in files:
            counts[media] += 1  # of several that are equal, each counts
            pictures.append(((media, counts[media]), media))
        return self.show(pictures)

    def show(self, pictures: Sequence[tuple[object, Media]]) -> list[Update]:
        """Take files that stand beside those before; one takes the place of that which came under the same key."""
        if not pictures:
            return []
        before = self._pictures.copy()
        for key, media in pictures:
            if key in self._pictures or len(self._pictures) < _MOST_PICTURES:
                self._pictures[key] = media
        if self._pictures == before:
            return []
        self.media = tuple(self._pictures.values())
        return [Preview(self.media)]


def told(kind: type[Text | Reasoning], change: Change | None) -> list[Update]:
    """A change of words as an update."""
    return [] if change is None else [kind(*change)]


def string(value: Any) -> str:
    """A value if it is a string, else none."""
    return value if isinstance(value, str) else ""


def number(value: Any) -> int:
    """A value if it is a small whole number that counts something, else 0."""
    return value if type(value) is int and 0 <= value < 1 << 31 else 0


def index_of(value: dict[str, Any], place: int) -> int:
    """The index that an item of a list gives itself, else its place in the list."""
    index = value.get("index")
    return place if index is None else number(index)


def _short(value: Any) -> str:
    return string(value)[:_LONGEST_REASON]
