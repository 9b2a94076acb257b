"""The WebSocket alone, over real sockets: it hands over every message, whatever frames a server sends it in."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.frames import Frame, Opcode

from fal_notebook.wire.target import Target
from fal_notebook.wire.upgrade import open_websocket
from fal_notebook.wire.websocket import Closed, Message, WebSocket, is_incoming_too_big, is_outgoing_too_big

from ..scripted import ScriptedServer

Script = Callable[[ServerConnection], Awaitable[None]]


async def heard(
    script: Script, compression: str | None = None, max_size: int = 1_000_000
) -> tuple[list[Message], Closed]:
    """What comes over a WebSocket until it closes, and how it closed."""
    messages: list[Message] = []
    closed: asyncio.Future[Closed] = asyncio.get_running_loop().create_future()
    with ScriptedServer(script, compression=compression) as server:
        websocket = await open_websocket(Target("a/b", f"{server.url}/a/b"), max_size=max_size, open_timeout=10)
        websocket.attach(lambda new: messages.extend(map(own, new)), closed.set_result)
        async with asyncio.timeout(10):
            how = await closed
        assert not websocket.is_open
    return messages, how


def own(message: Message) -> Message:
    """A message that outlives the read that it came with."""
    return message if isinstance(message, str) else bytes(message)


def pieces(*parts: bytes | str) -> Callable[[], AsyncIterator[bytes | str]]:
    async def each() -> AsyncIterator[bytes | str]:
        for part in parts:
            yield part

    return each


@pytest.mark.parametrize("compression", [None, "deflate"])
def test_messages_come_in_order_whatever_frames_they_are_in(compression: str | None) -> None:
    async def script(connection: ServerConnection) -> None:
        await connection.send("text ü")
        await connection.send(b"\x00binary")
        await connection.send(pieces("in ", "frag", "ments ü")())
        await connection.ping()
        await connection.send(pieces(b"a", b"b", b"")())
        await connection.send(bytes(300_000))
        await connection.send("last")

    messages, closed = asyncio.run(heard(script, compression))
    assert messages == ["text ü", b"\x00binary", "in fragments ü", b"ab", bytes(300_000), "last"]
    assert closed.rcvd is not None
    assert closed.rcvd.code == 1000


@pytest.mark.parametrize("compression", [None, "deflate"])
def test_text_that_is_not_utf8_ends_the_websocket_and_later_frames_are_ignored(compression: str | None) -> None:
    async def script(connection: ServerConnection) -> None:
        whole = Frame(Opcode.TEXT, b"good").serialize(mask=False)
        broken = Frame(Opcode.TEXT, b"\xff\xfe").serialize(mask=False)
        connection.transport.write(whole + broken + whole)
        await connection.wait_closed()

    messages, closed = asyncio.run(heard(script, compression))
    assert messages == ["good"]
    assert closed.sent is not None
    assert closed.sent.code == 1007


@pytest.mark.parametrize("compression", [None, "deflate"])
def test_a_message_beyond_the_limit_ends_the_websocket(compression: str | None) -> None:
    async def script(connection: ServerConnection) -> None:
        await connection.send("small")
        await connection.send(bytes(2_000))
        await connection.wait_closed()

    messages, closed = asyncio.run(heard(script, compression, max_size=1_000))
    assert messages == ["small"]
    assert is_incoming_too_big(closed)
    assert not is_outgoing_too_big(closed)


def test_it_is_known_which_side_closed_because_a_message_was_too_big() -> None:
    async def script(connection: ServerConnection) -> None:
        await connection.close(1009)

    _, closed = asyncio.run(heard(script))
    assert is_outgoing_too_big(closed)
    assert not is_incoming_too_big(closed)


def test_a_message_in_thousands_of_fragments_is_one() -> None:
    async def script(connection: ServerConnection) -> None:
        await connection.send(pieces(*["ü"] * 10_000)())

    messages, _ = asyncio.run(heard(script))
    assert messages == ["ü" * 10_000]


def test_a_cut_in_the_middle_of_a_message_is_reported() -> None:
    async def script(connection: ServerConnection) -> None:
        await connection.send("whole")
        connection.transport.write(Frame(Opcode.TEXT, b"cut").serialize(mask=False)[:-1])
        await asyncio.sleep(0.05)
        connection.transport.abort()

    messages, closed = asyncio.run(heard(script))
    assert messages == ["whole"]
    assert closed.rcvd is None


def test_messages_right_behind_the_handshake_are_received() -> None:
    async def script(connection: ServerConnection) -> None:
        await connection.send("first")
        await asyncio.sleep(0.05)
        await connection.send("second")

    messages, _ = asyncio.run(heard(script))
    assert messages == ["first", "second"]


@pytest.mark.parametrize("behind", [b"", b"\x00"], ids=["bare", "as in RFC 7692"])
def test_a_compressed_message_may_end_with_a_final_block(behind: bytes) -> None:
    sent = [b"first words" * 500, b"second", bytes(100_000), b"fourth words"]

    async def script(connection: ServerConnection) -> None:
        for message in sent:
            deflate = zlib.compressobj(wbits=-15)
            packed = deflate.compress(message) + deflate.flush(zlib.Z_FINISH) + behind
            frame = bytearray(Frame(Opcode.BINARY, packed).serialize(mask=False))
            frame[0] |= 0x40
            connection.transport.write(frame)
        await connection.send("as usual")

    messages, _ = asyncio.run(heard(script, "deflate"))
    assert messages == [*sent, "as usual"]


def test_a_flood_of_pings_takes_no_memory() -> None:
    async def script(connection: ServerConnection) -> None:
        connection.transport.pause_reading()
        ping = Frame(Opcode.PING, bytes(125)).serialize(mask=False) * 1_000
        for _ in range(300):
            connection.transport.write(ping)
            await connection.drain()
        await connection.send("done")
        await asyncio.sleep(10)

    async def waiting() -> int:
        with ScriptedServer(script) as server:
            websocket = await open_websocket(Target("a/b", f"{server.url}/a/b"), max_size=1_000, open_timeout=10)
            done = asyncio.Event()
            websocket.attach(lambda _: done.set(), lambda _: None)
            async with asyncio.timeout(60):
                await done.wait()
            size = websocket.queued - websocket.written
            websocket.cut()
            return size

    assert asyncio.run(waiting()) < 500_000


def test_a_server_that_sends_a_close_and_keeps_the_socket_open_is_cut_off() -> None:
    async def script(connection: ServerConnection) -> None:
        connection.transport.write(Frame(Opcode.CLOSE, b"\x03\xe9").serialize(mask=False))
        connection.transport.pause_reading()
        await asyncio.sleep(1.5)

    _, closed = asyncio.run(heard(script))
    assert closed.rcvd is not None
    assert closed.rcvd.code == 1001


def test_a_ping_tells_whether_the_server_is_there() -> None:
    async def script(connection: ServerConnection) -> None:
        await connection.recv()
        connection.transport.pause_reading()
        await asyncio.sleep(0.5)

    async def ask() -> list[bool]:
        with ScriptedServer(script) as server:
            websocket = await open_websocket(Target("a/b", f"{server.url}/a/b"), max_size=1_000, open_timeout=10)
            assert isinstance(websocket, WebSocket)
            there = [await websocket.answers(5)]
            await websocket.send("be silent")
            await asyncio.sleep(0.1)
            there.append(await websocket.answers(0.1))
            await websocket.shut()
            return [*there, await websocket.answers(1)]

    assert asyncio.run(ask()) == [True, False, False]
