"""Files and data of an answer in a real page: sizes on the screen, clicks and keys, saving, and without trust."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, Locator, expect

from ..conftest import wait_until
from .lab import Notebook, Server, notebook

pytestmark = pytest.mark.front_end  # for what it takes

MAKE = """%load_ext fal_notebook
import base64, io, wave
from PIL import Image

def uri(data, kind):
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"

def picture(width, height, mode="RGB", kind="PNG"):
    file = io.BytesIO()
    Image.new(mode, (width, height)).save(file, kind)
    return {"url": uri(file.getvalue(), f"image/{kind.lower()}")}

def sound(seconds):
    file = io.BytesIO()
    with wave.open(file, "wb") as recording:
        recording.setparams((1, 2, 8000, 0, "NONE", ""))
        recording.writeframes(bytes(16000 * seconds))
    return uri(file.getvalue(), "audio/wav")

zipped = b"PK" + bytes(90_000)
vector = b"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'><circle r='4'/></svg>"
box = {"label": "cat", "score": 0.93, "box": [12, 30, 480, 512]}
ANSWERS = {
    "single": {"image": picture(1024, 1024), "seed": 7, "timings": {"inference": 1.5}},
    "portrait": {"image": picture(768, 1344)},
    "transparent": {"mask_image": picture(600, 400, "RGBA")},
    "long": {"image": picture(512, 10240, kind="WEBP")},
    "vector": {"image": {"url": uri(vector, "image/svg+xml"), "file_name": "logo.svg"}},
    "stems": {name: {"url": sound(number)} for number, name in enumerate(["vocals", "drums", "bass", "other"], 1)},
    "files": {
        "model_mesh": {"url": "https://fal.media/files/cat.glb", "file_size": 4_200_000},
        "textures": {"url": uri(zipped, "application/zip"), "file_name": "textures.zip"},
        "report": {"url": uri(b"%PDF-1.7 ...", "application/pdf"), "file_name": "report.pdf"},
    },
    "video": {"video": {"url": uri(bytes(4) + b"ftypisom" + bytes(90), "video/mp4")}},
    "detections": {"detections": [box] * 200, "model": "yolo"},
    "beside": {"image": picture(64, 64, kind="WEBP"), "detections": [box] * 200},
    "many": {"images": [picture(256, 256 + number, kind="JPEG") for number in range(40)]},
    "sounds": {f"part_{number}": {"url": sound(number)} for number in range(1, 41)},
}
"""
NAMES = (
    "single portrait transparent long vector stems files video detections beside many sounds".split()  # noqa: SIM905 - read as they are written
)
CELLS = [MAKE, *(f'%falstream test/failing status:=200 body={{{{ANSWERS["{name}"]}}}}' for name in NAMES)]


def cell(name: str) -> int:
    return 1 + NAMES.index(name)


@pytest.fixture(scope="module")
def page(browser: Browser, jupyter_server: Server) -> Iterator[Notebook]:
    with notebook(browser, jupyter_server, CELLS, "files.ipynb") as opened:
        for number in range(len(CELLS)):
            assert all(each["output_type"] != "error" for each in opened.run(number))
        yield opened


def output_of(page: Notebook, name: str) -> Locator:
    """The outputs of a cell, scrolled into the window: JupyterLab draws no others."""
    shown = page.output(cell(name))
    shown.scroll_into_view_if_needed()
    return shown


def words_of(page: Notebook, name: str) -> str:
    return output_of(page, name).text_content() or ""


def height(page: Notebook, name: str) -> float:
    return float(output_of(page, name).evaluate("each => each.getBoundingClientRect().height"))


def size(shown: Locator) -> tuple[float, float]:
    shown.scroll_into_view_if_needed()
    box = shown.bounding_box()
    assert box
    return box["width"], box["height"]


WINDOW = 1000


@pytest.mark.parametrize("name", ["single", "portrait", "transparent", "long", "video"])
def test_a_picture_takes_no_more_than_sixty_hundredths_of_the_window(page: Notebook, name: str) -> None:
    shown = output_of(page, name).locator("img, video").first
    frame = shown.locator("xpath=ancestor::label") if name == "long" else shown
    wait_until(lambda: 100 < size(frame)[1] <= 0.6 * WINDOW + 1)
    assert height(page, name) < 0.72 * WINDOW
    assert name in ("long", "video") or "conic-gradient" in shown.evaluate("each => getComputedStyle(each).background")


def test_a_single_picture_is_in_the_notebook_once_and_of_its_own_type(page: Notebook) -> None:
    picture, caption = page.outputs(cell("single"))
    assert set(picture["data"]) == {"image/png", "text/plain"}
    assert "base64" not in caption["data"]["text/html"]
    said = words_of(page, "single")
    assert "1024×1024" in said
    assert "more from the endpoint: seed, timings" in said


@pytest.mark.parametrize("name", ["single", "portrait", "long"])
def test_a_click_or_the_space_bar_enlarges_a_single_picture_and_makes_it_small_again(page: Notebook, name: str) -> None:
    output = output_of(page, name)
    label, picture = output.locator("label"), output.locator("img")
    own = picture.evaluate("each => each.naturalHeight")
    before = size(picture)
    # The label of a picture that is an output of its own takes the mouse only in its corner.
    label.click(position={"x": size(label)[0] - 20 if name != "long" else 40, "y": 20})
    wait_until(lambda: size(picture)[1] == own)
    label.click(position={"x": size(label)[0] - 20 if name != "long" else 40, "y": 20})
    wait_until(lambda: size(picture) == before)
    output.get_by_role("checkbox").focus()
    page.page.keyboard.press("Space")
    wait_until(lambda: size(picture)[1] == own)
    page.page.keyboard.press("Space")
    wait_until(lambda: size(picture) == before)


@pytest.mark.parametrize("name", ["single", "long"])
def test_a_right_click_on_a_single_picture_reaches_the_picture(page: Notebook, name: str) -> None:
    picture = output_of(page, name).locator("img")
    picture.scroll_into_view_if_needed()
    found = picture.evaluate(
        "each => { const box = each.getBoundingClientRect();"
        " return document.elementFromPoint(box.left + box.width / 2, box.top + 60) === each; }"
    )
    assert found


def test_stems_have_their_names_beside_their_players(page: Notebook) -> None:
    output = output_of(page, "stems")
    assert output.locator("figcaption b").all_inner_texts() == ["vocals", "drums", "bass", "other"]
    players = output.locator("audio")
    wait_until(lambda: players.evaluate_all("all => all.map(each => each.duration)") == [1, 2, 3, 4])
    assert height(page, "stems") < 300


def test_bytes_are_saved_by_a_click_and_whole(page: Notebook, tmp_path: Path) -> None:
    row = output_of(page, "files").locator("figure", has_text="textures.zip")
    with page.page.expect_download() as saving:
        row.get_by_role("link", name="save").click()
    assert saving.value.suggested_filename == "textures.zip"
    saving.value.save_as(tmp_path / "it")
    whole = b"PK" + bytes(90_000)
    assert hashlib.sha256((tmp_path / "it").read_bytes()).digest() == hashlib.sha256(whole).digest()


def test_a_model_is_a_link_and_a_drawing_is_named(page: Notebook) -> None:
    link = output_of(page, "files").get_by_role("link", name="cat.glb")
    assert link.get_attribute("href") == "https://fal.media/files/cat.glb"
    assert "4.2 MB" in words_of(page, "files")
    assert "logo.svg" in words_of(page, "vector")
    assert output_of(page, "vector").locator("figure svg, figure img").count() == 0
    assert max(height(page, name) for name in ("files", "vector")) < 300


def test_two_hundred_detections_are_less_than_a_window_high_and_can_be_searched(page: Notebook) -> None:
    wait_until(lambda: 50 < height(page, "detections") < WINDOW)
    expect(output_of(page, "detections").locator(".jp-RenderedJSON")).to_have_count(1)


def test_what_stands_beside_a_picture_unfolds_to_less_than_a_window(page: Notebook) -> None:
    output = output_of(page, "beside")
    before = height(page, "beside")
    output.get_by_text("more from the endpoint: detections").click()
    wait_until(lambda: before + 100 < height(page, "beside") < before + 0.65 * WINDOW)
    output.get_by_text("… 188 more").click()
    wait_until(lambda: before + 100 < height(page, "beside") < before + 0.65 * WINDOW)
    output.get_by_text("more from the endpoint: detections").click()
    wait_until(lambda: height(page, "beside") == before)


def test_forty_pictures_and_forty_sounds_leave_the_page_alive(page: Notebook) -> None:
    assert height(page, "many") < 2 * WINDOW
    assert output_of(page, "many").locator("img").count() == 40
    players = output_of(page, "sounds").locator("audio")
    assert players.count() == 40
    assert players.evaluate_all("all => all.every(each => each.preload === 'none' && !each.readyState)")
    assert page.page.evaluate(
        "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"
    )


def test_all_is_there_after_save_and_reopen_and_without_trust(page: Notebook, browser: Browser) -> None:
    saved = nbformat.from_dict(page.save())
    assert saved.cells[cell("detections")].outputs[0].data["application/json"]["model"] == "yolo"
    page.open()
    expect(output_of(page, "stems").locator("audio")).to_have_count(4)
    wait_until(lambda: 100 < size(output_of(page, "portrait").locator("img"))[1] <= 601)
    for each in saved.cells:
        each.metadata.pop("trusted", None)
        each.source += "  # from elsewhere"
    with notebook(browser, page.server, ["1"], "foreign_files.ipynb") as opened:
        nbformat.write(saved, opened.path)
        opened.open()
        stems = output_of(opened, "stems")
        expect(stems.locator("audio")).to_have_count(4)
        wait_until(lambda: stems.locator("audio").evaluate_all("all => all.map(each => each.duration)") == [1, 2, 3, 4])
        assert "vocals" in (stems.text_content() or "")
        assert output_of(opened, "many").locator("input:visible").count() == 0
        files = output_of(opened, "files")
        assert "the result's media[1].save('textures.zip') keeps it" in (files.text_content() or "")
        assert files.get_by_role("link").count() == 1


def test_the_page_has_no_errors_but_those_of_an_empty_notebook(page: Notebook, usual_errors: set[str]) -> None:
    assert set(page.errors) <= usual_errors
