"""Several pictures of one answer, side by side in a real page: a click or a key enlarges one, also after reopening."""

import re
from collections.abc import Iterator

import nbformat
import pytest
from playwright.sync_api import Browser, Locator, expect

from ..conftest import wait_until
from .lab import Notebook, Server, notebook

pytestmark = pytest.mark.front_end  # for what it takes

MAKE = """
import base64, io
from PIL import Image

def picture(colour):
    file = io.BytesIO()
    Image.new("RGB", (1600, 500), colour).save(file, "PNG")
    return {"url": "data:image/png;base64," + base64.b64encode(file.getvalue()).decode(), "content_type": "image/png"}

answer = {"images": [picture(each) for each in ("teal", "navy", "olive", "black")], "seed": 7}
answer["has_nsfw_concepts"] = [False, False, False, True]
"""
CELLS = ["%load_ext fal_notebook" + MAKE, "%falstream test/failing status:=200 body={{answer}}"]


@pytest.fixture(scope="module")
def page(browser: Browser, jupyter_server: Server) -> Iterator[Notebook]:
    with notebook(browser, jupyter_server, CELLS, "pictures.ipynb") as opened:
        opened.run(0)
        opened.run(1)
        yield opened


def pictures(page: Notebook) -> Locator:
    return page.output(1).locator("figure img")


def boxes(page: Notebook) -> list[dict[str, float]]:
    found: list[dict[str, float]] = pictures(page).evaluate_all(
        "found => found.map(each => each.getBoundingClientRect())"
    )
    return found


def are_in_one_row(page: Notebook) -> bool:
    first, *others = boxes(page)
    places = [each["x"] for each in (first, *others)]
    return len(others) == 3 and all(each["y"] == first["y"] for each in others) and places == sorted(set(places))


def is_in_its_own_size(picture: Locator) -> bool:
    own: bool = picture.evaluate("each => each.clientWidth === each.naturalWidth && each.naturalWidth === 1600")
    return own


def test_four_pictures_stand_in_one_row_with_size_and_seed(page: Notebook) -> None:
    wait_until(lambda: are_in_one_row(page))
    captions = page.output(1).locator("figcaption").all_inner_texts()
    said = [re.sub(r"[\d.]+ kB", "- kB", caption) for caption in captions]
    assert said == [*["1600×500 · - kB · seed 7"] * 3, "1600×500 · - kB · seed 7 · withheld by the safety checker"]
    assert len(page.outputs(1)) == 1


def test_a_click_shows_a_picture_in_its_own_size_and_a_second_one_closes_it(page: Notebook) -> None:
    second = pictures(page).nth(1)
    second.click()
    assert is_in_its_own_size(second)
    assert not is_in_its_own_size(pictures(page).nth(2))
    frame = second.locator("xpath=ancestor::figure").bounding_box()
    shown = page.output(1).bounding_box()
    assert frame
    assert shown
    assert frame["x"] + frame["width"] <= shown["x"] + shown["width"] + 1
    second.click()
    wait_until(lambda: are_in_one_row(page))


def test_the_keyboard_opens_and_closes_a_picture(page: Notebook) -> None:
    control = page.output(1).get_by_role("checkbox", name="Picture 3 of 4 in its own size")
    page.output(1).get_by_role("checkbox").nth(1).focus()
    page.page.keyboard.press("Tab")
    expect(control).to_be_focused()
    page.page.keyboard.press("Space")
    assert is_in_its_own_size(pictures(page).nth(2))
    page.page.keyboard.press("Space")
    wait_until(lambda: are_in_one_row(page))


def test_they_are_there_after_save_and_reopen(page: Notebook) -> None:
    page.save()
    page.open()
    expect(pictures(page)).to_have_count(4)
    wait_until(lambda: are_in_one_row(page))


def test_a_notebook_that_is_not_trusted_shows_them_too(page: Notebook, browser: Browser) -> None:
    foreign = nbformat.from_dict(page.save())
    for cell in foreign.cells:
        cell.metadata.pop("trusted", None)
    with notebook(browser, page.server, ["1"], "foreign.ipynb") as opened:
        foreign.cells[1].source += "  # from elsewhere"
        nbformat.write(foreign, opened.path)
        opened.open()
        expect(pictures(opened)).to_have_count(4)
        wait_until(lambda: all(box["width"] > 100 for box in boxes(opened)))


def test_the_page_has_no_errors_but_those_of_an_empty_notebook(page: Notebook, usual_errors: set[str]) -> None:
    assert set(page.errors) <= usual_errors
