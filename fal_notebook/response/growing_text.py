"""Sans-I/O: the text of an answer as it grows.

Some endpoints send what is new (deltas), others the whole text so far (snapshots), and the names in their JSON are
often the same. So the pieces themselves are asked: snapshots repeat what came before, deltas go on where it ended.
"""

Change = tuple[str, int]
"""What is new, and where it begins; what stood from there on is gone."""

_TELLING = 6  # characters that are hardly repeated by chance
_NOTHING_SHARED = 3
_LITTLE_SHARED = 1
_DELTAS = 3
_DELTAS_DESPITE_DOCUMENTATION = 6
_SURE_OF_DELTAS = 12


class GrowingText:
    """Text that grows by deltas or is replaced by snapshots; its cost is linear in what arrives."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0

    def __str__(self) -> str:
        self._pieces = ["".join(self._pieces)]
        return self._pieces[0]

    def __len__(self) -> int:
        return self._length

    def append(self, new: str) -> Change | None:
        """Add what is new; return it and where it begins, or None where it is nothing."""
        if not new:
            return None
        offset, self._length = self._length, self._length + len(new)
        self._pieces.append(new)
        return new, offset

    def replace(self, snapshot: str) -> Change | None:
        """Take the whole text so far; return what is new and where it begins, or None where nothing changed."""
        before = str(self)
        self._pieces, self._length = [snapshot], len(snapshot)
        return _change(before, snapshot)


class UnmarkedText:
    """Text in pieces that are not marked as deltas or as snapshots.

    Both readings are kept, the newest piece and all pieces joined, until what the pieces share leaves no doubt. They
    are snapshots until something speaks for deltas.
    """

    def __init__(self) -> None:
        self._newest = GrowingText()
        self._joined = GrowingText()
        self._repeats: list[str] = []  # of all that is joined: its end, or deltas if more words come
        self._for_deltas = 0
        self._are_deltas = False
        self._is_settled = False

    def __str__(self) -> str:
        return str(self._text)

    @property
    def are_snapshots(self) -> bool:
        """Whether it is settled that each piece is the whole text so far."""
        return self._is_settled and not self._are_deltas

    def append(self, new: str) -> Change | None:
        """Add what is marked as new; return what `GrowingText.append` does."""
        self._repeats = []  # the deltas are marked, so these were none
        joined, newest = self._joined.append(new), self._newest.append(new)
        return joined if self._are_deltas else newest

    def settle(self, whole: str) -> Change | None:
        """Take all of a text of which the deltas have come; where it says no more than they, nothing changes.

        What has less than half their length, or stands within them, is a part of the text and not all of it.
        """
        if not whole.strip() or 2 * len(whole) < len(self._text):
            return None
        before = str(self)
        if whole.strip() in before:
            return None
        self._repeats = []
        self._joined.replace(whole)
        self._newest.replace(whole)
        return _change(before, whole)

    def take(self, piece: str, *, documented: bool = False) -> Change | None:
        """Take the next piece.

        Args:
            piece: the whole text so far, or what is new; where it is empty it says nothing.
            documented: its event looks as fal documents events with snapshots, so that more has to speak for deltas.

        Returns:
            What is new and where it begins, or None where nothing changed.
        """
        if not piece:
            return None
        if self._is_settled:
            return self._join(piece) if self._are_deltas else self._replace(piece)
        shown = self._text
        self._weigh(piece, _DELTAS_DESPITE_DOCUMENTATION if documented else _DELTAS)
        before = "" if self._text is shown else str(shown)
        joined, replaced = self._join(piece), self._replace(piece)
        if self._text is not shown:
            return _change(before, str(self))
        return joined if self._are_deltas else replaced

    @property
    def _text(self) -> GrowingText:
        return self._joined if self._are_deltas else self._newest

    def _weigh(self, piece: str, deltas: int) -> None:
        """Look what a piece shares with the one before: where they are equal, or one is blank, it tells nothing.

        Words that only begin alike ("an", "ant") share nothing, nor does what begins anew behind a finished word.
        """
        last = str(self._newest)
        if piece == last or not piece.strip() or not last.strip() or self._is_repeat(piece):
            return
        length = _common_length(last, piece)
        shared = len(last[:length].strip())
        if length == len(last):
            self._for_deltas -= shared
        elif not shared or last[-1].isspace() or (_is_one_word(last) and _is_one_word(piece)):
            self._for_deltas += _NOTHING_SHARED
        elif 2 * length <= min(len(last), len(piece)):
            self._for_deltas += _LITTLE_SHARED
        is_extended = length == len(last) and shared >= _TELLING
        self._decide(deltas, are_snapshots=is_extended or self._for_deltas <= -_TELLING)

    def _decide(self, deltas: int, *, are_snapshots: bool) -> None:
        self._is_settled = are_snapshots or self._for_deltas >= _SURE_OF_DELTAS
        if are_snapshots or self._for_deltas <= 0:
            self._are_deltas = False
        elif self._for_deltas >= deltas:
            self._are_deltas = True

    def _replace(self, piece: str) -> Change | None:
        """Take a piece as a snapshot. What is blank where there are words marks an end and is none."""
        is_news = piece.strip() or not str(self._newest).strip()
        return self._newest.replace(piece) if is_news else None

    def _join(self, piece: str) -> Change | None:
        """Take a piece as a delta, unless it repeats all so far: many a stream ends with its whole text."""
        if self._is_repeat(piece) or (self._repeats and not piece.strip()):
            self._repeats.append(piece)
            return None
        new = "".join([*self._repeats, piece])
        self._repeats = []
        return self._joined.append(new)

    def _is_repeat(self, piece: str) -> bool:
        if 2 * len(piece) < len(self._joined):  # else each delta would cost as much as all before it
            return False
        words = piece.strip()
        return bool(words) and words == str(self._joined).strip()


def _change(before: str, after: str) -> Change | None:
    if before == after:
        return None
    offset = len(before) if after.startswith(before) else _common_length(before, after)
    return after[offset:], offset


def _is_one_word(piece: str) -> bool:
    words = piece.split()
    return len(words) == 1 and not any(letter.isdigit() for letter in words[0])


def _common_length(first: str, second: str) -> int:
    """How many first characters two different texts share, found by halving."""
    low, high = 0, min(len(first), len(second))
    while low < high:
        middle = (low + high + 1) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
