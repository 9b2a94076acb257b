"""The labels of the prompt widget can be read in every state of their buttons, in the light theme and the dark."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, expect

from .contrast import READABLE, contrast
from .lab import Notebook, Server, notebook
from .test_prompt_widget import ask, button, widget

pytestmark = pytest.mark.front_end  # for what it takes

CELLS = [
    "from fal_notebook import PromptWidget",
    "a = PromptWidget('test/echo/stream', {'n': 1}); a",
    "b = PromptWidget('test/endless/stream'); b",
]
LEGIBLE = 2.5
"""For what is disabled WCAG asks nothing; it must still not vanish."""


@pytest.fixture(scope="module", params=["JupyterLab Light", "JupyterLab Dark"])
def page(request: pytest.FixtureRequest, browser: Browser, lab: Server) -> Iterator[Notebook]:
    with notebook(browser, lab, CELLS, "colours.ipynb") as opened:
        opened.run(0)
        opened.theme(request.param)
        yield opened


def states(page: Notebook, each: Locator) -> dict[str, float]:
    """The contrast of a button's label in each state that a person brings it to."""
    mouse = page.page.mouse
    mouse.move(0, 0)
    found = {"rest": contrast(each)}
    each.focus()
    found["focus"] = contrast(each)
    each.hover()
    found["hover"] = contrast(each)
    mouse.down()
    found["active"] = contrast(each)
    mouse.move(0, 0)  # to let go elsewhere is no click
    mouse.up()
    return found


def test_every_label_can_be_read_in_every_state(page: Notebook) -> None:
    shown = widget(page, 1)
    ask(shown, "x")
    expect(shown.locator(".fal-entry[data-end=done]")).to_have_count(1)
    shown.locator(".fal-arguments > summary").click()
    expect(button(shown, "Remove argument")).to_be_visible()
    labels = {each.inner_text(): states(page, each) for each in shown.locator("button:enabled:visible").all()}
    assert set(labels) == {"Copy", "Edit", "Regenerate", "Delete", "×", "Add argument", "+", "Send", "Clear", "Export"}
    unreadable = {label: found for label, found in labels.items() if min(found.values()) < READABLE}
    assert unreadable == {}


def test_what_is_disabled_does_not_vanish_and_stop_can_be_read(page: Notebook) -> None:
    shown = widget(page, 2)
    ask(shown, "x")
    expect(shown.locator(".fal-streaming")).to_contain_text("first words")
    assert min(states(page, button(shown, "Stop")).values()) >= READABLE
    for each in shown.locator("button:disabled").all():
        each.hover(force=True)
        assert contrast(each) >= LEGIBLE, each.inner_text()
    button(shown, "Stop").click()
    expect(shown.locator(".fal-entry[data-end=stopped]")).to_have_count(1)
