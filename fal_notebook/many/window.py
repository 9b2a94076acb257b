"""Sans-I/O: how many requests may be under way at once, found out from what the account refuses.

The window starts at two, and each answer enlarges it by one, so that it doubles in the time of one request. The first
refusal (429) halves it, and tells the limit: as many as were under way and not refused. The window grows back to there
with each answer and then stays. Now and then it tries one more, since the limit may have grown; a refusal of that one
only takes it back. Further refusals of requests that were sent before the window was halved mean nothing new.
"""

_START = 2
_TRY_AFTER = 10  # answers, for each place in the window, until one more is tried
_SOON, _LONGEST_TRY = 2, 160  # the same, after one more was not refused, and after it was several times


class Window:
    """How many requests may be under way at once.

    Args:
        most: a limit that is never passed.
        start: the first size.

    Attributes:
        size: how many there may be now.
        limit: how many the account allows, where that is known.
    """

    def __init__(self, most: int, start: int = _START) -> None:
        self.size = min(start, most)
        self.limit: int | None = None
        self._most = most
        self._try_after = _TRY_AFTER
        self._is_try = False  # whether the size is one more than is known to be allowed
        self._answers = 0  # since the limit was last found or tried
        self._halved = 0  # the number of the last request that was sent when the window was halved

    def answered(self) -> None:
        """Take note of a request that was worked on."""
        self._answers += 1
        if self._is_try and self._answers >= 2 * self.size:
            self._is_try, self._try_after = False, _SOON
        if self.limit is None or self.size < self.limit:
            self.size = min(self.size + 1, self._most)
        elif self._answers >= self._try_after * self.size and self.size < self._most:
            self.limit = self.size = self.size + 1
            self._is_try, self._answers = True, 0

    def refused(self, request: int, last: int, under_way: int) -> None:
        """Take note of a request that was refused because too many were under way.

        Args:
            request: its number, in the order of sending.
            last: the number of the last one that was sent.
            under_way: how many others are under way.
        """
        if request <= self._halved:  # those that are under way are still being told what is known
            self.limit = max(1, min(self.limit or self._most, under_way))
            self.size = min(self.size, self.limit)
            return
        is_only_the_try = self._is_try and self.limit is not None and under_way >= self.limit - 1
        self.limit, self._is_try = max(1, under_way), False
        if is_only_the_try:
            self.size = self.limit
            self._try_after = min(2 * self._try_after, _LONGEST_TRY)
        else:
            self.size = max(1, min(self.size // 2, self.limit))
        self._halved, self._answers = last, 0
