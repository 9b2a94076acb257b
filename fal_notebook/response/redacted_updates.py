"""Sans-I/O: what streams of one answer, without the key.

The body is looked through as it comes, and what its values say is taken apart only where the key is in it. Words may be
cut within the key, from event to event too, so that an end which may be its beginning waits for the next piece. Once
words have the key, they are told anew as a whole, each time that they have doubled and at the end.
"""

from collections.abc import Callable, Sequence

from ..safety.redaction import BodyWatch, KeyWatch, Redaction
from .updates import Piece, Reasoning, Text, Update


class RedactedUpdates:
    """The updates of one answer without the key.

    Args:
        redaction: of the key that the server was sent.
        label: the content type that the server gave the body.
        text, reasoning: give the words that have come.
    """

    def __init__(
        self,
        redaction: Redaction,
        label: str = "",
        text: Callable[[], str] = str,
        reasoning: Callable[[], str] = str,
    ) -> None:
        self._redaction = redaction
        self._body = BodyWatch(redaction)
        self._body.feed(label.encode())
        self._words = {Text: _Words(Text, redaction, text), Reasoning: _Words(Reasoning, redaction, reasoning)}

    @property
    def is_suspicious(self) -> bool:
        """Whether the answer has the key, or ends with most of it."""
        return self._body.is_suspicious or any(words.is_suspicious for words in self._words.values())

    @property
    def text(self) -> str:
        """The answer's text so far, as far as it can be shown."""
        return self._words[Text].so_far()

    def look_at(self, data: bytes) -> None:
        """Look through the next bytes of a body that holds words, before the updates that they bring are taken."""
        self._body.feed(data)

    def take(self, updates: Sequence[Update], *, is_last: bool = False) -> list[Update]:
        """The updates that one read brought, as they may be shown.

        Args:
            updates: all that the last bytes brought.
            is_last: whether the body has ended, so that nothing more is waited for.
        """
        if not self._redaction or (len(updates) == 1 and not is_last and self._take_if_harmless(updates[0])):
            return list(updates)
        shown: list[Update] = []
        for place, update in enumerate(updates):
            if isinstance(update, Text | Reasoning):
                shown += self._words[type(update)].take(update, updates, place)
            else:
                shown.append(self._redaction.value(update) if self._is_in(update) else update)
        for words in self._words.values():
            if words.waits:
                shown += words.end_of_read(is_last=is_last)
        return shown

    def _is_in(self, update: Update) -> bool:
        """Whether an update that holds no words may have the key. A file's bytes are looked at piece by piece."""
        return self._body.seen or (isinstance(update, Piece) and self._redaction.is_in_file(update.data))

    def _take_if_harmless(self, update: Update) -> bool:
        """Whether an update can be shown as it is without a second look, as most can."""
        return isinstance(update, Text | Reasoning) and self._words[type(update)].take_if_harmless(update)


class _Words:
    """The words of one kind."""

    def __init__(self, kind: type[Text | Reasoning], redaction: Redaction, whole: Callable[[], str]) -> None:
        self._kind, self._redaction, self._whole = kind, redaction, whole
        self._watch = KeyWatch(redaction)
        self._length = 0  # of what has come
        self._held = ""  # the end of it, which was not told
        self._is_told = False  # all that this read brought
        self._told_anew = 0  # how much had come when all was told anew
        self._is_behind = False  # something came since

    @property
    def is_suspicious(self) -> bool:
        return self._watch.is_suspicious

    @property
    def waits(self) -> bool:
        """Whether there may be something to tell at the end of a read."""
        return self._is_told or self._is_behind or bool(self._held)

    def so_far(self) -> str:
        """The words as they may be shown."""
        words = self._whole()
        if self._watch.seen:
            return self._redaction.text(words)
        return words[: len(words) - self._watch.partial_length] if self._watch.partial_length else words

    def take_if_harmless(self, update: Text | Reasoning) -> bool:
        """Take an update if nothing in it is like a key; return whether it was taken."""
        if self._held or update.offset != self._length or not self._watch.take_if_harmless(update.new):
            return False
        self._length += len(update.new)
        return True

    def take(self, update: Text | Reasoning, updates: Sequence[Update], place: int) -> list[Update]:
        """Take an update; it stands at a place among those that the same read brought."""
        if self._is_told or self._watch.seen:
            self._is_behind = self._watch.seen
            return []
        if update.offset != self._length:
            alike = [each.offset for each in updates[place:] if isinstance(each, Text | Reasoning)]
            return self._rewritten(min(alike))
        self._length += len(update.new)
        if self._watch.feed(update.new):
            self._is_behind = True
            return []
        if not self._held and not self._watch.partial_length:
            return [update]
        offset, words = self._length - len(update.new) - len(self._held), self._held + update.new
        ready = max(0, len(words) - self._watch.partial_length)
        self._held = words[ready:]
        return [self._kind(words[:ready], offset)] if ready else []

    def end_of_read(self, *, is_last: bool) -> list[Update]:
        """What is to be told once a read, or the body, has been taken."""
        self._is_told = False
        if self._watch.seen:
            return self._anew() if self._is_behind and (is_last or len(self._whole()) >= 2 * self._told_anew) else []
        if is_last and self._held:
            held, self._held = self._held, ""
            return [self._kind(self._redaction.text(held), self._length - len(held))]
        return []

    def _rewritten(self, offset: int) -> list[Update]:
        """Tell what has changed from a place on, where what came before was changed."""
        self._is_told = True
        words, told = self._whole(), self._length - len(self._held)
        self._watch = KeyWatch(self._redaction)
        self._length = len(words)
        if self._watch.feed(words):
            self._is_behind = True
            return []
        ready = len(words) - self._watch.partial_length
        self._held = words[ready:]
        offset = min(offset, told, ready)
        return [self._kind(words[offset:ready], offset)]

    def _anew(self) -> list[Update]:
        words = self._whole()
        self._told_anew, self._is_behind = len(words), False
        return [self._kind(self._redaction.text(words), 0)]
