"""A run: many requests that go on in the background, and the table that comes of them."""

import contextlib
import shutil
import sys
import threading
import time
import weakref
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from ..client.inbox import Inbox
from ..client.interrupts import Interrupts
from ..client.sessions import session
from ..client.uploads import Uploads
from ..client.waiting import check_asyncio, wait
from ..errors import FalNotebookError, InvalidRequest
from ..render.bundles import Bundle
from .budget import Budget
from .drive import Drive
from .engine import Engine
from .journal import Journal
from .journal_view import JournalView
from .progress import CANCELLED, INTERRUPTED, Progress, Standing
from .records import fact_names, record
from .registry import register
from .row_states import State
from .row_uploads import RowUploads
from .setup import Setup, checked
from .stored import Outcome
from .summary import summary_bundle
from .table import Table
from .terminal_line import terminal_line

PATIENCE = 1.0  # seconds of a wait, after which it is shown how the run stands
_TICK = 0.5  # seconds between two looks at how the run stands


class Run(Table):
    """Many requests, as `map` and `attach` return them. They go on in the background; usable from any thread.

    It is iterated in the order in which its rows end; `records` and indexing have the order that went in. If the
    program ends, or is killed, `attach` goes on with exactly what is missing.

    Args:
        path: the journal.
        setup: how its rows are sent.
        folder: the temporary folder with the journal, which is removed with the run.

    Attributes:
        path: the journal, a file that has everything.
        is_kept: whether the journal stays when the program ends.
    """

    def __init__(self, path: Path, setup: Setup, folder: Path | None = None) -> None:
        self.path = path
        self.is_kept = folder is None
        self._setup = setup
        super().__init__(JournalView.open(path))
        self._endpoint = self._view.header.endpoint
        self._progress = Progress(self._endpoint, self._view.counts(), self._view.cost())
        self._lock = threading.RLock()
        self._drive: Drive | None = None
        self._reason = ""
        self._error: FalNotebookError | None = None
        self._listeners: list[tuple[Inbox[int | None], bool]] = []
        self.put_away = weakref.finalize(self, _put_away, self._view, folder)
        self.put_away.atexit = False  # type: ignore[misc]  # it can be set; `_end_at_exit` does it, after the run's end
        register(path, self)

    # Sending

    def begin(self, journal: Journal, engine: Engine) -> None:
        """Send what is missing.

        Args:
            journal: the run's journal, open for writing.
            engine: sends the rows.
        """
        with self._lock:
            journal.retry("cancelled")
            if self._setup.budget is not None:
                journal.keep_setting("budget", repr(float(self._setup.budget)))
            self._reason, self._error = "", None
            self._progress = Progress(self._endpoint, journal.counts(), spent := journal.cost())
            price = self._setup.price
            unsaid = 0.0 if price is None else price * journal.without_cost()  # as the budget counted it before
            budget = Budget(self._setup.budget, spent=spent + unsaid, price=price)
            uploads = RowUploads(engine.target, self._setup.upload)
            if uploads.is_needed and journal.has_files:
                session().companion(Uploads).tell_once()
            self._drive = Drive(journal, engine, budget, uploads, self._take, self._end)

    def resume(self, budget: float | None = None) -> Self:
        """Go on with what is missing, after `cancel`, an interrupt, or a stop; then what is under way is waited for.

        Args:
            budget: US dollars for the whole run, with what was spent before; None for that of before, ``inf`` for none.

        Raises:
            InvalidRequest: the budget is none.
            JournalError: another kernel drives the run.
            CredentialsError: no key was found.
        """
        if self.standing.reason:
            self.settle()
        if budget is not None:
            with self._lock:
                self._setup = replace(self._setup, budget=checked("budget", budget, 0))
                if self._drive is not None:
                    self._drive.limit(budget)
        return self._go_on(())

    def retry(self, *, failed: bool = False, unknown: bool = False) -> Self:
        """Send rows again, which may be billed again, and go on with what is missing.

        Args:
            failed: those that failed.
            unknown: those of which nobody knows whether they were received.

        Raises:
            InvalidRequest: neither was asked for, or the run still goes on.
            JournalError: another kernel drives the run.
        """
        states: list[State] = [*(["failed"] if failed else []), *(["unknown"] if unknown else [])]  # type: ignore[list-item]
        if not states:
            raise InvalidRequest("nothing to send again", hint="say which rows: failed=True, unknown=True, or both")
        if self.is_running:
            raise InvalidRequest("the run still goes on", hint="wait() for its end, or cancel() it, then retry")
        return self._go_on(tuple(states))

    def cancel(self) -> None:
        """Send nothing more. What is under way, and so paid for, is taken to its end. `resume` goes on.

        What stands in fal's queue and is not at work is taken out of it.
        """
        self.stop(CANCELLED, cancels=True)

    @property
    def journal(self) -> Journal | None:
        """The journal, open for writing, while the run goes on."""
        return None if (drive := self._drive) is None else drive.journal

    def note(self, reason: str) -> None:
        """Tell why the run does not go on."""
        self._reason = reason

    @property
    def stopped(self) -> str:
        """Why the run stopped before its end, on one line; empty where it goes on, or has come to its end."""
        return "" if self.is_running else self._reason

    @property
    def is_running(self) -> bool:
        """Whether rows are under way or still to be sent."""
        return self._drive is not None

    @property
    def standing(self) -> Standing:
        """How the run stands: counts, rate, what was spent."""
        drive, progress = self._drive, self._progress
        reason = self._reason or (drive.reason if drive is not None else "")
        return progress.standing(
            under_way=drive.under_way if drive is not None else 0,
            is_running=drive is not None,
            reason=reason,
            notes=self._notes,
        )

    # Waiting

    def wait(self, timeout: float | None = None) -> Self:
        """Wait until nothing is left, or the run stops; an interrupt stops it, and `resume` goes on.

        Args:
            timeout: seconds after which the wait ends; the run goes on.

        Raises:
            JournalError: the journal cannot be written any more.
            FalNotebookError: nothing more can be sent.
        """
        return self._wait_for_end(timeout, PATIENCE)

    def settle(self) -> None:
        """Wait for the end of a run that is about to stop. It leaves nothing in the output. Errors: see `wait`."""
        self._wait_for_end(None, PATIENCE, stays=False)

    def __await__(self) -> Generator[Any, None, Self]:
        return self._await_end().__await__()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Each row's record as soon as the row has ended; first those that have ended already."""
        with self._listening(rows=True) as inbox:
            names, told, is_first, is_last = fact_names(self._view), bytearray(len(self)), True, False
            while not is_last:
                is_last = not self.is_running
                numbers = [each for each in inbox.take() if each is not None]
                if is_first or is_last:  # at the end also those of which no word came
                    numbers, is_first = [*self._ended(), *numbers], False
                for number in numbers:
                    if not told[number]:
                        told[number] = 1
                        yield record(self._view.row(number), names)
                if not is_last:
                    self._wait(inbox, _TICK)
        self._tell_stop()
        self._check()

    def __repr__(self) -> str:
        return f"<Run {self.standing.words}>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Bundle:
        return summary_bundle(self._view, self.standing)

    # How it works

    @property
    def _notes(self) -> tuple[str, ...]:
        drive = self._drive
        notes = [f"tries again: {drive.obstacle}"] if drive is not None and drive.obstacle and not drive.reason else []
        if drive is not None and drive.uploading:
            notes.append(f"{drive.uploading:,} rows wait for the upload of their files")
        notes += [] if self._view.is_whole else ["not all rows were read: call fal.map again with all of them"]
        return (*notes, *([] if self.is_kept else ['kept until this program ends: to="NAME.fal" keeps it']))

    def _go_on(self, states: tuple[State, ...]) -> Self:
        with self._lock:
            if self.is_running:
                return self
            engine = self._setup.make_engine(self._endpoint)
            journal = Journal.drive(self.path, None, engine.redaction)
            try:
                journal.retry(*states)
                self.begin(journal, engine)
            except BaseException:
                journal.close()
                raise
        return self

    def stop(self, reason: str, *, cancels: bool = False) -> None:
        """Send nothing more, for a reason on one line; see `cancel`."""
        if (drive := self._drive) is not None:
            drive.stop(reason, cancels=cancels)

    def cut(self) -> None:
        """End at once; what is under way becomes ``unknown``."""
        if (drive := self._drive) is not None:
            drive.cut()

    def _take(self, number: int, outcome: Outcome | None) -> None:
        """Take note that a row has ended, and that the journal has it. On the I/O thread."""
        self._progress.take(number, outcome)
        for inbox, is_for_rows in list(self._listeners):
            if is_for_rows:
                inbox.put(number)

    def _end(self) -> None:
        """Take note that nothing more is sent. On the I/O thread."""
        drive = self._drive
        if drive is not None:
            self._reason, self._error = drive.reason, drive.error
            if drive.error is not None:
                self._reason = drive.error.words
        self._drive = None
        for inbox, _ in list(self._listeners):
            inbox.put(None)

    def _check(self) -> None:
        if self._error is not None and not self.is_running:
            raise self._error

    def _ended(self) -> Iterator[int]:
        """The rows that have ended, those first that ended first; at the end those that are ``unknown``."""
        yield from self._view.ended()

    def _tell_stop(self) -> None:
        """Tell why the run stopped before its end, if it did, as `wait` does."""
        if self.standing.reason:
            with self._watching(sys.float_info.max, stays=True):
                pass

    def _watching(self, patience: float, *, stays: bool) -> "contextlib.AbstractContextManager[Callable[[], None]]":
        """What is shown while a caller waits, from so many seconds on; it is called to look how the run stands."""
        return terminal_line(lambda: self.standing, patience, stays=stays)

    def _wait_for_end(self, timeout: float | None, patience: float, *, stays: bool = True) -> Self:
        """`wait`, which shows how the run stands from so many seconds on, and may leave the last of it."""
        end = None if timeout is None else time.monotonic() + timeout
        with Interrupts() as interrupts:  # none may come while the table is being sent to the page
            with self._listening(rows=False) as inbox, self._watching(patience, stays=stays) as look:
                while self.is_running and not interrupts.is_held and (end is None or time.monotonic() < end):
                    look()
                    seconds = _TICK if end is None else min(_TICK, max(0.0, end - time.monotonic()))
                    try:
                        with interrupts.let_through():
                            wait(inbox, seconds, nested=session().nested)
                    except KeyboardInterrupt:
                        raise self._interrupted() from None
                    inbox.take()
            if interrupts.is_held:
                interrupts.is_held = False
                raise self._interrupted()
        self._check()
        return self

    @contextlib.contextmanager
    def _listening(self, *, rows: bool) -> Iterator[Inbox[int | None]]:
        inbox: Inbox[int | None] = Inbox()
        listener = (inbox, rows)
        self._listeners.append(listener)
        try:
            yield inbox
        finally:
            self._listeners.remove(listener)

    def _wait(self, inbox: Inbox[int | None], seconds: float | None) -> None:
        try:
            wait(inbox, seconds, nested=session().nested)
        except KeyboardInterrupt:
            raise self._interrupted() from None

    def _interrupted(self) -> KeyboardInterrupt:
        """Stop sending, and return a ``KeyboardInterrupt``, which stops Run All, that is shown in one line."""
        self.stop(INTERRUPTED)
        how = "the same call again, or run.resume()," if self.is_kept else "run.resume()"
        interrupt = KeyboardInterrupt(f"{self.standing.words} · {how} goes on")
        setattr(interrupt, "_render_traceback_", lambda: [f"KeyboardInterrupt: {interrupt}"])  # noqa: B010 - for IPython
        return interrupt

    async def _await_end(self) -> Self:
        check_asyncio()
        with self._listening(rows=False) as inbox:
            while self.is_running:
                try:
                    await inbox.wait_async(_TICK)
                except BaseException:
                    self.stop(INTERRUPTED)
                    raise
                inbox.take()
        self._tell_stop()
        self._check()
        return self


def _put_away(view: JournalView, folder: Path | None) -> None:
    view.close()
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
