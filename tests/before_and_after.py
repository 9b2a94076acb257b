"""Pictures of answers in JupyterLab as an earlier version showed them and as this one does: ``make pictures``.

The same scenes are played with the package of both versions, in the light theme and in the dark. Pictures of whole
windows, wide and narrow, go into ``build/before-and-after``, to be looked at. Some narrow ones are put side by side for
the README.
"""

import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import Browser, Locator, expect, sync_playwright

from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.server import LocalServer

from .browser.lab import Notebook, jupyter, launch, notebook
from .scenes import Gate, create_app

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "notebooks" / "images"
SHOTS = ROOT / "build" / "before-and-after"
BEFORE = "d3540af"
"""The commit of the earlier version, the last one that showed Markdown as it was written until an answer's end."""
WINDOWS = {"wide": 1280, "narrow": 700}
"""The widths of the window, in pixels; the narrow one has no file browser."""
HEIGHT = 800
GROUNDS = {"light": ("#ffffff", "#57606a"), "dark": ("#0d1117", "#8b949e")}
"""The colours of GitHub's pages and of labels on them."""
GAP, HEAD = 24, 30  # pixels between the pictures, and above them
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
CELLS = [
    "%load_ext fal_notebook",
    '%falstream local/tides/stream prompt="Why is there a tide twice a day?"',
    '%falstream local/fractal prompt="islands" num_images:=4 width:=768 height:=512',
    '%falstream local/fractal prompt="a quiet sea" width:=1024 height:=1024',
    "%falstream local/detections image_url=https://files.example/harbour.jpg",
    '%falstream local/fractal prompt="too wide" width:=9000',
    "%falstream local/files prompt=stems",
    "from fal_notebook import PromptWidget\n\nPromptWidget('local/tides/stream')",
    '%falstream local/fractal prompt="a small sea" width:=256 height:=128',
    "%falstream local/tides/stream prompt=tides think:=true --models moon,sun",
    "%falstream local/progress/stream prompt=sea",
    "%falstream local/tides/stream prompt=tides think:=true",
]
HALF = "return 2 * G"
"""Words of the answer shortly before it waits."""


@dataclass
class Stage:
    """A notebook in which the scenes are played, and where their pictures go."""

    page: Notebook
    gate: Gate
    folder: Path

    def shoot(self, name: str, cell: int) -> None:
        """Take pictures of the window with a cell at the top, and of the cell alone for the README."""
        shown = self.page.page.locator(".jp-Notebook .jp-Cell").nth(cell)
        for size, width in WINDOWS.items():
            self._resize(width, is_narrow=size == "narrow")
            for theme, title in THEMES.items():
                self.page.theme(title)
                shown.evaluate("cell => cell.scrollIntoView()")
                self.page.page.wait_for_timeout(600)
                path = self.folder / f"{name}-{size}-{theme}.png"
                self.page.page.screenshot(path=path)
                if size == "narrow":
                    self._cut_out(shown, path)
        self._resize(WINDOWS["wide"], is_narrow=False)
        self.page.theme(THEMES["light"])

    def _resize(self, width: int, *, is_narrow: bool) -> None:
        self.page.page.set_viewport_size({"width": width, "height": HEIGHT})
        if self.page.page.locator("#jp-left-stack").is_visible() == is_narrow:
            self.page.command("application:toggle-left-area")

    def _cut_out(self, shown: Locator, path: Path) -> None:
        """Cut a cell out of the picture of a window, as far as it is in it."""
        box = shown.bounding_box()
        panel = self.page.page.locator(".jp-NotebookPanel-notebook").bounding_box()
        assert box is not None
        assert panel is not None
        bottom = min(box["y"] + box["height"], panel["y"] + panel["height"])
        with Image.open(path) as picture:
            part = picture.crop((round(box["x"]), round(panel["y"]), round(box["x"] + box["width"]), round(bottom)))
            part.save(path.with_stem(f"{path.stem}-cell"))


def _growing_and_whole(stage: Stage, name: str, cell: int) -> None:
    """A cell's answer in mid-stream, and at its end."""
    stage.gate.close()
    stage.page.start(cell)
    expect(stage.page.output(cell)).to_contain_text(HALF)
    stage.shoot(f"{name}-growing", cell)
    stage.gate.open()
    stage.page.wait(cell)
    stage.shoot(name, cell)


def words(stage: Stage) -> None:
    """An answer with a table, code and a formula, in mid-stream and at its end."""
    _growing_and_whole(stage, "words", 1)


def footer(stage: Stage) -> None:
    """What stands below an answer, unfolded."""
    stage.page.run(8)
    for fold in stage.page.output(8).locator("summary").all():
        fold.click()
    stage.shoot("footer", 8)


def reasoning(stage: Stage) -> None:
    """An answer with reasoning."""
    _growing_and_whole(stage, "reasoning", 11)


def columns(stage: Stage) -> None:
    """Two answers side by side."""
    _growing_and_whole(stage, "columns", 9)


