"""The answers of several models or endpoints are shown side by side, in a real kernel."""

import asyncio
import base64
import json
import threading
import time
from collections.abc import Iterator

import pytest
from websockets.asyncio.server import ServerConnection

from fal_notebook.local.server import LocalServer

from ..endpoints import PNG
from ..growing_page import columns_of
from ..kernels import Execution, Kernel, kernel
from ..scripted import ScriptedServer, end, start

PICTURE = "data:image/png;base64," + base64.b64encode(PNG).decode()


@pytest.fixture(scope="module")
def lab(server: LocalServer) -> Iterator[Kernel]:
    with kernel({"FAL_NOTEBOOK_URL": server.url}) as running:
        yield running


def _live(cell: Execution) -> list[list[str]]:
    """The words of all columns after each of their frames."""
    return [columns.text for columns in columns_of(cell.messages)]


def _live_html(cell: Execution) -> list[str]:
    """The same as HTML, of all columns together."""
    return ["".join(columns.html) for columns in columns_of(cell.messages)]


def test_several_endpoints_stream_beside_each_other_and_give_a_dict(lab: Kernel) -> None:
    cell = lab.run("%%falstream test/paced/stream,test/echo/stream -o both count:=100 rate:=100\nsome words")
    assert cell.status == "ok", cell.error
    output, _ = cell.outputs
    assert output["data"]["text/html"].count("<section") == 2
    assert lab.value("{name: r.text[:10] for name, r in both.items()}") == (
        "{'test/paced/stream': '0000 0001 ', 'test/echo/stream': 'some words'}"
    )
    paced, echo = next(columns for columns in _live(cell) if "0010" in columns[0])
    assert "0099" not in paced
    assert "some words" in echo


FORMATTED = "# Words\\n\\n- one\\n- **two**\\n\\n```py\\nx = 1\\n"


def test_a_column_is_formatted_while_it_streams(lab: Kernel) -> None:
    arguments = f'{{"text": "{FORMATTED}", "rate": 200, "after": 1}}'
    cell = lab.run(f"%%falstream test/paced/stream --models a,b --raw\n{arguments}")
    assert cell.status == "ok", cell.error
    shown = _live_html(cell)
    for part in ("<h1", "<strong>two</strong>", 'class="fal-code"'):
        assert any(html.count(part) == 2 for html in shown), part
    assert shown[-1].count("<ul") == 2


def test_no_block_of_a_column_is_sent_twice(lab: Kernel) -> None:
    text = "".join(f"Paragraph {number} of **the** answer, with some words.\\n\\n" for number in range(60))
    cell = lab.run(f'%%falstream test/paced/stream --models a,b --raw\n{{"text": "{text}", "rate": 1000}}')
    states = [message["content"].get("data", {}).get("state", {}) for message in cell.messages]
    frames = [state["frame"] for state in states if "frame" in state]
    assert sum(len(json.dumps(frame)) for frame in frames) <= 3 * 2 * len(text)
    for number in (0, 1):
        blocks = [
            html for frame in frames for html, _ in frame["columns"][number].get("words", {"blocks": []})["blocks"]
        ]
        assert len(blocks) == len(set(blocks)) >= 40


def test_the_words_of_a_column_stream_as_they_are_where_that_is_asked_for(lab: Kernel) -> None:
    arguments = f'{{"text": "{FORMATTED}", "rate": 200, "after": 1}}'
    cell = lab.run(f"%%falstream test/paced/stream --models a,b --raw -f text\n{arguments}")
    shown = _live_html(cell)
    assert any(html.count("- **two**\n") == 2 for html in shown)
    assert not any("<strong>two" in html for html in shown)


def test_each_column_has_its_own_times_while_it_streams_and_after(lab: Kernel) -> None:
    cell = lab.run("%falstream test/paced/stream,test/echo/stream prompt=x count:=100 rate:=100")
    paced, echo = next(columns for columns in _live(cell) if "0010" in columns[0])
    assert "receiving… " in paced
    assert " s · first token " in paced
    assert "test/echo · " in echo  # it has ended: its whole line is there
    assert cell.plain.count("first token") == 2


def test_the_times_go_on_while_nothing_comes(lab: Kernel) -> None:
    request = lab.send("%falstream test/endless/stream --models a,b prompt=x", stop_on_error=False)
    cell = lab.read(request, until="receiving… ")
    time.sleep(2)
    lab.interrupt()
    lab.read_on(request, cell)
    assert 3 <= len(_live(cell)) <= 12


def test_a_name_starts_neither_html_nor_mathematics(lab: Kernel) -> None:
    cell = lab.run("%falstream test/echo/stream prompt=x --models '<b>$x$,other'")
    html = cell.outputs[0]["data"]["text/html"]
    assert "<strong>&lt;b&gt;<span>$</span>x<span>$</span></strong>" in html


def test_one_that_fails_leaves_the_others(lab: Kernel) -> None:
    cell = lab.run("%falstream test/echo/stream,test/none prompt=kept -o both")
    assert "404" in cell.error
    assert "kept" in cell.plain
    assert lab.value("both['test/echo/stream'].text, both['test/none'].status") == "('kept ', 404)"


@pytest.mark.parametrize(
    ("uri", "shows"),
    [
        (PICTURE, True),
        ("http://127.0.0.1:9/p.png", False),
        (PICTURE.replace(";base64,", ";base64,PHNjcmlwdD4"), False),
        ("data:image/svg+xml;base64," + base64.b64encode(b"<svg xmlns='http://www.w3.org/2000/svg'/>").decode(), False),
    ],
    ids=["png", "url", "no picture", "svg"],
)
def test_previews_and_progress_are_shown_live_and_only_as_a_pictures_bytes(uri: str, shows: bool) -> None:  # noqa: FBT001
    seen = threading.Event()

    async def answers(connection: ServerConnection) -> None:
        async for _ in connection:
            event = {"images": [{"url": uri, "content_type": "image/png"}]}
            await connection.send(start(content_type="text/event-stream"))
            for value in (event, {"progress": 0.25, "message": "<b>half way"}):
                await connection.send(f"data: {json.dumps(value)}\n\n".encode())
            await asyncio.to_thread(seen.wait)
            await connection.send(end())

    with ScriptedServer(answers) as server, kernel({"FAL_NOTEBOOK_URL": server.url}) as lab:
        request = lab.send("%falstream a/b,c/d prompt=x -o both")
        cell = lab.read(request, until="25% &lt;b&gt;half way")
        live = _live_html(cell)
        seen.set()
        lab.read_on(request, cell)
        assert cell.status == "ok", cell.error
    assert any("<img" in html for html in live) is shows
    assert all("127.0.0.1:9" not in html and "<b>" not in html for html in live)
