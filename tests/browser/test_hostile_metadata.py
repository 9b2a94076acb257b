"""Nothing that a server sends besides its answer, and no name that a user gives, runs or is loaded in a real page."""

import asyncio
import json
import shlex
import threading
import uuid
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from fal_notebook.safety.plain_text import one_line

from ..scripted import ScriptedServer
from .lab import Notebook, Server, notebook
from .test_hostile_answers import EVIL, FILES, HOSTILE, LIVING, OUTSIDE
from .test_prompt_widget import ask, button

pytestmark = pytest.mark.front_end  # for what it takes

TEX = r"$\href{javascript:window.owned='tex'}{x}$ $x^2$ \(x\) $$x$$ \[x\] \begin{equation}x\end{equation} "
SAID = TEX + HOSTILE
FAILURE = {"detail": [{"loc": ["body", SAID], "msg": SAID, "type": SAID}]}
FACTS = {"model": SAID, "usage": {"prompt_tokens": SAID, "completion_tokens": 3, SAID: SAID, "cost": SAID}}
LOCAL = {"X-Local-Model": SAID}


class Hostile:
    """A server that sends the hostile text in the part of a response that the path names, and can hold it back."""

    def __init__(self) -> None:
        self.url = ""
        self.freed = threading.Event()
        self.previews: list[str] = []

    async def __call__(self, connection: ServerConnection) -> None:
        path = connection.request.path if connection.request else ""
        with suppress(ConnectionClosed):
            async for _ in connection:
                match path.rpartition("/")[2]:
                    case "model":
                        await self._answer(connection, {})
                    case "local":
                        await self._answer(connection, LOCAL)
                    case "request":
                        await self._answer(connection, {}, {"output": "the words"})
                    case "held":
                        await self._hold(connection)
                    case "status":
                        await self._answer(connection, {}, FAILURE, status=422)
                    case "error":
                        await self._answer(connection, {}, {"error": SAID, "output": "half"})
                    case "refused":
                        await connection.send(json.dumps({"type": "error", "error": SAID, "request_id": SAID}))
                    case "closed":
                        await connection.close(1011, SAID[:110])
                    case "nonsense":
                        await connection.send(SAID)

    def handshake(self, connection: ServerConnection, request: Request) -> Response | None:
        if request.path.endswith("/forbidden"):
            headers = Headers({"x-fal-request-id": one_line(TEX), "content-type": "text/html"})
            return Response(403, one_line(TEX), headers, json.dumps({"detail": SAID}).encode())
        if request.path.endswith("/moved"):
            return Response(302, "Found", Headers({"location": f"{EVIL}-moved"}))
        return None

    async def _answer(
        self, connection: ServerConnection, headers: dict[str, str], value: Any = None, status: int = 200
    ) -> None:
        request_id = await self._begin(connection, headers, status)
        await self._say(connection, value or {"output": "the words", **FACTS, "images": FILES})
        await connection.send(json.dumps({"type": "end", "request_id": request_id, "status": status}))

    async def _hold(self, connection: ServerConnection) -> None:
        request_id = await self._begin(connection, LOCAL, 200)
        preview = f"http://127.0.0.1:9/{uuid.uuid4().hex}.png"
        self.previews.append(preview)
        await self._say(connection, {"progress": 0.5, "message": SAID, **FACTS})
        await self._say(connection, {"images": [{**FILES[3], "url": preview, "content_type": "image/png"}]})
        await asyncio.to_thread(self.freed.wait)
        await self._say(connection, {"output": "the words", **FACTS})
        await connection.send(json.dumps({"type": "end", "request_id": request_id, "status": 200}))

    async def _begin(self, connection: ServerConnection, headers: dict[str, str], status: int) -> str:
        request_id = f"{SAID} {uuid.uuid4().hex}"
        kind = "application/json" if status >= 400 else "text/event-stream"
        head = {"Content-Type": kind, "X-Fal-Request-Id": SAID, **headers}
        await connection.send(
            json.dumps({"type": "start", "request_id": request_id, "status": status, "headers": head})
        )
        return request_id

    async def _say(self, connection: ServerConnection, value: Any) -> None:
        whole = json.dumps(value)
        await connection.send((whole if value is FAILURE else f"data: {whole}\n\n").encode())


