"""Sans-I/O: the updates of one streaming answer, without the key.

The body is searched for the key as it comes, and its values are changed only if it has the key. Text may be cut within
the key, between two events, too. So an end of the text that may be the beginning of the key is held back until the next
piece. Once a text has had the key, it is shown again as a whole, each time that it has doubled and at the end.
"""

from collections.abc import Callable, Sequence

from ..safety.redaction import BodyWatch, KeyWatch, Redaction
from .updates import Piece, Reasoning, Text, Update


class RedactedUpdates:
    """The updates of one answer without the key.

    Args:
        redaction: for the key that the server was sent.
        label: the content type that the server gave the body.
        text, reasoning: return the words that have come.
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
        """Whether the answer has the key, or ends with a good part of it."""
        return self._body.is_suspicious or any(words.is_suspicious for words in self._words.values())

    @property
    def text(self) -> str:
        """The answer's text so far, as far as it can be shown."""
        return self._words[Text].so_far()

    @property
    def reasoning(self) -> str:
        """The reasoning's text so far, as far as it can be shown."""
        return self._words[Reasoning].so_far()

    def look_at(self, data: bytes) -> None:
        """Search the next bytes of a text body, which has to come before `take` gets their updates."""
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
            if words.has_more:
                shown += words.end_of_read(is_last=is_last)
        return shown

    def _is_in(self, update: Update) -> bool:
        """Whether an update without words may have the key. The bytes of a file are searched piece by piece."""
        return self._body.seen or (isinstance(update, Piece) and self._redaction.is_in_file(update.data))

    def _take_if_harmless(self, update: Update) -> bool:
        """Take an update if it can be shown as it is, as nearly all can; return whether it was taken."""
        return isinstance(update, Text | Reasoning) and self._words[type(update)].take_if_harmless(update)


class _Words:
    """The words of one kind, the answer's or the reasoning's, and how much of them has been shown."""

    def __init__(self, kind: type[Text | Reasoning], redaction: Redaction, whole: Callable[[], str]) -> None:
        self._kind, self._redaction, self._whole = kind, redaction, whole
        self._watch = KeyWatch(redaction)
        self._length = 0  # of the words so far
        self._held = ""  # their end, which was not shown
        self._is_read_shown = False  # whether everything that the current read brought has been shown
        self._shown_length = 0  # of the words when they were last shown as a whole
        self._has_news = False  # whether words have come since

    @property
    def is_suspicious(self) -> bool:
        return self._watch.is_suspicious

    @property
    def has_more(self) -> bool:
        """Whether there may be something to show at the end of a read."""
        return self._is_read_shown or self._has_news or bool(self._held)

    def so_far(self) -> str:
        """The words as they may be shown."""
        words = self._whole()
        if self._watch.seen:
            return self._redaction.text(words)
        return words[: len(words) - self._watch.partial_length] if self._watch.partial_length else words

    def take_if_harmless(self, update: Text | Reasoning) -> bool:
        """Take an update if nothing in it looks like the key; return whether it was taken."""
        if self._held or update.offset != self._length or not self._watch.take_if_harmless(update.new):
            return False
        self._length += len(update.new)
        return True

    def take(self, update: Text | Reasoning, updates: Sequence[Update], place: int) -> list[Update]:
        """Take an update, which stands at a place among the updates of the same read."""
        if self._is_read_shown or self._watch.seen:
            self._has_news = self._watch.seen
            return []
        if update.offset != self._length:
            alike = [each.offset for each in updates[place:] if isinstance(each, Text | Reasoning)]
            return self._show_rewritten(min(alike))
        self._length += len(update.new)
        if self._watch.feed(update.new):
            self._has_news = True
            return []
        if not self._held and not self._watch.partial_length:
            return [update]
        offset, words = self._length - len(update.new) - len(self._held), self._held + update.new
        ready = max(0, len(words) - self._watch.partial_length)
        self._held = words[ready:]
        return [self._kind(words[:ready], offset)] if ready else []

    def end_of_read(self, *, is_last: bool) -> list[Update]:
        """What is to be shown after a read, or at the end of the body."""
        self._is_read_shown = False
        if self._watch.seen:
            is_due = self._has_news and (is_last or len(self._whole()) >= 2 * self._shown_length)
            return self._show_whole() if is_due else []
        if is_last and self._held:
            held, self._held = self._held, ""
            return [self._kind(self._redaction.text(held), self._length - len(held))]
        return []

    def _show_rewritten(self, offset: int) -> list[Update]:
        """Show the words from a place on again, where earlier words were changed."""
        self._is_read_shown = True
        words, shown = self._whole(), self._length - len(self._held)
        self._watch = KeyWatch(self._redaction)
        self._length = len(words)
        if self._watch.feed(words):
            self._has_news = True
            return []
        ready = len(words) - self._watch.partial_length
        self._held = words[ready:]
        offset = min(offset, shown, ready)
        return [self._kind(words[offset:ready], offset)]

    def _show_whole(self) -> list[Update]:
        words = self._whole()
        self._shown_length, self._has_news = len(words), False
        return [self._kind(self._redaction.text(words), 0)]
