"""Sans-I/O: the plain frames of a WebSocket, told apart from all others (RFC 6455, 5.2).

Nearly every frame of a response is a whole data message, neither masked nor compressed. Those are split off here, all
that one read of the socket brought at a time; websockets takes each by itself, which costs more than all that is done
with it later. Every other frame (control frames, fragments, compressed ones) is passed on to websockets as it came,
and so is all that follows a frame that breaks a rule: what the rules are, and what becomes of it, stays its own.
"""

import sys
from enum import Enum, auto

_FINAL = 0x80
_OPCODE = 0x0F
_DATA_OPCODES = (0, 1, 2)
_SHORT = 126  # a length below stands in the second byte; else that many bytes follow:
_LENGTH_BYTES = {126: 2, 127: 8}
_LONG = 1024  # bytes that take longer to copy than a view of them takes to make
_MASKED = 128  # no frame of a server is


class Kind(Enum):
    """What a piece of the byte stream is.

    TEXT: a plain text message. BINARY: plain binary messages one behind the other, joined. OTHER: for websockets.
    """

    TEXT = auto()
    BINARY = auto()
    OTHER = auto()


Piece = tuple[Kind, bytes]
_TEXT, _BINARY = 0x81, 0x82  # a first byte: the whole message, plain


class FrameSplitter:
    """Splits what a server sends, from the start of a frame on.

    Args:
        max_size: the most bytes that a plain message may have.
    """

    def __init__(self, max_size: int) -> None:
        self._max_size = max_size
        self._held: list[bytes] = []
        self._missing = 0
        self._in_fragments = False
        self._gave_up = False

    def feed(self, data: bytes) -> list[Piece]:
        """Take the next bytes and return what they complete, in order."""
        pieces: list[Piece] = []
        binary: list[bytes | memoryview] = []
        at = 0
        while self._held and at < len(data):
            part = data[at : at + self._missing]
            at += len(part)
            self._held.append(part)
            self._missing -= len(part)
            if not self._missing:
                whole, self._held = b"".join(self._held), []
                self._split(whole, 0, pieces, binary)
        self._split(data, at, pieces, binary)
        return pieces + _joined(binary)

    def _split(self, data: bytes, at: int, pieces: list[Piece], binary: list[bytes | memoryview]) -> None:
        """Add what stands in the data from a place on: binary messages to ``binary``, all else to ``pieces``."""
        size, view = len(data), memoryview(data)
        while at < size:
            begin = at + 2
            end = begin + (data[at + 1] if begin <= size else 0)
            if end - begin >= _SHORT:
                begin, end = _longer(data, at)
            if self._gave_up or end - begin > self._max_size:
                self._gave_up, end = True, size
            elif end > size:
                self._held, self._missing = [data[at:]], end - size
                return
            elif data[at] == _BINARY and not self._in_fragments:
                binary.append(data[begin:end] if end - begin < _LONG else view[begin:end])
                at = end
                continue
            pieces += _joined(binary)
            binary.clear()
            is_text = data[at] == _TEXT and not self._in_fragments and not self._gave_up
            pieces.append((Kind.TEXT, data[begin:end]) if is_text else self._other(data[at:end]))
            at = end

    def _other(self, frame: bytes) -> Piece:
        """A frame for websockets; between the fragments of a message no other message is a plain one."""
        if frame[0] & _OPCODE in _DATA_OPCODES:
            self._in_fragments = not frame[0] & _FINAL
        return Kind.OTHER, frame


def _joined(binary: list[bytes | memoryview]) -> list[Piece]:
    return [(Kind.BINARY, b"".join(binary))] if binary else []


def _longer(data: bytes, at: int) -> tuple[int, int]:
    """Begin and end of a payload whose length has bytes of its own; where they have not come, the end is theirs.

    A masked frame, which no server may send, is longer than any limit.
    """
    code = data[at + 1]
    if code >= _MASKED:
        return at, sys.maxsize
    begin = at + 2 + _LENGTH_BYTES[code]
    return begin, begin + (int.from_bytes(data[at + 2 : begin]) if begin <= len(data) else 0)
