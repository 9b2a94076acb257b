"""The frame splitter against websockets itself: both read the same messages, whatever a server sends, cut anywhere."""

from itertools import groupby, pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from websockets.frames import DATA_OPCODES, Frame, Opcode
from websockets.protocol import CLIENT, Protocol

from fal_notebook.wire.frames import FrameSplitter, Kind

MAX = 70_000
Message = tuple[bool, bytes]  # whether it is text, and its bytes


class Reader:
    """What a client reads: plain messages from the splitter where there is one, all else from websockets."""

    def __init__(self, splitter: FrameSplitter | None = None) -> None:
        self._splitter = splitter
        self._protocol = Protocol(CLIENT, max_size=MAX)
        self.plain = 0
        self.fragments: list[Message] = []
        self.controls: list[Opcode] = []

    def feed(self, data: bytes) -> None:
        if self._splitter is None:
            self._pass_on(data)
            return
        for kind, piece in self._splitter.feed(data):
            if kind is Kind.OTHER or self._protocol.close_expected():
                self._pass_on(bytes(piece))
            else:
                self.plain += 1
                self.fragments.append((kind is Kind.TEXT, bytes(piece)))

    @property
    def failure(self) -> str | None:
        return None if self._protocol.close_sent is None else str(self._protocol.close_sent)

    @property
    def answers(self) -> int:
        return len(self._protocol.data_to_send())

    def _pass_on(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        for frame in self._protocol.events_received():
            assert isinstance(frame, Frame)
            if frame.opcode in DATA_OPCODES:
                self.fragments.append((frame.opcode is Opcode.TEXT, bytes(frame.data)))
            else:
                self.controls.append(frame.opcode)


def joined(messages: list[Message]) -> list[Message]:
    """With binary messages that follow each other as one: a body may be cut anywhere."""
    groups = groupby(messages, key=lambda message: message[0])
    return [
        each for is_text, group in groups for each in (group if is_text else [(False, b"".join(d for _, d in group))])
    ]


def frame(opcode: Opcode, data: bytes, *, final: bool = True) -> bytes:
    return bytes(Frame(opcode, data, final).serialize(mask=False))


DATA = st.one_of(
    st.binary(max_size=8), st.sampled_from([bytes(125), bytes(126), bytes(300), bytes(65_536), bytes(MAX + 1)])
)
FRAMES = st.one_of(
    st.builds(frame, st.sampled_from([Opcode.TEXT, Opcode.BINARY]), DATA),
    st.builds(frame, st.sampled_from([Opcode.TEXT, Opcode.BINARY, Opcode.CONT]), DATA, final=st.booleans()),
    st.builds(frame, st.sampled_from([Opcode.PING, Opcode.PONG]), st.binary(max_size=125)),
    st.just(frame(Opcode.CLOSE, b"\x03\xe8bye")),
    st.binary(max_size=4),
)


BETWEEN = [
    frame(Opcode.TEXT, b"a", final=False),
    frame(Opcode.PING, b""),
    frame(Opcode.CONT, b"b"),
    frame(Opcode.TEXT, b"c"),
]


@example([b"\x82\xff"], [])
@example(BETWEEN, [])
@given(st.lists(FRAMES, max_size=8), st.lists(st.integers(0, 400), max_size=8))
def test_split_or_not_cut_or_not_a_stream_says_the_same(frames: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(frames)
    splitter = FrameSplitter(MAX)
    known, split = Reader(), Reader(splitter)
    known.feed(stream)
    for begin, end in pairwise([0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]):
        split.feed(stream[begin:end])
    assert joined(split.fragments) == joined(known.fragments)
    assert split.controls == known.controls
    is_whole = not splitter._held  # a frame that breaks a rule is passed on when it is whole
    assert split.failure == known.failure or not is_whole
    assert split.answers == known.answers or not is_whole


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, MAX])
def test_a_plain_message_of_any_size_is_split_off(size: int) -> None:
    for opcode, kind in ((Opcode.TEXT, Kind.TEXT), (Opcode.BINARY, Kind.BINARY)):
        assert FrameSplitter(MAX).feed(frame(opcode, bytes(size))) == [(kind, bytes(size))]


def test_binary_messages_that_come_together_are_joined_and_text_is_not() -> None:
    binary, text = frame(Opcode.BINARY, b"ab"), frame(Opcode.TEXT, b"c")
    assert FrameSplitter(MAX).feed(binary * 2 + text * 2 + binary + frame(Opcode.PING, b"") + binary) == [
        (Kind.BINARY, b"abab"),
        (Kind.TEXT, b"c"),
        (Kind.TEXT, b"c"),
        (Kind.BINARY, b"ab"),
        (Kind.OTHER, b"\x89\x00"),
        (Kind.BINARY, b"ab"),
    ]


def test_a_message_that_comes_byte_by_byte_is_one() -> None:
    splitter, stream = FrameSplitter(MAX), frame(Opcode.BINARY, bytes(300)) + frame(Opcode.TEXT, b"x")
    pieces = [piece for place in range(len(stream)) for piece in splitter.feed(stream[place : place + 1])]
    assert [len(piece) for _, piece in pieces] == [300, 1]


@pytest.mark.parametrize(
    "head", [b"\x82\x81", b"\xc2\x01", b"\x83\x01", b"\x09\x01"], ids=["masked", "rsv", "opcode", "ping"]
)
def test_what_is_not_plain_is_left_to_websockets(head: bytes) -> None:
    stream = head + b"\0\0\0\0a"
    pieces = FrameSplitter(MAX).feed(stream[: 2 + (4 if head[1] & 0x80 else 0) + 1])
    assert {kind for kind, _ in pieces} == {Kind.OTHER}


def test_a_message_beyond_the_limit_is_not_waited_for() -> None:
    ((kind, piece),) = FrameSplitter(MAX).feed(frame(Opcode.BINARY, bytes(MAX + 1))[:12])
    assert (kind, len(piece)) == (Kind.OTHER, 12)
