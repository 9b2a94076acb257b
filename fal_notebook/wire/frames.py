"""Sans-I/O: a fast path for the plain frames of a WebSocket (RFC 6455, 5.2).

Nearly every frame of a response is a whole data message, neither masked nor compressed. Those of one read of the socket
are split off here together: the websockets library takes them one by one, which costs more than all later work on them.
Every other frame (control frames, fragments, compressed ones) goes to websockets unchanged. So does everything after a
frame that breaks a rule, so that websockets alone knows the rules and what follows when they are broken.
"""

import sys
from enum import Enum, auto

_FINAL = 0x80
_OPCODE = 0x0F
_DATA_OPCODES = (0, 1, 2)
_SHORT = 126  # a smaller length is the second byte itself; 126 and 127 say how many bytes of length follow it:
_LENGTH_BYTES = {126: 2, 127: 8}
_LONG_PAYLOAD = 1024  # bytes from which a view is cheaper than a copy
_MASKED = 128  # the least second byte of a masked frame; a server's frames are never masked


class Kind(Enum):
    """What a piece of the byte stream is.

    TEXT: a plain text message. BINARY: plain binary messages in a row, joined. OTHER: a frame for websockets.
    """

    TEXT = auto()
    BINARY = auto()
    OTHER = auto()


Piece = tuple[Kind, bytes]
_WHOLE_TEXT, _WHOLE_BINARY = 0x81, 0x82  # the first byte of a frame that is a whole, plain message


class FrameSplitter:
    """Splits what a server sends, from the start of a frame on.

    Args:
        max_size: the most bytes that a plain message may have.
    """

    def __init__(self, max_size: int) -> None:
        self._max_size = max_size
        self._held: list[bytes] = []
        self._missing_bytes = 0
        self._in_fragments = False
        self._gave_up = False

    def feed(self, data: bytes) -> list[Piece]:
        """Take the next bytes and return what they complete, in order."""
        pieces: list[Piece] = []
        binary: list[bytes | memoryview] = []
        at = 0
        while self._held and at < len(data):
            part = data[at : at + self._missing_bytes]
            at += len(part)
            self._held.append(part)
            self._missing_bytes -= len(part)
            if not self._missing_bytes:
                whole, self._held = b"".join(self._held), []
                self._split(whole, 0, pieces, binary)
        self._split(data, at, pieces, binary)
        return pieces + _joined(binary)

    def _split(self, data: bytes, at: int, pieces: list[Piece], binary: list[bytes | memoryview]) -> None:
        """Split the data from a place on: payloads of binary messages go to ``binary``, all else to ``pieces``."""
        size, view = len(data), memoryview(data)
        while at < size:
            begin = at + 2
            end = begin + (data[at + 1] if begin <= size else 0)
            if end - begin >= _SHORT:
                begin, end = _long_payload(data, at)
            if self._gave_up or end - begin > self._max_size:
                self._gave_up, end = True, size
            elif end > size:
                self._held, self._missing_bytes = [data[at:]], end - size
                return
            elif data[at] == _WHOLE_BINARY and not self._in_fragments:
                binary.append(data[begin:end] if end - begin < _LONG_PAYLOAD else view[begin:end])
                at = end
                continue
            pieces += _joined(binary)
            binary.clear()
            is_text = data[at] == _WHOLE_TEXT and not self._in_fragments and not self._gave_up
            pieces.append((Kind.TEXT, data[begin:end]) if is_text else self._other(data[at:end]))
            at = end

    def _other(self, frame: bytes) -> Piece:
        """A frame for websockets. If it is a fragment, no frame is plain until the last fragment has come."""
        if frame[0] & _OPCODE in _DATA_OPCODES:
            self._in_fragments = not frame[0] & _FINAL
        return Kind.OTHER, frame


def _joined(binary: list[bytes | memoryview]) -> list[Piece]:
    return [(Kind.BINARY, b"".join(binary))] if binary else []


def _long_payload(data: bytes, at: int) -> tuple[int, int]:
    """Begin and end of a payload whose length is in further bytes; both are the end of these until they have come.

    A masked frame, which no server may send, counts as longer than any limit.
    """
    code = data[at + 1]
    if code >= _MASKED:
        return at, sys.maxsize
    begin = at + 2 + _LENGTH_BYTES[code]
    return begin, begin + (int.from_bytes(data[at + 2 : begin]) if begin <= len(data) else 0)
