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
from ..kernels import Execution, Kernel, kernel
from ..scripted import ScriptedServer, end, start

PICTURE = "data:image/png;base64," + base64.b64encode(PNG).decode()


@pytest.fixture(scope="module")
def lab(server: LocalServer) -> Iterator[Kernel]:
    with kernel({"FAL_NOTEBOOK_URL": server.url}) as running:
        yield running


def _live(cell: Execution) -> list[dict[str, str]]:
    """The contents of the output before the final one."""
    shown = [each for each in cell.messages if each["header"]["msg_type"] in ("display_data", "update_display_data")]
    return [each["content"]["data"] for each in shown[:-1]]


def test_several_endpoints_stream_beside_each_other_and_give_a_dict(lab: Kernel) -> None:
    cell = lab.run("%%falstream test/paced/stream,test/echo/stream -o both count:=100 rate:=100\nsome words")
    assert cell.status == "ok", cell.error
    output, _ = cell.outputs
    assert output["data"]["text/html"].count("<section") == 2
    assert lab.value("{name: r.text[:10] for name, r in both.items()}") == (
        "{'test/paced/stream': '0000 0001 ', 'test/echo/stream': 'some words'}"
    )
    early = next(data["text/plain"] for data in _live(cell) if "0010" in data["text/plain"])
    assert "0099" not in early
    assert "some words" in early


FORMATTED = "# Words\\n\\n- one\\n- **two**\\n\\n```py\\nx = 1\\n"


def test_a_column_is_formatted_while_it_streams(lab: Kernel) -> None:
    arguments = f'{{"text": "{FORMATTED}", "rate": 200, "after": 1}}'
    cell = lab.run(f"%%falstream test/paced/stream --models a,b --raw\n{arguments}")
    assert cell.status == "ok", cell.error
    shown = [data["text/html"] for data in _live(cell)]
    for part in ("<h1", "<strong>two</strong>", 'class="fal-code"'):
        assert any(html.count(part) == 2 for html in shown), part
    assert shown[-1].count("<ul") == 2


def test_the_words_of_a_column_stream_as_they_are_where_that_is_asked_for(lab: Kernel) -> None:
    arguments = f'{{"text": "{FORMATTED}", "rate": 200, "after": 1}}'
    cell = lab.run(f"%%falstream test/paced/stream --models a,b --raw -f text\n{arguments}")
    shown = [data["text/html"] for data in _live(cell)]
    assert any(html.count("- **two**\n") == 2 for html in shown)
    assert not any("<strong>two" in html for html in shown)


def test_each_column_has_its_own_times_while_it_streams_and_after(lab: Kernel) -> None:
    cell = lab.run("%falstream test/paced/stream,test/echo/stream prompt=x count:=100 rate:=100")
    streaming = next(data["text/plain"] for data in _live(cell) if "0010" in data["text/plain"])
    paced, echo = streaming.split("test/echo/stream:\n")
    assert "receiving… " in paced
    assert " s · first token " in paced
    assert "test/echo/stream · " in echo  # it has ended: its whole line is there
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
        cell = lab.read(request, until="25% <b>half way")
        live = [*_live(cell), cell.messages[-1]["content"]["data"]]
        seen.set()
        lab.read_on(request, cell)
        assert cell.status == "ok", cell.error
    assert any("<img" in data["text/html"] for data in live) is shows
    assert all("127.0.0.1:9" not in data["text/html"] and "<b>" not in data["text/html"] for data in live)
