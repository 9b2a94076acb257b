"""Takes the pictures of the README and of the guide from real runs: ``make pictures``.

The demo's local models answer a real JupyterLab in Chromium. Each picture is taken while something streams.
"""

import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, expect, sync_playwright

from fal_notebook.local.app import create_app
from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.server import LocalServer

from .browser.lab import Notebook, Server, jupyter, launch, notebook

IMAGES = Path(__file__).parents[1] / "notebooks" / "images"
LOAD = "%load_ext fal_notebook"
LLM = "fal-ai/any-llm/stream temperature:=0.2"
WARM_UP = f"%falstream {LLM} prompt=Hi max_tokens:=1 -q"
LONG = f"%%falstream {LLM} -o answer\nWrite a long story about a lighthouse and the sea."
STORY = "This sentence is heard while the next one is being spoken. " * 60
SOME_WORDS = re.compile(r"(\w+\W+){12}")
MANY_WORDS = re.compile(r"(\w+\W+){60}")


def main(names: Sequence[str] = ()) -> None:
    """Take the pictures with these names, or all of them."""
    with (
        LocalServer(HTTPOverWebSocket(create_app())) as models,
        tempfile.TemporaryDirectory() as place,
        sync_playwright() as driver,
    ):
        folder = Path(place) / "notebooks"
        folder.mkdir()
        with jupyter(folder, {"FAL_NOTEBOOK_URL": models.url}) as lab:
            browser = launch(driver, "--autoplay-policy=no-user-gesture-required")
            for make in PICTURES:
                if not names or make.__name__ in names:
                    make(browser, lab)
            browser.close()


def quickstart(browser: Browser, lab: Server) -> None:
    """An answer that streams; below it a player and a picture."""
    cells = [
        LONG,
        "%%falstream local/speech -o spoken\nHello! This sentence was spoken by a model of fourteen megabytes.",
        '%falstream local/fractal prompt="a quiet sea" width:=384 height:=288 -o picture',
    ]
    with opened(browser, lab, cells) as page:
        for cell in (2, 3):
            page.run(cell)
        page.start(1)
        expect(page.output(1)).to_contain_text(MANY_WORDS)
        page.page.wait_for_timeout(700)
        shoot(page, "quickstart", 1, 3)


def player(browser: Browser, lab: Server) -> None:
    """Sound that plays while it is still being generated."""
    with opened(browser, lab, [f"story = {STORY!r}", "%%falstream local/speech/stream --play\n{{story}}"]) as page:
        page.run(1)
        page.start(2)
        expect(page.output(2).locator("[data-state=playing]")).to_have_count(1)
        page.page.wait_for_timeout(400)
        shoot(page, "player", 2, 2)


def previews(browser: Browser, lab: Server) -> None:
    """A preview of a picture, with its progress."""
    cell = '%falstream local/fractal/stream prompt="a storm" width:=640 height:=400 -o storm'
    with opened(browser, lab, [cell]) as page:
        page.start(1)
        expect(page.output(1).locator("img")).to_have_count(1)
        page.page.wait_for_function("() => document.querySelector('.jp-OutputArea img')?.naturalWidth > 0")
        shoot(page, "previews", 1, 1)


def gallery(browser: Browser, lab: Server) -> None:
    """The pictures of one answer, side by side."""
    with opened(browser, lab, ['%falstream local/fractal prompt="islands" num_images:=4']) as page:
        page.run(1)
        shoot(page, "gallery", 1, 1)


def columns(browser: Browser, lab: Server) -> None:
    """Two endpoints side by side."""
    cell = "%%falstream fal-ai/any-llm/stream,fal-ai/any-llm temperature:=0.2 max_tokens:=90\nWhat is a comet?"
    with opened(browser, lab, [cell]) as page:
        page.run(1)
        shoot(page, "columns", 1, 1)


def prompt_widget(browser: Browser, lab: Server) -> None:
    """A conversation with a finished answer and one that streams, in the light theme and in the dark."""
    cells = [f"from fal_notebook import PromptWidget\n\nPromptWidget({LLM.split()[0]!r}, {{'temperature': 0.2}})"]
    with opened(browser, lab, cells) as page:
        box = page.output(1).get_by_label("Prompt", exact=True)
        for theme, name in (("JupyterLab Light", "light"), ("JupyterLab Dark", "dark")):
            page.theme(theme)
            page.run(1)
            for prompt in ("What is the sun?", "Tell a long story about the moon."):
                box.fill(prompt)
                box.press("Control+Enter")
                expect(page.output(1).locator(".fal-streaming .fal-words")).to_contain_text(SOME_WORDS)
                if prompt.startswith("What"):
                    expect(page.output(1).locator(".fal-streaming")).to_have_count(0)
            page.page.wait_for_timeout(700)
            shoot(page, f"prompt-widget-{name}", 1, 1)
        page.theme("JupyterLab Light")


@contextmanager
def opened(browser: Browser, lab: Server, cells: Sequence[str]) -> Iterator[Notebook]:
    """An open notebook with these cells from number 1 on, the extension loaded and the language model warmed up."""
    with notebook(browser, lab, [f"{LOAD}\n{WARM_UP}", *cells], "pictures.ipynb") as page:
        page.run(0)
        yield page


def shoot(page: Notebook, name: str, first: int, last: int) -> None:
    """Save a picture of the page from one cell to another, with few colours, so that it takes few bytes."""
    cells = page.page.locator(".jp-Notebook .jp-Cell")
    upper, lower = (cells.nth(number).bounding_box() for number in (first, last))
    assert upper is not None
    assert lower is not None
    height = lower["y"] + lower["height"] - upper["y"]
    clip = {"x": upper["x"], "y": upper["y"], "width": upper["width"], "height": height}
    path = IMAGES / f"{name}.png"
    path.write_bytes(page.page.screenshot(clip=clip))  # type: ignore[arg-type]  # clip has the right keys
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(256).save(path, optimize=True)


PICTURES = (quickstart, player, previews, gallery, columns, prompt_widget)

if __name__ == "__main__":
    main(sys.argv[1:])