SCHEMES = ("http://", "https://", "mailto:", "wss://", "data:")
"""Links of the last two schemes are made by JupyterLab itself in printed text; browsers open no page from them."""
BEGIN = r"$\href{javascript:window.owned='tex'}{x}$"
WAYS = {
    "model": f"model {BEGIN}",
    "local": f"local model {BEGIN}",
    "request": f"request {BEGIN}",
    "status": f": {BEGIN}",
    "error": f"an error: {BEGIN}",
    "refused": f"refused: {BEGIN}",
    "closed": f"code 1011 (internal error) {BEGIN}",
    "nonsense": "expected start metadata, got text",
    "forbidden": f": {BEGIN}",
    "moved": "redirect (302)",
}
"""The parts of a response that can be hostile, each with the text by which it is recognised in the page."""
FILE = "<img src=x onerror=window.owned='file'> " + TEX.replace("/", "") + ".txt"
NO_ENDPOINT = TEX + "<img src=x onerror=window.owned='endpoint'>"
MAGICS = [f"h/{way} prompt=x" for way in WAYS]
MAGICS += [f"h/{way} prompt=x -b" for way in ("local", "status")]
MAGICS += [f"h/{way},h/local prompt=x" for way in ("model", "closed")]
NAMED = {
    "an endpoint": f"{shlex.quote(SAID)} prompt=x",
    "a file": f"h/model prompt=x --save {shlex.quote(FILE)}",
    "no file": f"h/model prompt=x --save {shlex.quote(FILE + '/x')}",
    "an option": f"h/model prompt=x {shlex.quote('--' + SAID)}",
    "an input": f"h/model --input {shlex.quote(SAID)}",
    "a base URL": f"h/model prompt=x --base-url {shlex.quote(SAID)}",
    "arguments": f"h/model {shlex.quote(SAID + '=' + SAID)} prompt=x --dry-run --raw",
}
HELD = ["h/held prompt=x", "h/held prompt=x -b", "h/held,h/held/held prompt=x"]


def magic(line: str) -> str:
    return f"get_ipython().run_line_magic('falstream', {line!r})"


def prompt_widget(endpoint: str) -> str:
    arguments = {"model": SAID, SAID: SAID, "other": [SAID]}
    return f"PromptWidget({endpoint!r}, {arguments!r}, base_url=url)"


CELLS = [
    *map(magic, [*MAGICS, *NAMED.values(), *HELD]),
    *(prompt_widget(f"h/{way}") for way in (*WAYS, "held")),
    prompt_widget(NO_ENDPOINT),
]
FIRST_HELD = 1 + len(MAGICS) + len(NAMED)
FIRST_WIDGET = FIRST_HELD + len(HELD)
"""The numbers of the first cells of each kind. Cell 0 loads the extension."""


@pytest.fixture(scope="module")
def running() -> Iterator[Hostile]:
    hostile = Hostile()
    with ScriptedServer(hostile, hostile.handshake) as server:
        hostile.url = server.url
        yield hostile


@pytest.fixture
def hostile(running: Hostile) -> Iterator[Hostile]:
    """The server; after the test it holds no answer back."""
    running.freed.clear()
    running.previews.clear()
    yield running
    running.freed.set()


@pytest.fixture(scope="module")
def page(browser: Browser, jupyter_server: Server, running: Hostile) -> Iterator[Notebook]:
    head = f"url = {running.url!r}\n%load_ext fal_notebook\nfrom fal_notebook import PromptWidget\n"
    cells = [f"{head}%config FalMagics.base_url = url", *CELLS]
    with notebook(browser, jupyter_server, cells, "facts.ipynb") as opened:
        opened.run(0)
        yield opened


@pytest.fixture
def asked(page: Notebook) -> Iterator[list[str]]:
    """The addresses that the page requests. None may be one of the hostile text."""
    found: list[str] = []

    def note(request: Any) -> None:
        found.append(request.url)

    page.page.on("request", note)
    yield found
    page.page.remove_listener("request", note)
    assert [url for url in found if EVIL in url or url.endswith("/x")] == []


def check_inert(page: Notebook, cell: int) -> None:
    """Check that nothing in an output can run, is typeset, links to an unknown scheme, or covers the page."""
    output = page.output(cell)
    for link in output.locator("a").all():
        address = link.get_attribute("href") or "https://"
        assert address.startswith(SCHEMES)
    assert output.locator(LIVING).evaluate_all("found => found.map(each => each.outerHTML)") == []
    living = output.locator(":is(script, iframe, form, img[onerror], img[src=x], mjx-container)")
    assert living.evaluate_all("found => found.map(each => each.outerHTML)") == []
    assert output.evaluate(OUTSIDE) == []
    assert page.page.evaluate("window.owned") is None


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize("cell", range(1, 1 + len(MAGICS)), ids=MAGICS)
def test_what_a_server_says_beside_its_answer_is_inert(page: Notebook, cell: int) -> None:
    page.start(cell)
    page.wait(cell)
    way = MAGICS[cell - 1].partition("/")[2].partition(" ")[0].partition(",")[0]
    expect(page.output(cell)).to_contain_text(WAYS[way])
    expect(page.output(cell)).not_to_contain_text("running in the background")
    check_inert(page, cell)


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize("cell", range(1 + len(MAGICS), FIRST_HELD), ids=list(NAMED))
def test_what_a_user_names_is_inert(page: Notebook, cell: int) -> None:
    page.start(cell)
    assert page.wait(cell)
    check_inert(page, cell)


