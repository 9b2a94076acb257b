"""How many elements of a page are styled anew when a stylesheet of ours comes or goes, as Chromium's trace tells."""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from fal_notebook.display.own_classes import for_own_classes
from fal_notebook.render.answer_style import answer_style
from fal_notebook.render.bundles import text_bundle
from fal_notebook.render.foot import foot_bundle

from .growing_texts import MIXED

FOOT = foot_bundle("fal-ai/any-llm · 2.31 s", "", [("request", "x")])["text/html"]
FEW = 10


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page()
    opened.set_content(f"<!DOCTYPE html><body>{text_bundle(MIXED * 20)['text/html']}")
    yield opened
    opened.close()


def styled_anew(page: Page, sheet: str) -> int:
    """The most elements that are styled when the sheet comes, and when it goes."""
    page.evaluate("document.body.offsetHeight")
    browser = page.context.browser
    assert browser is not None
    browser.start_tracing(page=page, categories=["devtools.timeline"])
    page.evaluate(
        "css => { const style = document.createElement('style'); style.textContent = css; document.body.append(style);"
        " document.body.offsetHeight; style.remove(); document.body.offsetHeight; }",
        sheet,
    )
    events = json.loads(browser.stop_tracing())["traceEvents"]
    return max(int(each["args"].get("elementCount", 0)) for each in events if each["name"] == "UpdateLayoutTree")


def test_the_line_below_an_answer_and_words_that_grow_cost_the_answers_in_the_page_nothing(page: Page) -> None:
    foot = re.findall(r"<style[^>]*>([^<]*)", FOOT)
    assert len(foot) == 1
    assert ".fal-foot" in foot[0]
    assert styled_anew(page, foot[0]) < FEW
    assert styled_anew(page, for_own_classes(answer_style())) < FEW
