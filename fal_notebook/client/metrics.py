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
        thinking: from the first piece of the model's reasoning until the answer's first words or file; None if the
            endpoint sends no reasoning, or sends it together with the answer.
    """

    connect: float | None = None
    time_to_first_byte: float | None = None
    server_time_to_first_byte: float | None = None
    duration: float = 0.0
    bytes: int = 0
    events: int = 0
    thinking: float | None = None
