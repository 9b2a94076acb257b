"""How long a request took and how much came."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Metrics:
    """How long a request took and how much came, in seconds and bytes.

    Attributes:
        connect: from the call until the arguments were sent: the wait for a free connection, or for a new one.
        time_to_first_byte: from the sending of the arguments until the first byte of the body.
        server_time_to_first_byte: the server's own measure of this time, from the end metadata.
        duration: from the call to the end of the response.
        bytes: the size of the body.
        events: the number of server-sent events in the body.
    """

    connect: float | None = None
    time_to_first_byte: float | None = None
    server_time_to_first_byte: float | None = None
    duration: float = 0.0
    bytes: int = 0
    events: int = 0
