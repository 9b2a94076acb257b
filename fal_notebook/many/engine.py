"""What an engine is: the part of a run that sends rows, and brings back what became of them.

There are two: `sockets_engine`, over the library's own connections, and `queue_engine`, over fal's queue. An engine
knows how a row is sent. It decides neither which row is sent next, nor when, and it writes to no journal: for both it
has a `desk.Desk`, which asks the `conduct` and groups the writes. So an engine is about this::

    async def work(self, desk: Desk) -> None:
        async with asyncio.TaskGroup() as rows:
            for found in desk.resumed:                    # the queue has them since before a restart
                rows.create_task(self._fetch(desk, found.number, found.request_id, found.links))
            async for order in desk.orders():             # ends when nothing is left to send, and nothing under way
                rows.create_task(self._send(desk, order))

    async def _send(self, desk: Desk, order: Order) -> None:
        …                                                 # one POST of order.payload; then exactly one of these:
        desk.refused(order.number, wait)                  # 429: it was certainly not worked on, and is sent again
        desk.not_sent(order.number, "no connection")      # certainly nothing was sent; it is sent again
        desk.lost(order.number, "the connection closed")  # it may have been received: never sent again by itself
        await desk.answered(Answer(order.number, status, headers, body), seconds)
        await desk.failed(order.number, status, "why", …) # it ended without an answer that could be stored
        await desk.cancelled(order.number)                # it was taken out of the queue, unbilled
        desk.stopped(order.number, "404: no such …")      # it was certainly not worked on, and no other would be

An order counts as under way, and takes a place in the window, from when it is given out until one of these is called.
On the way, the queue's engine stores ``await desk.submitted(number, request_id, links)``; what is in ``desk.resumed``
counts as under way, too, and ends in the same ways. What was ``unknown`` and is found in fal's list of requests begins
with ``desk.found(number, request_id, links)``, or ends at once with ``desk.answered``.

The intent of an order is on the disk when it is given out, and an answer is on the disk before it is parsed. What is
awaited is on the disk when it returns. `work` runs on the event loop of the run's own I/O thread, and must not block
it. It returns when `Desk.orders` has ended; if its task is cancelled, it has to end within some seconds, without
waiting for answers. An exception that it raises ends the run, and stands in its line.
"""

from typing import TYPE_CHECKING, Literal, Protocol

from ..safety.redaction import Redaction
from ..wire.target import Target
from .window import Window

if TYPE_CHECKING:
    from .desk import Desk

EngineName = Literal["sockets", "queue"]


class Engine(Protocol):
    """Sends the rows of one run. Made on the user's thread, where it looks up the key; used by one run.

    Its constructor takes the endpoint, ``base_url`` and ``timeout`` as `Session.stream` does, and raises
    `InvalidRequest` or `CredentialsError` where nothing could be sent.

    Attributes:
        name: what the journal calls it.
        target: where the rows are sent.
        redaction: takes the key out of all that is stored and shown.
    """

    name: EngineName
    target: Target
    redaction: Redaction

    def window(self) -> Window:
        """A new window, with the most requests that may ever be under way."""
        ...

    async def work(self, desk: "Desk") -> None:
        """Send all rows that the desk gives out; see the head of this module.

        Raises:
            FalNotebookError: nothing more can be sent or stored.
        """
        ...