@pytest.mark.parametrize("cell", range(FIRST_HELD, FIRST_WIDGET), ids=["alone", "in the background", "side by side"])
def test_progress_and_a_preview_that_is_an_address_are_inert_while_it_streams(
    page: Notebook, hostile: Hostile, asked: list[str], cell: int
) -> None:
    page.start(cell)
    output = page.output(cell)
    if cell == FIRST_HELD:
        expect(output.locator(".widget-html-content").first).to_have_text(one_line(SAID, 200))
        expect(output).to_contain_text("image/png")  # the waiting line names the preview
    else:
        expect(output.locator(":text('50%')").first).to_contain_text(BEGIN)
    check_inert(page, cell)
    assert output.locator("img").count() == 0
    assert not {*hostile.previews} & {*asked}
    with page.page.expect_request(hostile.previews[0]):  # a file of the answer is shown from its address
        hostile.freed.set()
    page.wait(cell)
    expect(output).to_contain_text("the words")
    check_inert(page, cell)


def run_widget(page: Notebook, cell: int) -> Locator:
    page.run(cell)
    shown = page.output(cell).locator(".fal-root")
    expect(shown.locator(".fal-state")).to_have_text("ready")
    return shown


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize("number", range(len(WAYS)), ids=list(WAYS))
def test_in_the_prompt_widget_it_is_inert_live_and_in_the_transcript(page: Notebook, number: int) -> None:
    cell = FIRST_WIDGET + number
    page.run(cell)
    shown = page.output(cell).locator(".fal-root")
    refused = list(WAYS)[number] in ("forbidden", "moved")
    expect(shown.locator(".fal-state")).to_have_text("offline" if refused else "ready")
    expect(shown.get_by_label("Model")).to_have_value(SAID.replace("\n", "").strip())
    ask(shown, SAID)
    expect(shown.locator(".fal-entry[data-end]")).to_contain_text(list(WAYS.values())[number])
    shown.locator("summary", has_text="Arguments").click()
    check_inert(page, cell)
    page.page.evaluate(
        "document.querySelectorAll('head style').forEach(each =>"
        " { if (each.textContent.startsWith('[data-fal-transcript')) each.remove(); })"
    )
    expect(page.output(cell).locator("details[data-fal-transcript]")).to_be_visible()
    check_inert(page, cell)


def test_in_the_prompt_widget_progress_and_a_preview_that_is_an_address_are_inert(
    page: Notebook, hostile: Hostile, asked: list[str]
) -> None:
    cell = FIRST_WIDGET + len(WAYS)
    shown = run_widget(page, cell)
    ask(shown, "x")
    expect(shown.locator(".fal-work")).to_have_text(one_line(SAID, 80))
    expect(shown.locator(".fal-status")).to_contain_text(" bytes")
    expect(shown.locator("img")).to_be_hidden()
    check_inert(page, cell)
    assert not {*hostile.previews} & {*asked}
    with page.page.expect_request(hostile.previews[0]):  # a file of the answer is shown from its address
        hostile.freed.set()
    expect(shown.locator(".fal-entry[data-end=done]")).to_have_count(1)
    check_inert(page, cell)


@pytest.mark.usefixtures("asked")
def test_an_endpoint_that_is_none_is_inert_in_the_prompt_widget(page: Notebook) -> None:
    cell = FIRST_WIDGET + len(WAYS) + 1
    page.run(cell)
    shown = page.output(cell).locator(".fal-root")
    expect(shown.locator(".fal-state")).to_have_text("offline")
    expect(shown.locator(".fal-head + .fal-problem")).to_contain_text("is not an endpoint")
    ask(shown, "x")
    expect(shown.get_by_role("alert")).to_contain_text("is not an endpoint")
    expect(button(shown, "Send")).to_be_visible()
    check_inert(page, cell)
