"""Works the queue off: so many requests at once, each again after 503 and 504, as fal's platform does.

A request's state is in the store; here is only what cannot outlive the process: the line, the timers, and the calls at
work.
"""

import asyncio
import logging
import sqlite3
import time

from fal_notebook.local.asgi import ASGIApp
from fal_notebook.local.hangup import run_while_wanted
from fal_notebook.local.queue_line import Line
from fal_notebook.local.queue_requests import Answer, Submission
from fal_notebook.local.queue_run import (
    Logs,
    QueueCall,
    cancelled_in_line,
    collect_records,
    is_lost,
    not_started_in_time,
)
from fal_notebook.local.queue_settings import Working
from fal_notebook.local.queue_store import QueueStore
from fal_notebook.local.queue_webhook import tell

logger = logging.getLogger(__name__)

_LONGEST_PAUSE_SECONDS = 30.0


class Runner:
    """Calls the application for the requests of a store. Used on the server's event loop only.

    Args:
        app: the application.
        store: the requests.
        how: limits and pauses.
    """

    def __init__(self, app: ASGIApp, store: QueueStore, how: Working) -> None:
        self._app, self._store, self._how = app, store, how
        self._line = Line()
        self._pauses: dict[str, asyncio.TimerHandle] = {}
        self._deadlines: dict[str, asyncio.TimerHandle] = {}
        self._working: dict[str, asyncio.Future[None]] = {}
        self._logs: dict[str, Logs] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def begin(self) -> None:
        """Begin with what the store has, unless it has begun already on this event loop."""
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return
        self._loop = loop
        self._line = Line()
        for kept in (self._pauses, self._deadlines, self._working, self._logs):
            kept.clear()
        collect_records()
        self._store.queue_anew()
        for request_id, low, deadline in self._store.unfinished():
            self._line.add(request_id, low=low)
            self._watch(request_id, deadline)
        self._fill()

    def end(self) -> None:
        """Begin nothing more; what is at work stays in progress in the store."""
        self._loop = None
        for timer in (*self._pauses.values(), *self._deadlines.values()):
            timer.cancel()

    def add(self, asked: Submission) -> int:
        """Let a stored request wait for its turn, and return how many are ahead of it."""
        self._line.add(asked.request_id, low=asked.low)
        self._watch(asked.request_id, asked.deadline)
        position = self._line.position(asked.request_id)
        self._fill()
        return position

    def waiting(self) -> int:
        """Return how many requests wait."""
        return len(self._line) + len(self._pauses)

    def position(self, request_id: str) -> int:
        """Return how many requests are ahead of a waiting one."""
        return self._line.position(request_id)

    def logs(self, request_id: str) -> str | None:
        """Return what a request at work has logged so far, as JSON; None if it is not at work."""
        logs = self._logs.get(request_id)
        return None if logs is None else logs.json()

    def cancel(self, request_id: str) -> None:
        """End a request that waits at once, and one that is at work as soon as the application lets itself be ended."""
        gone = self._working.get(request_id)
        if gone is None:
            self._end_waiting(request_id, cancelled_in_line())
        elif not gone.done():
            gone.set_result(None)

    def _end_waiting(self, request_id: str, answer: Answer) -> None:
        pause = self._pauses.pop(request_id, None)
        if pause is not None:
            pause.cancel()
        if self._line.remove(request_id) or pause is not None:
            asked, _, logs = self._store.submission(request_id)
            self._finish(asked, answer, logs)

    def _watch(self, request_id: str, deadline: float | None) -> None:
        if deadline is not None:
            later = asyncio.get_running_loop().call_later
            self._deadlines[request_id] = later(
                max(0.0, deadline - time.time()), self._end_waiting, request_id, not_started_in_time()
            )

    def _fill(self) -> None:
        """Begin as many requests as may be at work."""
        while self._loop and len(self._working) < self._how.concurrency and (request_id := self._line.take()):
            loop = asyncio.get_running_loop()
            gone = self._working[request_id] = loop.create_future()
            task = loop.create_task(self._work(request_id, gone))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _work(self, request_id: str, gone: "asyncio.Future[None]") -> None:
        try:
            await self._work_on(request_id, gone)
        except sqlite3.Error:  # the disk is full: nothing is known of this run, and the request is run once more
            logger.exception("The queue's file cannot be written; request %s waits anew", request_id)
            self._pause(request_id, _LONGEST_PAUSE_SECONDS, low=False)
        self._fill()

    async def _work_on(self, request_id: str, gone: "asyncio.Future[None]") -> None:
        try:
            asked, runs, earlier = self._store.begin(request_id, time.time())
            logs = self._logs[request_id] = Logs(earlier)
            answer = await self._call(asked, gone, logs)
        except asyncio.CancelledError:  # the server ends: the request stays in progress in the store
            self.end()
            raise
        finally:
            self._working.pop(request_id, None)
            self._logs.pop(request_id, None)
        if is_lost(answer) and asked.retried and runs <= self._how.retries and not gone.done():
            self._try_again(asked, runs, logs)
        else:
            self._finish(asked, answer, logs.json())

    async def _call(self, asked: Submission, gone: "asyncio.Future[None]", logs: Logs) -> Answer:
        call = QueueCall(asked)
        logs.collect()
        work = await run_while_wanted(self._app, call, gone)
        error = None if work.cancelled() else work.exception()
        if error is not None:
            logger.error("The application failed on %r", call.scope["path"], exc_info=error)
        if not gone.done():
            await call.close()
        return call.answer(error)

    def _try_again(self, asked: Submission, runs: int, logs: Logs) -> None:
        logs.add(f"The request is tried again ({runs} of {self._how.retries})", "INFO")
        self._store.wait_again(asked.request_id, logs.json())
        pause = min(self._how.retry_seconds * 2 ** (runs - 1), _LONGEST_PAUSE_SECONDS)
        self._pause(asked.request_id, pause, low=asked.low)

    def _pause(self, request_id: str, seconds: float, *, low: bool) -> None:
        later = asyncio.get_running_loop().call_later
        self._pauses[request_id] = later(seconds, self._end_pause, request_id, low)

    def _end_pause(self, request_id: str, low: bool) -> None:  # noqa: FBT001  # a timer gives no keywords
        del self._pauses[request_id]
        self._line.add(request_id, low=low)
        self._fill()

    def _finish(self, asked: Submission, answer: Answer, logs: str) -> None:
        self._store.finish(asked.request_id, answer, time.time(), logs)
        deadline = self._deadlines.pop(asked.request_id, None)
        if deadline is not None:
            deadline.cancel()
        if asked.webhook is not None:
            task = asyncio.get_running_loop().create_task(tell(asked.webhook, asked.request_id, answer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
