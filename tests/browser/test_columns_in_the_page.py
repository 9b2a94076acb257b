"""The answers of several models side by side in a real page: live at first, static after save and reopen."""

import asyncio
import json
import re
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Locator, ViewportSize, expect
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from fal_notebook.safety.plain_text import one_line

from ..conftest import wait_until
from ..scripted import ScriptedServer, end, start
from .lab import Notebook, Server, notebook
from .test_hostile_answers import EVIL, HOSTILE, LIVING, OUTSIDE

MODELS = ["m/quick", "m/slow", "m/broken"]
QUICK, SLOW, BROKEN = range(3)
WIDE = "| " + " | ".join("column" for _ in range(40)) + " |\n" + "|-" * 40 + "|\n\n" + "letters" * 100
WIDE_PAGE: ViewportSize = {"width": 1500, "height": 1000}
USAGE = {"prompt_tokens": 3, "completion_tokens": 1234, "cost": 0.0125}


class Models:
    """A server with three models: one is quick, one fails, and one waits until the test lets it go on and end.

    A model of any other name answers with the prompt.
    """

    def __init__(self) -> None:
        self.url = ""
        self.more, self.last = threading.Event(), threading.Event()

    async def __call__(self, connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            async for message in connection:
                arguments: dict[str, Any] = json.loads(message)
                await self._answer(arguments["model"])(connection, arguments)

    def begin(self) -> None:
        self.more.clear()
        self.last.clear()

    def finish(self) -> None:
        self.more.set()
        self.last.set()

    def _answer(self, model: str) -> Callable[[ServerConnection, dict[str, Any]], Awaitable[None]]:
        return {"m/quick": self._quick, "m/slow": self._slow, "m/broken": self._broken}.get(model, self._echo)

    async def _echo(self, connection: ServerConnection, arguments: dict[str, Any]) -> None:
        request_id = await self._open(connection, "r-echo")
        await self._say(connection, output=arguments["prompt"], model=arguments["model"])
        await connection.send(end(request_id))

    async def _quick(self, connection: ServerConnection, _: dict[str, Any]) -> None:
        request_id = await self._open(connection, "r-quick")
        await self._say(connection, output="all **quick** words", usage=USAGE)
        await connection.send(end(request_id))

    async def _slow(self, connection: ServerConnection, _: dict[str, Any]) -> None:
        request_id = await self._open(connection, "r-slow")
        await self._say(connection, output="slow words", progress=0.25, message="a quarter")
        await asyncio.to_thread(self.more.wait)
        await self._say(connection, output="slow words go on")
        await asyncio.to_thread(self.last.wait)
        await self._say(connection, output="slow words go on to the end")
        await connection.send(end(request_id))

    async def _broken(self, connection: ServerConnection, _: dict[str, Any]) -> None:
        request_id = await self._open(connection, "r-broken")
        await self._say(connection, output="half an answer", error="out of tokens")
        await connection.send(end(request_id))

    async def _open(self, connection: ServerConnection, name: str) -> str:
        request_id = f"{name}-{uuid4().hex}"
        await connection.send(start(request_id, content_type="text/event-stream"))
        return request_id

    async def _say(self, connection: ServerConnection, **value: Any) -> None:
        await connection.send(f"data: {json.dumps(value)}\n\n".encode())


HOSTILE_NAMES = [
    f"{number} {' '.join(line.replace(',', ';').split())}" for number, line in enumerate(HOSTILE.split("\n")) if line
]
CELLS = [
    "%load_ext fal_notebook",
    f"%falstream a/b prompt=x --models {','.join(MODELS)} -o answers",
    "{name: (answer.text, type(answer.error).__name__) for name, answer in answers.items()}",
    f"%falstream a/b prompt=x --models {','.join(MODELS)}",
    f"hostile = {{'prompt': {HOSTILE!r}}}\nimport shlex\n"
    f"names = shlex.quote(','.join({HOSTILE_NAMES!r}))\n"
    "get_ipython().run_line_magic('falstream', f'a/b --input hostile --raw --models {names}')",
    f"wide = {{'prompt': {WIDE!r}}}",
    "%falstream a/b --input wide --models m/one,m/two,m/three",
]
LIVE, KEPT, STOPPED, NAMES, WIDTH = 1, 2, 3, 4, 6


@pytest.fixture(scope="module")
def running() -> Iterator[Models]:
    models = Models()
    with ScriptedServer(models) as server:
        models.url = server.url
        yield models


@pytest.fixture
def models(running: Models) -> Iterator[Models]:
    """The models; after the test, none of them is left waiting."""
    yield running
    running.finish()


@pytest.fixture(scope="module")
def page(browser: Browser, jupyter_server: Server, running: Models) -> Iterator[Notebook]:
    cells = [f"{CELLS[0]}\n%config FalMagics.base_url = {running.url!r}", *CELLS[1:]]
    with notebook(browser, jupyter_server, cells, "columns.ipynb") as opened:
        opened.page.set_viewport_size(WIDE_PAGE)
        opened.run(0)
        yield opened


def columns(page: Notebook, cell: int) -> Locator:
    return page.output(cell).locator("section")


def box_of(shown: Locator) -> dict[str, float]:
    found: dict[str, float] = shown.evaluate("each => each.getBoundingClientRect().toJSON()")
    return found


def are_side_by_side(shown: Locator) -> bool:
    """Whether each column is to the right of the one before, at the same height, and none covers another."""
    boxes = [box_of(each) for each in shown.all()]
    return all(left["right"] <= right["left"] and left["top"] == right["top"] for left, right in pairwise(boxes))


def are_one_below_the_other(shown: Locator) -> bool:
    boxes = [box_of(each) for each in shown.all()]
    return all(upper["bottom"] <= lower["top"] and upper["left"] == lower["left"] for upper, lower in pairwise(boxes))


def test_columns_stand_side_by_side_and_each_shows_its_words_and_times_as_they_come(
    page: Notebook, models: Models
) -> None:
    models.begin()
    page.start(LIVE)
    shown = columns(page, LIVE)
    expect(shown).to_have_count(3)
    expect(shown.nth(SLOW)).to_contain_text("slow words")
    expect(shown.nth(SLOW)).to_contain_text(
        re.compile(r"receiving… \d+\.\d s · first token \d+\.\d\d s · 25% a quarter")
    )
    expect(shown.nth(QUICK)).to_contain_text("all quick words")
    expect(shown.nth(QUICK).locator("strong").nth(1)).to_have_text("quick")  # it is formatted already
    expect(shown.nth(QUICK)).to_contain_text(re.compile(r"a/b · \d\.\d\d s · 1,237 tokens · \$0\.01\d"))
    expect(shown.nth(BROKEN).locator(".fal-error strong")).to_have_text("a/b answered with an error: out of tokens")
    assert [each.locator("strong").first.inner_text() for each in shown.all()] == MODELS
    wait_until(lambda: are_side_by_side(shown))
    before = shown.nth(SLOW).inner_text()
    expect(shown.nth(SLOW)).not_to_have_text(before, use_inner_text=True)  # its seconds count while nothing arrives
    assert "go on" not in before
    models.more.set()
    expect(shown.nth(SLOW)).to_contain_text("slow words go on")
    assert "to the end" not in shown.nth(SLOW).inner_text()


def test_at_the_end_each_column_is_formatted_with_its_own_status_line_and_one_fails_alone(page: Notebook) -> None:
    output, _, error = page.wait(LIVE)
    shown = columns(page, LIVE)
    expect(shown.nth(QUICK).locator("strong").nth(1)).to_have_text("quick")
    lines = [
        r"a/b · \d\.\d\d s · 1,237 tokens · \$0\.01\d.*request r-quick.*3 tokens in · 1,234 tokens out · \$0\.0125",
        r"a/b · \d+\.\d+ s.*request r-slow.*first token \d+\.\d\d s",
        r"out of tokens.*failed · a/b · \d\.\d\d s.*error ModelError.*request r-broken",
    ]
    for number, words in enumerate(lines):
        expect(shown.nth(number)).to_contain_text(re.compile(words, re.DOTALL))
    expect(shown.nth(SLOW)).to_contain_text("slow words go on to the end")
    expect(shown.nth(BROKEN)).to_contain_text("half an answer")
    expect(shown.nth(BROKEN).locator(".fal-error strong")).to_have_text("a/b answered with an error: out of tokens")
    for number in (QUICK, SLOW):
        expect(shown.nth(number)).not_to_contain_text("ModelError")
    wait_until(lambda: are_side_by_side(shown))
    assert set(output["data"]) == {"text/plain", "text/html"}
    assert (error["output_type"], error["ename"]) == ("error", "ModelError")
    kept = page.run(KEPT)[0]["data"]["text/plain"]
    assert "'m/quick': ('all **quick** words', 'NoneType')" in kept
    assert "'m/broken': ('half an answer', 'ModelError')" in kept


def test_an_interrupt_stops_those_that_stream_and_leaves_those_that_ended(page: Notebook, models: Models) -> None:
    models.begin()
    page.start(STOPPED)
    shown = columns(page, STOPPED)
    expect(shown.nth(SLOW)).to_contain_text("slow words")
    expect(shown.nth(QUICK)).to_contain_text("1,237 tokens")
    page.command("notebook:interrupt-kernel")
    expect(page.output(STOPPED)).to_contain_text("KeyboardInterrupt: stopped after")
    page.wait(STOPPED)
    expect(shown.nth(SLOW)).to_contain_text("slow words")
    expect(shown.nth(SLOW)).to_contain_text("stopped · a/b · ")
    expect(shown.nth(QUICK)).not_to_contain_text("stopped")
    wait_until(lambda: are_side_by_side(shown))
    models.finish()


def test_hostile_names_and_answers_stay_inert_and_in_their_columns(page: Notebook) -> None:
    fetched: list[str] = []
    page.page.on("request", lambda request: fetched.append(request.url) if EVIL in request.url else None)
    page.start(NAMES)
    page.wait(NAMES)
    shown = columns(page, NAMES)
    expect(shown).to_have_count(len(HOSTILE_NAMES))
    for number, name in enumerate(HOSTILE_NAMES):
        expect(shown.nth(number)).to_contain_text("the last words")
        expect(shown.nth(number).locator("strong").first).to_have_text(one_line(name, 80))
    output = page.output(NAMES)
    assert output.locator("strong mjx-container").count() == 0
    assert output.locator(LIVING).evaluate_all("found => found.map(each => each.outerHTML)") == []
    assert output.evaluate(OUTSIDE) == []
    for link in output.locator("a").all():
        assert (link.get_attribute("href") or "").startswith(("http://", "https://", "mailto:"))
    assert page.page.evaluate("window.owned") is None
    assert fetched == []


def test_a_narrow_page_puts_columns_below_each_other_and_wide_answers_stay_within(page: Notebook) -> None:
    page.run(WIDTH - 1)
    page.run(WIDTH)
    shown = columns(page, WIDTH)
    wait_until(lambda: are_side_by_side(shown))
    check_within(page, WIDTH)
    page.page.set_viewport_size({"width": 480, "height": 800})
    try:
        expect(shown).to_have_count(3)
        page.output(WIDTH).scroll_into_view_if_needed()
        wait_until(lambda: are_one_below_the_other(shown))
        check_within(page, WIDTH)
    finally:
        page.page.set_viewport_size(WIDE_PAGE)


def check_within(page: Notebook, cell: int) -> None:
    """Check that each column has a width, and does not extend beyond the output."""
    whole = box_of(page.output(cell))
    for each in columns(page, cell).all():
        box = box_of(each)
        assert box["width"] >= 80
        assert whole["left"] <= box["left"]
        assert box["right"] <= whole["right"] + 1


def test_the_columns_are_there_after_save_and_reopen_with_no_dead_widget(page: Notebook) -> None:
    saved = page.save()
    assert "application/vnd.jupyter.widget" not in str(saved)
    page.page.evaluate("() => window.jupyterapp.serviceManager.sessions.shutdownAll()")
    page.open()
    shown = columns(page, LIVE)
    expect(shown).to_have_count(3)
    expect(shown.nth(SLOW)).to_contain_text("slow words go on to the end")
    expect(shown.nth(QUICK)).to_contain_text("first token")
    expect(shown.nth(BROKEN)).to_contain_text("out of tokens")
    expect(page.page.locator(".jp-Notebook")).not_to_contain_text("Error displaying widget")
    wait_until(lambda: are_side_by_side(shown))
