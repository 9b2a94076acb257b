"""One time of driving a run: from when it begins or goes on until nothing is left, it stops, or it is ended.

It has an I/O thread of its own, since the words of a cell that streams must not wait for ten thousand rows.
"""

import concurrent.futures
import contextlib
from collections.abc import Callable

from ..client.io_thread import IOThread
from ..client.sessions import Session
from ..errors import FalNotebookError, RequestError, bare
from .budget import Budget
from .conduct import Conduct
from .desk import Desk
from .engine import Engine
from .journal import Journal
from .row_uploads import RowUploads
from .stored import Outcome


class Drive:
    """Usable from any thread.

    Args:
        journal: open for writing; it is closed at the end.
        engine: sends the rows.
        budget: what they may cost.
        uploads: has their files uploaded.
        tell: called with each row's number and how it ended; None where it is ``unknown``.
        ended: called once, at the end, when the journal is closed.

    Attributes:
        error: why it ended before its time, if something failed.
        engine: the engine's name.
        journal: open for writing while it goes on.
    """

    def __init__(
        self,
        journal: Journal,
        engine: Engine,
        budget: Budget,
        uploads: RowUploads,
        tell: Callable[[int, Outcome | None], None],
        ended: Callable[[], None],
    ) -> None:
        self.error: FalNotebookError | None = None
        self.engine = engine.name
        self.journal = journal
        self._conduct = Conduct(engine.window(), budget)
        self._budget = budget
        self._uploads = uploads
        self._tell, self._ended = tell, ended
        self._desk: Desk | None = None
        self._io: IOThread | None = None
        self._session = Session()
        self._work: concurrent.futures.Future[None] = self._session.begin(lambda io: self._drive(io, engine))
        self._work.add_done_callback(lambda _: self._end())

    @property
    def reason(self) -> str:
        """Why nothing more is sent; empty where more is."""
        return self._conduct.reason

    @property
    def obstacle(self) -> str:
        """Why sending pauses; empty where it does not."""
        return self._conduct.obstacle

    @property
    def under_way(self) -> int:
        """How many requests are under way."""
        return self._conduct.under_way

    @property
    def uploading(self) -> int:
        """How many rows wait for the upload of their files."""
        return 0 if self._desk is None else self._desk.uploading

    def limit(self, dollars: float) -> None:
        """Let the whole run cost no more than this. Never waits."""
        self._budget.limit = dollars

    def stop(self, reason: str, *, cancels: bool = False) -> None:
        """Send nothing more; what is under way is taken to its end. Never waits.

        Args:
            reason: why, on one line.
            cancels: whether what stands in fal's queue is taken out of it.
        """
        self._conduct.stop(reason)
        if self._desk is not None:
            self._desk.stop_soon(reason, cancels=cancels)

    def cut(self) -> None:
        """End at once. What is under way may be worked on; its rows become ``unknown``."""
        self._work.cancel()

    async def _drive(self, _io: IOThread, engine: Engine) -> None:
        name, redaction = engine.name, engine.redaction
        desk = Desk(self.journal, self._conduct, name, redaction, self._uploads, lambda *end: self._tell(*end))
        self._desk = desk
        try:
            await desk.begin()
            await engine.work(desk)
        except FalNotebookError as exc:
            self.error = bare(exc, engine.redaction)
        except Exception as exc:  # noqa: BLE001 - it is told where the run is shown
            self.error = RequestError(f"the run ended: {type(exc).__name__}: {engine.redaction.text(str(exc))}")
        finally:
            desk.close()

    def _end(self) -> None:
        try:
            with contextlib.suppress(FalNotebookError):
                self.journal.close()
        finally:
            del self._session
            self._ended()
            self._tell, self._ended = _ignore, _ignore  # so that nothing here keeps the run


def _ignore(*_: object) -> None:
    """Do nothing."""
