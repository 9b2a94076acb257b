"""Writes to a journal for an event loop: what comes while one write is under way is written together by the next one.

A write that reaches the disk takes milliseconds, however many rows it has.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from ..client.arguments import encode
from ..errors import JournalError
from .journal import Journal
from .outcomes import outcome_of
from .row_uploads import RowUploads, Uploaded
from .stored import Answer, Outcome
from .work_thread import WorkThread

_CLOSE_SECONDS = 5.0  # for the write that is under way at the end
_ALL = 1_000_000  # more rows than are ever sent or about to be
_PAUSES = (0.1, 0.5, 1.0, 2.0, 4.0, 8.0)  # seconds until a write is tried again: a full disk may be full for a moment
_WEIGHT = 0.2  # of the newest in the running mean
GATHER_SECONDS = 0.03
"""For which a write waits that nobody needs at once, so that more is written with it."""
_ENOUGH = 8  # things that are written at once


@dataclass(frozen=True)
class Wanted:
    """What is to be done with a write besides what is in its batch.

    Attributes:
        intend: rows that are to be sent.
        new: how many rows are wanted that can be sent later.
        after: the last row that was read.
    """

    intend: list[int]
    new: int
    after: int


@dataclass(frozen=True)
class Written:
    """What came of a write.

    Attributes:
        payloads: the arguments as JSON of the rows whose intent is now on the disk.
        outcomes: how the rows ended whose answers are now on the disk.
        new: further rows that can be sent; None where none were wanted.
        contents: the files that have to be uploaded for these, for those that have any.
        ended: the rows whose end is now on the disk, and how they ended; None where a row is ``unknown``.
    """

    payloads: dict[int, str]
    outcomes: dict[int, Outcome]
    new: list[int] | None
    contents: dict[int, tuple[str, ...]]
    ended: list[tuple[int, Outcome | None]]


_NOTHING = Written({}, {}, None, {}, [])


@dataclass
class Batch:
    """What is written together.

    Attributes:
        done: what came of it.
        parsed: how rows ended whose answers are on the disk.
        answers: answers, each with the seconds that it took.
        submitted: rows that the queue has, each with its id and where to ask for it.
        outcomes: how rows ended that have no answer.
        lost: rows that may have been received.
        withdrawn: rows that were certainly not received.
        refused: how rows ended that are not sent.
        uploaded: the URLs of files.
    """

    done: "asyncio.Future[Written]"
    parsed: list[Outcome] = field(default_factory=list)
    answers: list[tuple[Answer, float | None]] = field(default_factory=list)
    submitted: list[tuple[int, str, dict[str, str]]] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    withdrawn: set[int] = field(default_factory=set)
    refused: list[Outcome] = field(default_factory=list)
    uploaded: list[Uploaded] = field(default_factory=list)

    @property
    def size(self) -> int:
        """How many things there are to write."""
        return len(self.parsed) + self._news

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not self.size

    @property
    def is_repeatable(self) -> bool:
        """Whether all of it could be made again of answers that are on the disk."""
        return not self._news

    @property
    def ended(self) -> list[tuple[int, Outcome | None]]:
        """The rows that end with it."""
        ends = (*self.parsed, *self.outcomes, *self.refused)
        return [*((each.number, each) for each in ends), *((each, None) for each in self.lost)]

    @property
    def _news(self) -> int:
        ends = len(self.answers) + len(self.outcomes) + len(self.lost) + len(self.refused)
        return ends + len(self.submitted) + len(self.withdrawn) + len(self.uploaded)


class Ledger:
    """Used on one event loop; it reads, writes and parses on a thread of its own.

    Args:
        journal: open for writing.
        engine: the name of the engine.
        uploads: says what takes the places of files in the arguments.
        wanted: says, just before each write, what else is to be done with it.
        wrote: called after each write.

    Attributes:
        batch: what the next write has.
        seconds: how long a write takes.
    """

    def __init__(
        self,
        journal: Journal,
        engine: str,
        uploads: RowUploads,
        wanted: Callable[[], Wanted],
        wrote: Callable[[Written], None],
    ) -> None:
        self._journal = journal
        self._endpoint = journal.header.endpoint
        self._engine = engine
        self._uploads = uploads
        self._wanted, self._wrote = wanted, wrote
        self._thread = WorkThread("fal_notebook journal")
        self._loop = asyncio.get_running_loop()
        self._has_news, self._is_urgent = asyncio.Event(), asyncio.Event()
        self._current: Batch | None = None  # being written
        self._failure: BaseException | None = None
        self._task = asyncio.create_task(self._keep())
        self.batch = Batch(self._loop.create_future())
        self.seconds = 0.005

    @property
    def is_settled(self) -> bool:
        """Whether everything is written, or nothing can be."""
        return self._failure is not None or (self.batch.is_empty and self._current is None)

    def check(self) -> None:
        """Raise the error for which nothing more can be written, if there is one."""
        if self._failure is not None:
            raise self._failure

    def look(self, *, is_urgent: bool = False) -> None:
        """Let it look whether there is something to write.

        Args:
            is_urgent: whether somebody needs it at once, and not a moment later together with more.
        """
        self._has_news.set()
        if is_urgent or self.batch.size >= _ENOUGH:
            self._is_urgent.set()

    async def write(self, *, is_urgent: bool = False) -> Written:
        """Wait until what is in the batch is on the disk, and its answers are parsed.

        Args:
            is_urgent: as for `look`.

        Raises:
            JournalError: it could not be written.
        """
        self.check()
        batch = self._current if self.batch.is_empty else self.batch
        self.look(is_urgent=is_urgent)
        return _NOTHING if batch is None else await asyncio.shield(batch.done)

    async def call(self, work: Callable[[Journal], Any]) -> Any:
        """Do something else with the journal, on the ledger's thread."""
        return await self._thread.call(lambda: work(self._journal))

    def parsed(self, answers: Iterable[tuple[Answer, float | None]]) -> dict[int, Outcome]:
        """How rows ended, of their answers."""
        return {answer.number: outcome_of(answer, self._endpoint, seconds) for answer, seconds in answers}

    def close(self, out: Collection[int]) -> None:
        """End the thread, and write what is left. It blocks, since everything else of the run has ended.

        No further `Written` comes.

        Args:
            out: rows that were given out, and of which nothing was told. They may have been received.
        """
        self._task.cancel()
        self._thread.close(_CLOSE_SECONDS)
        if self._failure is not None:
            return
        self.batch.withdrawn.clear()  # they are among those that were not given out
        with contextlib.suppress(JournalError), self._journal.transaction():
            self._commit(self.batch, Wanted([], 0, 0))
            held = self._journal.in_state("intent", _ALL)
            self._journal.withdraw([each for each in held if each not in out])
            self._journal.lost([each for each in held if each in out])

    async def _keep(self) -> None:
        while self._failure is None:
            await self._has_news.wait()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GATHER_SECONDS):
                    await self._is_urgent.wait()
            self._has_news.clear()
            self._is_urgent.clear()
            wanted = self._wanted()
            self.batch.uploaded += self._uploads.take()
            if self.batch.is_empty and not wanted.intend and not wanted.new:
                continue
            batch, self.batch = self.batch, Batch(self._loop.create_future())
            self._current = batch
            try:
                written = await self._thread.call(lambda batch=batch, wanted=wanted: self._write(batch, wanted))  # type: ignore[misc]
            except BaseException as exc:  # noqa: BLE001 - everyone who waits has to be told
                self._fail(exc, batch)
                return
            finally:
                self._current = None
            self.batch.parsed += written.outcomes.values()
            self.look()
            self._wrote(written)
            batch.done.set_result(written)

    def _fail(self, exc: BaseException, batch: Batch) -> None:
        self._failure = exc if isinstance(exc, Exception) else JournalError("the run was ended")
        for each in (batch, self.batch):
            if not each.done.done():
                each.done.set_exception(self._failure)
                each.done.exception()  # it was looked at: nobody need wait for it
        self._wrote(_NOTHING)

    # On the thread

    def _write(self, batch: Batch, wanted: Wanted) -> Written:
        began = time.monotonic()
        for pause in _PAUSES:
            try:
                self._commit(batch, wanted)
                break
            except JournalError:
                if not self._journal.may_write:
                    raise
                time.sleep(pause)
        else:
            self._commit(batch, wanted)
        self.seconds += _WEIGHT * (min(1.0, time.monotonic() - began) - self.seconds)
        asked = self._journal.arguments(wanted.intend)
        payloads = {number: self._uploads.message(encode(each), self._journal) for number, each in asked.items()}
        new = self._journal.in_state("new", wanted.new, wanted.after) if wanted.new else None
        contents = self._journal.contents_of(new) if new and self._uploads.is_needed else {}
        return Written(payloads, self.parsed(batch.answers), new, contents, batch.ended)

    def _commit(self, batch: Batch, wanted: Wanted) -> None:
        """Write a batch, in the order in which these things happen to a row."""
        if batch.is_empty and not wanted.intend:
            return
        is_light = batch.is_repeatable and not wanted.intend
        with self._journal.light_transaction() if is_light else self._journal.transaction():
            self._journal.submitted(batch.submitted)
            self._journal.answered(answer for answer, _ in batch.answers)
            self._journal.concluded([*batch.parsed, *batch.outcomes])
            self._journal.lost(batch.lost)
            self._journal.withdraw(list(batch.withdrawn))
            self._journal.refused(batch.refused, self._engine)
            self._journal.uploaded(batch.uploaded)
            self._journal.intend(wanted.intend, self._engine)
