"""The prompt widget in a real page when its connection is lost, refused or slow to open."""

import asyncio
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Self

import pytest
from playwright.sync_api import Browser, Locator, expect

from fal_notebook.local.asgi import Receive, Scope, Send
from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.server import LocalServer

from .. import endpoints
from .lab import Notebook, Server, notebook
from .test_prompt_widget import ask, box, button, widget


class Gateway:
    """The tests' gateway on a port of its own, which goes away and comes back, and has a door.

    While the door is shut, handshakes wait before it; while it is barred, they are refused.
    """

    def __init__(self) -> None:
        self._app = HTTPOverWebSocket(endpoints.create_app())
        self._server = LocalServer(self)
        self._door = threading.Event()
        self._barred = self._is_here = False
        self.url = self._server.url

    def __enter__(self) -> Self:
        self._server.__enter__()
        self._is_here = True
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.open()
        self.leave()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await asyncio.to_thread(self._door.wait)
            if self._barred:
                await receive()
                await send({"type": "websocket.close"})  # before it is accepted: status 403
                return
        await self._app(scope, receive, send)

    def leave(self) -> None:
        if self._is_here:
            self._server.__exit__(None, None, None)
        self._is_here = False

    def come(self) -> None:
        if not self._is_here:
            self._server = LocalServer(self, port=self._server.port)
            self._server.__enter__()
        self._is_here = True

    def lose(self) -> None:
        """Go away and come back: every connection is lost."""
        self.leave()
        self.come()

    def shut(self) -> None:
        self._door.clear()

    def bar(self) -> None:
        self._barred = True

    def open(self) -> None:
        self._barred = False
        self._door.set()


@pytest.fixture(scope="module")
def running() -> Iterator[Gateway]:
    with Gateway() as gateway:
        yield gateway


@pytest.fixture
def gateway(running: Gateway) -> Iterator[Gateway]:
    """The gateway, which afterwards is there, with its door open."""
    yield running
    running.open()
    running.come()


@pytest.fixture(scope="module")
def page(browser: Browser, jupyter_server: Server, running: Gateway) -> Iterator[Notebook]:
    def box_for(endpoint: str) -> str:
        return f"PromptWidget({endpoint!r}, base_url={running.url!r})"

    cells = [
        "%load_ext fal_notebook\nfrom fal_notebook import PromptWidget",
        *(box_for("test/echo/stream") for _ in range(ECHO)),
        *(box_for("test/endless/stream") for _ in range(ENDLESS)),
        "%falstream close",
    ]
    with notebook(browser, jupyter_server, cells, "reconnecting.ipynb") as opened:
        opened.run(0)
        yield opened


ECHO, ENDLESS = 6, 3
"""How many of the cells have a box for an endpoint that answers, and for one that never ends."""
CLOSE = ECHO + ENDLESS + 1


def state(shown: Locator) -> Locator:
    return shown.locator(".fal-state")


def reason(shown: Locator) -> Locator:
    return shown.locator(".fal-head + .fal-problem")


def check_answered(shown: Locator, words: str) -> None:
    expect(shown.locator(".fal-entry").last).to_have_attribute("data-end", "done")
    expect(shown.locator(".fal-answer").last).to_contain_text(words)
    check_ready(shown)


def check_ready(shown: Locator) -> None:
    expect(state(shown)).to_have_text("ready")
    expect(state(shown).locator(".fal-light")).to_have_attribute("data-state", "ready")
    expect(reason(shown)).to_be_hidden()


def check_offline(shown: Locator, words: str) -> None:
    expect(state(shown)).to_have_text("offline")
    expect(reason(shown)).to_be_visible()
    expect(reason(shown)).to_contain_text(words)


def test_a_first_connection_that_is_slow_is_called_connecting(page: Notebook, gateway: Gateway) -> None:
    gateway.shut()
    page.run(1)
    shown = page.output(1).locator(".fal-root")
    expect(state(shown)).to_have_text("connecting…")
    gateway.open()
    check_ready(shown)


def test_a_lost_connection_is_opened_anew_for_the_next_prompt_and_says_so(page: Notebook, gateway: Gateway) -> None:
    shown = widget(page, 2)
    ask(shown, "before")
    check_answered(shown, "before")
    gateway.shut()
    gateway.lose()
    ask(shown, "after")
    expect(state(shown)).to_have_text("reconnecting…")
    expect(state(shown).locator(".fal-light")).to_have_attribute("data-state", "reconnecting")
    expect(button(shown, "Stop")).to_be_enabled()
    gateway.open()
    check_answered(shown, "after")
    assert (endpoints.requests["before"], endpoints.requests["after"]) == (1, 1)
    ask(shown, "the next")
    check_answered(shown, "the next")


