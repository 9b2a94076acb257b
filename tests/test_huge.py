"""Huge answers over real sockets are cut where there is a limit, and kept whole where there is none."""

import asyncio
import gc
import json
import time
import tracemalloc
import zlib
from collections.abc import Iterator

import psutil
import pytest
from websockets.asyncio.server import ServerConnection

from fal_notebook import Json, Session, Text, errors
from fal_notebook.client.result import Result
from fal_notebook.media.media import Media
from fal_notebook.render.bundles import CUT_NOTE, LONGEST_TEXT
from fal_notebook.wire.pool import Limits

from .prompt.test_widget import Watched
from .scripted import ScriptedServer, end, start

EVENTS = 1_000_000
LINE = 50_000_000


@pytest.fixture
def own() -> Iterator[Session]:
    session = Session()
    yield session
    session.close()


def resident() -> int:
    size: int = psutil.Process().memory_info().rss
    return size


async def _bomb(connection: ServerConnection) -> None:
    """Send a compressed frame of 200 kB that decompresses to 200 MB."""
    await connection.recv()
    await connection.send(start(content_type="text/plain"))
    pack = zlib.compressobj(9, wbits=-15)
    zeros = bytes(2_000_000)
    data = b"".join(pack.compress(zeros) for _ in range(100)) + pack.flush(zlib.Z_SYNC_FLUSH)[:-4]
    connection.transport.write(b"\xc2\x7f" + len(data).to_bytes(8, "big") + data)
    await connection.wait_closed()


def test_a_compressed_bomb_is_refused_before_it_is_unpacked() -> None:
    own = Session(Limits(max_body=1_000_000))
    before = resident()
    with ScriptedServer(_bomb) as server, pytest.raises(errors.ResponseTooLarge, match="1,000,000"):
        own.stream("a/b", base_url=server.url).result()
    assert resident() - before < 50_000_000
    own.close()


async def _endless(connection: ServerConnection) -> None:
    await connection.recv()
    await connection.send(start(content_type="text/event-stream"))
    while True:
        await connection.send(b'data: {"choices": [{"delta": {"content": "more and "}}]}\n\n' * 100)


def test_an_endless_answer_ends_at_the_limit_and_keeps_what_came() -> None:
    own = Session(Limits(max_body=3_000_000))
    with ScriptedServer(_endless) as server, pytest.raises(errors.ResponseTooLarge) as caught:
        own.stream("a/b", base_url=server.url).result()
    assert caught.value.result is not None
    assert len(caught.value.result.text) > 400_000
    own.close()


def test_many_events_cost_time_and_memory_in_proportion(own: Session) -> None:
    async def events(connection: ServerConnection) -> None:
        async for _ in connection:
            await connection.send(start(content_type="text/event-stream"))
            for first in range(0, EVENTS, 1000):
                numbers = range(first, first + 1000)
                pieces = [f'data: {{"choices":[{{"delta":{{"content":"{number} "}}}}]}}\n\n' for number in numbers]
                await connection.send("".join(pieces))
            await connection.send(end())

    with ScriptedServer(events) as server:
        began = time.monotonic()
        result = own.stream("a/b", base_url=server.url).result()
        took = time.monotonic() - began
    assert result.text.split() == [str(number) for number in range(EVENTS)]
    assert len(result.events) == EVENTS
    assert took < EVENTS / 10_000


def test_a_line_of_fifty_megabytes_is_kept_whole_and_shown_in_part(own: Session) -> None:
    async def line(connection: ServerConnection) -> None:
        async for _ in connection:
            await connection.send(start(content_type="text/event-stream"))
            await connection.send('data: {"output": "')
            for _ in range(50):
                await connection.send("x" * (LINE // 50))
            await connection.send('"}\n\n')
            await connection.send(end())

    with ScriptedServer(line) as server:
        began = time.monotonic()
        result = own.stream("a/b", base_url=server.url).result()
        assert time.monotonic() - began < 10
    assert len(result.text) == LINE
    began = time.monotonic()
    shown = result.outputs()
    assert time.monotonic() - began < 2
    assert sum(len(words) for bundle in shown for words in bundle.values()) < 5_000_000
    assert all(f"{LINE:,} characters in all" in words for words in shown[0].values())


def test_fifty_megabytes_of_words_are_kept_whole_and_cut_in_the_prompt_widget() -> None:
    async def words(connection: ServerConnection) -> None:
        async for _ in connection:
            await connection.send(start(content_type="text/plain"))
            for _ in range(50):
                await connection.send("x" * (LINE // 50))
                await asyncio.sleep(0.01)
            await connection.send(end())

    with ScriptedServer(words) as server:
        widget = Watched("a/b", base_url=server.url)
        began = time.monotonic()
        widget.run("say much")
        widget.wait()
        assert time.monotonic() - began < 20
        widget.hear("hello", view="another")
    (result,) = widget.results
    assert len(result.text) == LINE
    assert widget.page() == "x" * LONGEST_TEXT + " " + CUT_NOTE.strip()
    assert f"{LINE:,} characters in all" in widget.of("done")[0]["html"]
    assert widget.of("entry")[1]["copy"] == "x" * LONGEST_TEXT + CUT_NOTE
    assert len(json.dumps(widget.sent)) < 6 * LONGEST_TEXT
    assert len(widget.of("delta")) < 200


def test_thousands_of_files_are_kept_and_some_are_shown() -> None:
    result = Result("a/b", media=[Media("image/png", url=f"https://fal.media/{number}.png") for number in range(5000)])
    shown = "".join(words for bundle in result.outputs() for words in bundle.values())
    assert "https://fal.media/99.png" in shown
    assert "https://fal.media/100.png" not in shown
    assert "4,900 files more" in shown


def test_two_hundred_megabytes_of_sound_are_kept_once(own: Session) -> None:
    async def sound(connection: ServerConnection) -> None:
        async for _ in connection:
            await connection.send(start(content_type="audio/pcm;rate=24000"))
            for _ in range(200):
                await connection.send(bytes(1_000_000))
            await connection.send(end())

    gc.collect()
    before = resident()
    with ScriptedServer(sound, compression=None) as server:
        result = own.stream("a/b", base_url=server.url).result()
    (media,) = result.media
    assert len(media.data or b"") == 200_000_044
    assert resident() - before < 700_000_000


def test_iterating_holds_no_more_than_what_is_kept(own: Session) -> None:
    async def words(connection: ServerConnection) -> None:
        async for _ in connection:
            await connection.send(start(content_type="text/plain"))
            for _ in range(1000):
                await connection.send("x" * 1000)
            await connection.send(end())

    with ScriptedServer(words) as server:
        tracemalloc.start()
        try:
            kinds = {type(update) for update in own.stream("a/b", base_url=server.url)}
            held, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert kinds <= {Text, Json}
    assert held < 5_000_000
