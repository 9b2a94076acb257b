"""A network with a delay between the clients and the server: a process that forwards TCP and knows nothing above it.

Every byte arrives half a round trip after it was sent, however many bytes there are. TCP's own handshake would take a
round trip, so what a client sends before that time has passed is held back until then. A TLS handshake takes its round
trips without further help. Threads are used because they sleep more exactly than an event loop, which sleeps whole
milliseconds here.
"""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection as Pipe
from queue import SimpleQueue
from threading import Thread
from typing import Any

from .process import in_process
from .server import Ports

Pieces = SimpleQueue[tuple[float, bytes]]


@contextmanager
def delayed(ports: Ports, round_trip: float) -> Iterator[Ports]:
    """Ports that lead to the given ports through a network with this round trip in seconds."""
    with in_process(_main, ports, round_trip / 2) as away:
        yield away


def _main(pipe: "Pipe[Any, Any]", ports: Ports, delay: float) -> None:
    targets = (ports.websocket, ports.http)
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in targets]
    threads = [
        Thread(target=_accept, args=(listener, target, delay))
        for listener, target in zip(listeners, targets, strict=True)
    ]
    for thread in threads:
        thread.start()
    pipe.send(Ports(*(listener.getsockname()[1] for listener in listeners)))


def _accept(listener: socket.socket, target: int, delay: float) -> None:
    while True:
        client, _ = listener.accept()
        opened = time.monotonic() + 2 * delay
        server = socket.create_connection(("127.0.0.1", target))
        for source, sink in ((client, server), (server, client)):
            sink.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pieces: Pieces = SimpleQueue()
            Thread(target=_read, args=(source, pieces, opened, delay)).start()
            Thread(target=_write, args=(sink, pieces)).start()


def _read(source: socket.socket, pieces: Pieces, opened: float, delay: float) -> None:
    data = b"first"
    while data:
        try:
            data = source.recv(65_536)
        except OSError:
            data = b""
        pieces.put((max(time.monotonic(), opened) + delay, data))


def _write(sink: socket.socket, pieces: Pieces) -> None:
    with suppress(OSError):
        while True:
            due, data = pieces.get()
            time.sleep(max(0.0, due - time.monotonic()))
            if not data:
                sink.shutdown(socket.SHUT_WR)
                return
            sink.sendall(data)
