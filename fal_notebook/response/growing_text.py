"""Sans-I/O: the text of an answer as it grows.

Some endpoints send only new text (deltas), others the whole text so far (snapshots), often under the same names in
their JSON. So the pieces themselves have to tell: a snapshot repeats the text before it, a delta continues it.
"""

Change = tuple[str, int]
"""New text and the place where it begins; it replaces all earlier text from there on."""

# Pieces get points for being deltas. A snapshot takes away one for each character that it repeats.
_SURE_OF_SNAPSHOTS = 6  # characters that are hardly repeated by chance
_POINTS_NOTHING_SHARED = 3
_POINTS_LITTLE_SHARED = 1
_DELTAS = 3  # points from which pieces are read as deltas
_DELTAS_DESPITE_DOCUMENTATION = 6  # the same, where fal documents such events as snapshots
_SURE_OF_DELTAS = 12  # points from which the reading does not change any more


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

    Both readings are kept, the newest piece and all pieces joined, until the pieces leave no doubt. They are read as
    snapshots until something speaks for deltas.
    """

    def __init__(self) -> None:
        self._newest = GrowingText()
        self._joined = GrowingText()
        self._repeats: list[str] = []  # of the whole text: its end, or deltas if more words come
        self._points_for_deltas = 0
        self._are_deltas = False
        self._is_settled = False

    def __str__(self) -> str:
        return str(self._text)

    @property
    def are_snapshots(self) -> bool:
        """Whether it is settled that each piece is the whole text so far."""
        return self._is_settled and not self._are_deltas

    def append(self, new: str) -> Change | None:
        """Add text that is marked as a delta; return what `GrowingText.append` does."""
        self._repeats = []  # deltas are marked, so the repeats were none
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
            piece: the whole text so far, or what is new; an empty one is ignored.
            documented: whether fal documents such events as snapshots, so that more has to speak for deltas.

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
        """Compare a piece with the one before, and count points. Equal or blank pieces tell nothing.

        Single words that only begin alike ("ant", "and") count as sharing nothing. So do pieces that begin alike, if
        the one before ended with a space.
        """
        last = str(self._newest)
        if piece == last or not piece.strip() or not last.strip() or self._is_repeat(piece):
            return
        length = _common_length(last, piece)
        shared = len(last[:length].strip())
        if length == len(last):
            self._points_for_deltas -= shared
        elif not shared or last[-1].isspace() or (_is_one_word(last) and _is_one_word(piece)):
            self._points_for_deltas += _POINTS_NOTHING_SHARED
        elif 2 * length <= min(len(last), len(piece)):
            self._points_for_deltas += _POINTS_LITTLE_SHARED
        is_extended = length == len(last) and shared >= _SURE_OF_SNAPSHOTS
        self._decide(deltas, are_snapshots=is_extended or self._points_for_deltas <= -_SURE_OF_SNAPSHOTS)

    def _decide(self, deltas: int, *, are_snapshots: bool) -> None:
        self._is_settled = are_snapshots or self._points_for_deltas >= _SURE_OF_DELTAS
        if are_snapshots or self._points_for_deltas <= 0:
            self._are_deltas = False
        elif self._points_for_deltas >= deltas:
            self._are_deltas = True

    def _replace(self, piece: str) -> Change | None:
        """Take a piece as a snapshot. A blank one after words marks the end of the text, and replaces nothing."""
        is_news = piece.strip() or not str(self._newest).strip()
        return self._newest.replace(piece) if is_news else None

    def _join(self, piece: str) -> Change | None:
        """Take a piece as a delta, unless it repeats the whole text: many streams end with a repetition of it."""
        if self._is_repeat(piece) or (self._repeats and not piece.strip()):
            self._repeats.append(piece)
            return None
        new = "".join([*self._repeats, piece])
        self._repeats = []
        return self._joined.append(new)

    def _is_repeat(self, piece: str) -> bool:
        if 2 * len(piece) < len(self._joined):  # else each delta would cost as much as all text before
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
    """How many first characters two different texts have in common, found by bisection."""
    low, high = 0, min(len(first), len(second))
    while low < high:
        middle = (low + high + 1) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