def progress(stage: Stage) -> None:
    """A bar with words."""
    stage.gate.close()
    stage.page.start(10)
    expect(stage.page.output(10).get_by_role("button", name="Stop this request")).to_be_visible()
    stage.page.page.wait_for_timeout(1500)
    stage.shoot("progress", 10)
    stage.gate.open()
    stage.page.wait(10)


def pictures(stage: Stage) -> None:
    """Four pictures, and a single one."""
    stage.page.run(2)
    stage.shoot("gallery", 2)
    stage.page.run(3)
    stage.shoot("single-picture", 3)


def data(stage: Stage) -> None:
    """Two hundred detections as JSON."""
    stage.page.run(4)
    stage.shoot("json", 4)


def error(stage: Stage) -> None:
    """Arguments that the endpoint refuses."""
    stage.page.start(5)
    stage.page.wait(5)
    stage.shoot("error", 5)


def files(stage: Stage) -> None:
    """Sounds and files of one answer."""
    stage.page.run(6)
    stage.shoot("files", 6)


def prompt_widget(stage: Stage) -> None:
    """The same answer in the prompt widget, in mid-stream and at its end."""
    stage.page.run(7)
    stage.gate.close()
    box = stage.page.output(7)
    box.get_by_label("Prompt", exact=True).fill("Why is there a tide twice a day?")
    box.get_by_label("Prompt", exact=True).press("Control+Enter")
    expect(box.locator(".fal-entry")).to_contain_text(HALF)
    stage.shoot("prompt-widget-growing", 7)
    stage.gate.open()
    expect(box.locator(".fal-entry[data-end=done]")).to_have_count(1)
    stage.shoot("prompt-widget", 7)


COMPARED = {"words-growing": 590, "gallery": 300, "json": 330}
"""The pictures that the README compares, each with its greatest height."""
SCENES = (words, footer, pictures, data, error, files, prompt_widget, reasoning, columns, progress)


def play(browser: Browser, package: Path, folder: Path, names: Sequence[str] = ()) -> None:
    """Play the scenes with these names, or all, with the package that a folder holds, and put the pictures there."""
    folder.mkdir(parents=True, exist_ok=True)
    gate = Gate()
    with (
        LocalServer(HTTPOverWebSocket(create_app(gate))) as server,
        tempfile.TemporaryDirectory() as place,
    ):
        (Path(place) / "notebooks").mkdir()
        environment = {"FAL_NOTEBOOK_URL": server.url, "PYTHONPATH": str(package)}
        with (
            jupyter(Path(place) / "notebooks", environment) as lab,
            notebook(browser, lab, CELLS, "scenes.ipynb") as page,
        ):
            page.page.set_viewport_size({"width": WINDOWS["wide"], "height": HEIGHT})
            page.run(0)
            for scene in SCENES:
                if not names or scene.__name__ in names:
                    scene(Stage(page, gate, folder))


@contextmanager
def package_of(commit: str) -> Iterator[Path]:
    """A folder with the package as it was at a commit."""
    command = ["git", "archive", commit, "fal_notebook"]
    archive = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    with tempfile.TemporaryDirectory() as place, tarfile.open(fileobj=BytesIO(archive.stdout)) as files:
        files.extractall(place, filter="data")
        yield Path(place)


def compare(theme: str) -> None:
    """Put pictures of both versions side by side, with few colours, so that they take few bytes."""
    ground, ink = GROUNDS[theme]
    rows = [[_cell(when, name, theme, height) for when in ("before", "after")] for name, height in COMPARED.items()]
    width = max(picture.width for row in rows for picture in row)
    heights = [max(picture.height for picture in row) for row in rows]
    whole = Image.new("RGB", (2 * width + GAP, HEAD + sum(heights) + GAP * (len(rows) - 1)), ground)
    for number, label in enumerate(("before", "now")):
        ImageDraw.Draw(whole).text((number * (width + GAP) + 4, 4), label, fill=ink, font=ImageFont.load_default(18))
    top = HEAD
    for row, height in zip(rows, heights, strict=True):
        for number, picture in enumerate(row):
            whole.paste(picture, (number * (width + GAP), top))
        top += height + GAP
    whole.quantize(128).save(IMAGES / f"before-and-now-{theme}.png", optimize=True)


def _cell(when: str, name: str, theme: str, height: int) -> Image.Image:
    with Image.open(SHOTS / when / f"{name}-narrow-{theme}-cell.png") as picture:
        return picture.convert("RGB").crop((0, 0, picture.width, min(height, picture.height)))


def main(names: Sequence[str] = ()) -> None:
    expect.set_options(timeout=20_000)  # milliseconds: two cores can be busy for a while
    with sync_playwright() as driver:
        browser = launch(driver)
        with package_of(BEFORE) as package:
            play(browser, package, SHOTS / "before", names)
        play(browser, ROOT, SHOTS / "after", names)
        browser.close()
    for theme in THEMES:
        compare(theme)


if __name__ == "__main__":
    main(sys.argv[1:])
