"""What an engine has of its run: the rows to send, whose intent is on the disk, and a place for what becomes of them.

A request that ends makes room at once for a row whose intent is on the disk already. So a few intents are written
ahead, as many as are likely to be sent before the next write is done; where requests take long, that is none.
"""

import asyncio
import contextlib
import math
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from ..errors import UploadFailed
from ..media.media import Media
from ..safety.redaction import Redaction
from .conduct import Conduct, Send, Wait
from .journal import Journal
from .ledger import GATHER_SECONDS, Ledger, Wanted, Written
from .row_uploads import Arrivals, RowUploads
from .stored import Answer, Outcome, StoredRow

_ENDS = 32  # answers, of which it is known how fast they come
_LEAST_SECONDS = 0.01  # for which that is counted
_HARDLY_EVER = 0.05  # of a row that will be sent during a write
_WRITES_AHEAD = 6  # the one that is under way, the next one, and some for when the disk takes longer
_FEWEST_AHEAD = 4  # rows that may be, also where fewer are under way


@dataclass(frozen=True, slots=True)
class Order:
    """A row that is to be sent now.

    Attributes:
        number: the row.
        payload: its arguments as JSON.
    """

    number: int
    payload: str


class Desk:
    """Gives out the rows of a run, and takes what becomes of them. Used on one event loop.

    Args:
        journal: where everything is stored; open for writing.
        conduct: decides which row is sent when.
        engine: the name of the engine.
        redaction: takes the key out of messages.
        uploads: has their files uploaded.
        tell: called, on the loop, with each row whose end is on the disk, and how it ended; with None where it became
            ``unknown``.

    Attributes:
        endpoint: the endpoint that is asked.
        resumed: rows that the queue has since before a restart, and that count as under way.
        most_intended: the most rows whose intent is on the disk and that were not given out: where a row is given out
            only once there is room to send it, more would be unknown if the process were killed.
        cancelling: set once the user cancels: what is in the queue and not at work may be taken out.
    """

    def __init__(
        self,
        journal: Journal,
        conduct: Conduct,
        engine: str,
        redaction: Redaction,
        uploads: RowUploads,
        tell: Callable[[int, Outcome | None], None],
    ) -> None:
        self.endpoint = journal.header.endpoint
        self.resumed: list[StoredRow] = []
        self.most_intended = 1_000_000
        self.cancelling = asyncio.Event()
        self._conduct = conduct
        self._redaction = redaction
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._uploads = uploads
        self._ledger = Ledger(journal, engine, uploads, self._wanted, self._wrote)
        self._payloads: dict[int, str] = {}  # of rows whose intent is on the disk, and that were not given out
        self._out: set[int] = set()  # rows that were given out, of which nothing was told yet
        self._asked: list[int] = []  # rows that were given out before their intent was on the disk
        self._intending: set[int] = set()  # rows whose intent is being written
        self._ahead = 0  # as many intents as were wanted ahead of the rows that may be sent
        self._last_read = -1
        self._ends: deque[float] = deque(maxlen=_ENDS)  # when the last answers came
        self._changed = asyncio.Event()
        self._arrivals = Arrivals(conduct, uploads, self._read_file, self._unsendable, self._changed.set)

    @property
    def uploading(self) -> int:
        """How many rows wait for the upload of their files."""
        return self._arrivals.count

    async def begin(self) -> None:
        """Conclude answers that were stored and not parsed, and take what the queue has."""
        self._uploads.know(await self._ledger.call(Journal.urls))
        for each in await self._ledger.call(self._conclude_left):
            self._tell(each.number, each)
        self.resumed = await self._ledger.call(_submitted)
        for row in self.resumed:
            self._conduct.resumed(row.number)

    def close(self) -> None:
        """Take back what was not given out, write what is left, and end the thread.

        It blocks, and leaves the journal open.
        """
        self._arrivals.end()
        self._ledger.close(self._out)

    # Rows to send

    async def orders(self) -> AsyncIterator[Order]:
        """The rows to send, each when it is time to. It ends when nothing is left, and all that came is on the disk.

        Raises:
            JournalError: nothing more can be stored, so nothing more may be sent.
        """
        while True:
            self._changed.clear()
            self._ledger.look(is_urgent=self._conduct.is_short)
            self._ledger.check()
            step = self._conduct.next(self._loop.time())
            if isinstance(step, Send):
                yield Order(step.number, await self._payload(step.number))
            elif isinstance(step, Wait):
                await self._change(step.until)
            elif self._arrivals.count and not self._conduct.reason:
                await self._change(None)
            elif self._payloads:
                self._take_back(*self._payloads)
                self._payloads.clear()
            elif not self._ledger.is_settled:
                await self._ledger.write(is_urgent=True)
            else:
                return

    async def _payload(self, number: int) -> str:
        if number not in self._payloads and number not in self._intending:
            self._asked.append(number)
        while number not in self._payloads:
            self._changed.clear()
            self._ledger.check()
            self._ledger.look(is_urgent=True)
            await self._changed.wait()
        self._out.add(number)
        payload = self._payloads.pop(number)
        if len(self._payloads) < self._ahead // 2:
            self._ledger.look(is_urgent=True)
        return payload

    async def _change(self, until: float | None) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await self._changed.wait()

    def _wanted(self) -> Wanted:
        """What the next write is to do besides."""
        under_way = self._conduct.under_way
        since = self._loop.time() - self._ends[0] if self._ends else math.inf
        seconds = GATHER_SECONDS + _WRITES_AHEAD * self._ledger.seconds
        will_end = seconds * len(self._ends) / max(since, _LEAST_SECONDS)  # in that time
        most = min(max(under_way, _FEWEST_AHEAD), self.most_intended)
        self._ahead = min(most, max(0, math.ceil(will_end - _HARDLY_EVER)))
        count = min(self._conduct.free + self._ahead, self.most_intended)
        asked, self._asked = self._asked, []
        upcoming = self._conduct.upcoming(count, self._loop.time())
        intend = [*asked, *(each for each in upcoming if each not in self._payloads)]
        self._intending = set(intend)
        return Wanted(intend, max(0, self._conduct.wanted - self._arrivals.count), self._last_read)

    def _wrote(self, written: Written) -> None:
        self._intending.clear()
        self._payloads.update(written.payloads)
        for number, outcome in written.outcomes.items():
            if outcome.state == "done":
                self._conduct.done(number, outcome.cost)
            else:
                message = self._redaction.text(outcome.error or "")
                self._conduct.failed(number, outcome.status, message, outcome.cost)
        for number, end in written.ended:
            self._tell(number, end)
        if written.new is not None:
            self._arrivals.take(written.new, written.contents)
            self._last_read = max([self._last_read, *written.new[-1:]])
            if not written.new:
                self._conduct.end_of_rows()
        self._changed.set()

    async def _read_file(self, content: str) -> Media | None:
        found: Media | None = await self._ledger.call(lambda journal: journal.file(content))
        return found

    def _unsendable(self, number: int, failure: UploadFailed) -> None:
        message = self._redaction.text(failure.message)
        self._conduct.count_failure(message)
        outcome = Outcome(number, "failed", error=f"not sent: {message}", status=failure.status)
        self._ledger.batch.refused.append(outcome)

    # What becomes of them

    async def submitted(self, number: int, request_id: str, links: dict[str, str]) -> None:
        """Store that fal's queue has a row.

        Args:
            number: the row.
            request_id: fal's id of the request.
            links: where the queue answers for it, by name.
        """
        self._ledger.batch.submitted.append((number, request_id, links))
        await self._ledger.write()

    async def answered(self, answer: Answer, seconds: float | None = None) -> Outcome:
        """Store an answer, then parse it; return how its row ended.

        Args:
            answer: the answer as it came, also one that is an error.
            seconds: how long the request took.
        """
        if answer.status is None or answer.status < 300:
            self._conduct.arrived(answer.number)
            self._changed.set()
        self._out.discard(answer.number)
        self._ends.append(self._loop.time())
        self._ledger.batch.answers.append((answer, seconds))
        return (await self._ledger.write()).outcomes[answer.number]

    async def failed(
        self, number: int, status: int | None, message: str, *, request_id: str | None = None, cost: float | None = None
    ) -> None:
        """Store that a row failed, and that no answer of it can be stored.

        Args:
            number: the row.
            status: the HTTP status, if one came.
            message: what happened, on one line.
            request_id: fal's id of the request, if it is known.
            cost: what was billed, in US dollars, if that is known.
        """
        message = self._redaction.text(message)
        self._conduct.failed(number, status, message, cost)
        outcome = Outcome(number, "failed", error=message, cost=cost, request_id=request_id, status=status)
        await self._conclude(outcome)

    async def cancelled(self, number: int) -> None:
        """Store that a row was taken out of the queue before any work."""
        self._conduct.dropped(number)
        await self._conclude(Outcome(number, "cancelled"))

    def lost(self, number: int, message: str) -> None:
        """Note that a row may have been received, and that its answer cannot be had."""
        self._conduct.lost(number, self._redaction.text(message))
        self._out.discard(number)
        self._ledger.batch.lost.append(number)
        self._changed.set()

    def refused(self, number: int, wait: float | None = None) -> None:
        """Note that a row was refused since too much is under way (429), and was not worked on. It is sent again.

        Args:
            number: the row.
            wait: the seconds that the server asks to wait.
        """
        self._conduct.refused(number, self._loop.time(), wait)
        self._take_back(number)

    def not_sent(self, number: int, message: str) -> None:
        """Note that a row was certainly not received, since there was no connection. It is sent again."""
        self._conduct.not_sent(number, self._loop.time(), self._redaction.text(message))
        self._take_back(number)

    def stopped(self, number: int, reason: str) -> None:
        """Note that a row was certainly not worked on, and that no other one would be: the run stops."""
        self._conduct.stop(self._redaction.text(reason))
        self._conduct.dropped(number)
        self._take_back(number)

    def found(self, number: int, request_id: str, links: dict[str, str]) -> None:
        """Note that a row which was ``unknown`` is at fal. It counts as under way until its answer comes."""
        self._conduct.resumed(number)
        self._ledger.batch.submitted.append((number, request_id, links))
        self._changed.set()

    def stop(self, reason: str, *, cancels: bool = False) -> None:
        """Give out no further row.

        Args:
            reason: why, on one line.
            cancels: whether what is in the queue and not at work is to be taken out.
        """
        self._conduct.stop(reason)
        if cancels:
            self.cancelling.set()
        self._changed.set()

    def stop_soon(self, reason: str, *, cancels: bool = False) -> None:
        """`stop`, from any thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(lambda: self.stop(reason, cancels=cancels))

    async def call(self, work: Callable[[Journal], Any]) -> Any:
        """Read something of the journal, after all that was written by now."""
        return await self._ledger.call(work)

    async def _conclude(self, outcome: Outcome) -> None:
        self._out.discard(outcome.number)
        self._ledger.batch.outcomes.append(outcome)
        self._changed.set()
        await self._ledger.write()

    def _take_back(self, *numbers: int) -> None:
        self._out.difference_update(numbers)
        self._ledger.batch.withdrawn.update(numbers)
        self._changed.set()

    def _conclude_left(self, journal: Journal) -> list[Outcome]:
        found: list[Outcome] = []
        while answers := journal.unparsed():
            outcomes = list(self._ledger.parsed((each, None) for each in answers).values())
            journal.concluded(outcomes)
            found += outcomes
        return found


def _submitted(journal: Journal) -> list[StoredRow]:
    numbers: list[int] = []
    while more := journal.in_state("submitted", after=numbers[-1] if numbers else -1):
        numbers += more
    return [journal.row(each) for each in numbers]
