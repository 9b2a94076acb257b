"""A request that takes long, in fal's queue, in a real page: live, left with a click and with ■, and found again."""

import asyncio
import logging
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from fal_notebook.local.asgi import Receive, Scope, Send

from ..conftest import KEY
from ..many.asked import PNG
from ..queue_place import QueuePlace, queue_place
from .lab import Notebook, Server, notebook

HOSTILE = r"<img src=x onerror=window.owned=1> \href{javascript:window.owned=2}{x} $\unicode{<b>}$"
FRAMES = 10
logger = logging.getLogger("video")
logger.setLevel(logging.INFO)


class Video:
    """Makes frames, as many as a test lets it make, and logs each; the answer is a picture.

    Attributes:
        allowed: how many frames may be made.
        calls: how often it was asked.
    """

    def __init__(self) -> None:
        self.allowed = self.calls = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        await receive()
        self.calls += 1
        logger.info("loading %s", HOSTILE)
        for frame in range(1, FRAMES + 1):
            while self.allowed < frame:  # noqa: ASYNC110  # a test sets it from its own thread
                await asyncio.sleep(0.01)
            logger.info("%d%%|%s| %d/%d frames", 100 * frame // FRAMES, "█" * frame, frame, FRAMES)
        headers = [(b"content-type", b"image/png")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": PNG})


@pytest.fixture(scope="module")
def video() -> Video:
    return Video()


@pytest.fixture(scope="module")
def place(video: Video) -> Iterator[QueuePlace]:
    with queue_place(app=video) as running:
        yield running


@pytest.fixture(scope="module")
def page(browser: Browser, jupyter_server: Server, place: QueuePlace) -> Iterator[Notebook]:
    ask = f"%%falstream acme/video --queue --base-url {place.url} -o clip\nA river at dawn"
    cells = [
        f"import os; os.environ['FAL_KEY'] = {KEY!r}\n%load_ext fal_notebook",
        ask,
        ask,
        "name = clip.request_id",
        f"%falstream attach acme/video {{{{name}}}} --base-url {place.url} -o found",
        "clip",
    ]
    with notebook(browser, jupyter_server, cells) as opened:
        opened.run(0)
        yield opened


def test_place_progress_and_logs_are_live_and_stop_leaves_the_request(page: Notebook, video: Video) -> None:
    video.allowed = 3
    output = page.output(1)
    page.start(1)
    expect(output).to_contain_text("at work…")
    expect(output).to_contain_text("30%|███| 3/10 frames")
    expect(output.locator(".progress-bar")).to_have_attribute("style", re.compile("width: 30%"))
    expect(output).to_contain_text("<img src=x onerror=window.owned=1>")
    assert page.page.evaluate("window.owned") is None
    assert output.locator("a[href^=javascript], img").count() == 0
    video.allowed = 6
    expect(output).to_contain_text("6/10 frames")
    output.locator(".fal-stop button").click()
    saved = page.wait(1)
    expect(output).to_contain_text("left in the queue")
    expect(output).to_contain_text("%falstream attach acme/video")
    expect(output).to_contain_text("--base-url ws://")
    assert "left in the queue" in str(saved)
    assert "widget-view" not in str(page.save().cells[1].outputs)


def test_an_interrupt_leaves_the_request_that_waits_in_line(page: Notebook, video: Video) -> None:
    output = page.output(2)
    page.start(2)
    expect(output).to_contain_text("in the queue, next")
    page.command("notebook:interrupt-kernel")
    page.wait(2)
    expect(output).to_contain_text("left in the queue")
    expect(output).to_contain_text("KeyboardInterrupt")
    assert video.calls == 1


def test_the_answer_is_found_again_and_stays(page: Notebook, video: Video) -> None:
    page.run(3)
    video.allowed = FRAMES
    page.run(4)
    expect(page.output(4).locator("img")).to_be_visible()
    assert video.calls == 2
    assert "image/png" in str(page.save().cells[4].outputs)
    page.run(5)
    expect(page.output(5)).to_contain_text("in fal's queue: acme/video")
    own = "reading 'schema'"  # an error of Notebook 7's own, now and then while it loads
    assert [each for each in page.errors if own not in each] == []