def test_while_the_server_is_away_it_is_offline_with_the_reason_and_later_prompts_work(
    page: Notebook, gateway: Gateway
) -> None:
    shown = widget(page, 3)
    gateway.leave()
    ask(shown, "unheard")
    check_offline(shown, f"no connection to {gateway.url}/test/echo/stream")
    expect(shown.locator(".fal-entry[data-end=failed]")).to_contain_text("ConnectError")
    gateway.come()
    gateway.shut()
    ask(shown, "heard")
    expect(state(shown)).to_have_text("reconnecting…")
    expect(reason(shown)).to_be_hidden()
    gateway.open()
    check_answered(shown, "heard")
    assert (endpoints.requests["unheard"], endpoints.requests["heard"]) == (0, 1)


def test_a_refused_handshake_is_offline_with_the_reason_and_later_prompts_work(
    page: Notebook, gateway: Gateway
) -> None:
    shown = widget(page, 4)
    gateway.bar()
    gateway.lose()
    ask(shown, "refused")
    expect(shown.locator(".fal-entry[data-end=failed]")).to_contain_text("403")
    check_offline(shown, "403")
    gateway.open()
    ask(shown, "let in")
    check_answered(shown, "let in")
    assert (endpoints.requests["refused"], endpoints.requests["let in"]) == (0, 1)


def test_a_prompt_that_waits_for_its_connection_can_be_stopped_and_is_never_sent(
    page: Notebook, gateway: Gateway
) -> None:
    shown = widget(page, 5)
    gateway.shut()
    gateway.lose()
    ask(shown, "too long")
    expect(state(shown)).to_have_text("reconnecting…")
    box(shown).press("Escape")
    expect(shown.locator(".fal-entry").last).to_have_attribute("data-end", "stopped")
    expect(state(shown)).to_have_text("reconnecting…")
    gateway.open()
    check_ready(shown)
    assert endpoints.requests["too long"] == 0


def test_connections_that_were_closed_by_hand_are_opened_anew(page: Notebook, gateway: Gateway) -> None:
    shown = widget(page, 6)
    page.run(CLOSE)
    gateway.shut()
    ask(shown, "opened anew")
    expect(state(shown)).to_have_text("reconnecting…")
    gateway.open()
    check_answered(shown, "opened anew")


def test_after_a_stop_it_reconnects_and_the_next_prompt_waits_for_it(page: Notebook, gateway: Gateway) -> None:
    shown = widget(page, ECHO + 1)
    ask(shown, "x")
    expect(shown.locator(".fal-entry.fal-streaming")).to_contain_text("first words")
    gateway.shut()
    button(shown, "Stop").click()
    expect(shown.locator(".fal-entry")).to_have_attribute("data-end", "stopped")
    expect(state(shown)).to_have_text("reconnecting…")
    ask(shown, "waits")
    expect(shown.locator(".fal-entry")).to_have_count(2)
    expect(state(shown)).to_have_text("reconnecting…")
    gateway.open()
    expect(state(shown)).to_have_text("streaming…")
    expect(shown.locator(".fal-entry.fal-streaming")).to_contain_text("first words")
    button(shown, "Stop").click()
    check_ready(shown)
    assert (endpoints.requests["x"], endpoints.requests["waits"]) == (1, 1)


def test_after_a_stop_a_server_that_is_away_is_told_with_the_reason(page: Notebook, gateway: Gateway) -> None:
    shown = widget(page, ECHO + 2)
    ask(shown, "x")
    expect(shown.locator(".fal-entry.fal-streaming")).to_contain_text("first words")
    gateway.bar()
    button(shown, "Stop").click()
    check_offline(shown, "403")
    gateway.open()
    ask(shown, "y")
    expect(state(shown)).to_have_text("streaming…")
    expect(reason(shown)).to_be_hidden()
    button(shown, "Stop").click()
    check_ready(shown)


def test_a_server_that_goes_away_in_the_middle_leaves_the_words_and_the_reason(
    page: Notebook, gateway: Gateway
) -> None:
    shown = widget(page, ECHO + 3)
    ask(shown, "x")
    expect(shown.locator(".fal-entry.fal-streaming")).to_contain_text("first words")
    gateway.leave()
    check_offline(shown, "closed after")
    expect(shown.locator(".fal-entry[data-end=failed]")).to_contain_text("first words")
    gateway.come()
    gateway.shut()
    ask(shown, "y")
    expect(state(shown)).to_have_text("reconnecting…")
    gateway.open()
    expect(state(shown)).to_have_text("streaming…")
    expect(shown.locator(".fal-entry.fal-streaming")).to_contain_text("first words")
    button(shown, "Stop").click()
    check_ready(shown)
    assert (endpoints.requests["x"], endpoints.requests["y"]) == (1, 1)
