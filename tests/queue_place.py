"""A queue on this machine that a test can let fail, and an app behind it that does what it is asked for."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fal_notebook.local.asgi import ASGIApp
from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.queue import LocalQueue, WithQueue
from fal_notebook.local.queue_faults import FaultyQueue
from fal_notebook.local.queue_settings import Working
from fal_notebook.local.server import LocalServer

from .conftest import KEY
from .local.queues import Echo


class QueuePlace:
    """The queue, the faults before it, and the app behind it; `url` is that of the gateway."""

    def __init__(self, file: Path | None = None, **options: Any) -> None:
        self.echo = Echo()
        self.app: ASGIApp = options.pop("app", self.echo)
        working = options.pop("working", Working(concurrency=1, retry_seconds=0.01))
        self.queue = LocalQueue(self.app, file, key=KEY, working=working, **options)
        self.faults = FaultyQueue(self.queue)
        self.url = ""

    @property
    def submitted(self) -> int:
        return self.queue.bill().submitted

    def renew(self) -> None:
        """Let nothing fail any more, and no call wait."""
        self.faults.mend()
        self.echo.released = True


@contextmanager
def queue_place(file: Path | None = None, **options: Any) -> Iterator[QueuePlace]:
    place = QueuePlace(file, **options)
    try:
        with LocalServer(WithQueue(HTTPOverWebSocket(place.app), place.faults)) as server:  # type: ignore[arg-type]
            place.url = server.url
            yield place
            place.renew()
    finally:
        place.queue.close()
