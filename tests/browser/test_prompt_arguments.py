"""The arguments of a prompt widget in a real page: what nobody edited is sent as Python set it, to the character."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, expect

from .. import endpoints
from .lab import Notebook, Server, notebook
from .test_prompt_widget import ask, box, button

NASTY = {
    "lines": "You are terse.\nAnswer in French.\n",
    "crlf": "a\r\nb\r\n\r\nc\r\n",
    "cr": "a\rb\r",
    "mixed": "\r\n\n\ra\n\r\nb\r\r\n",
    "tabs": "\tx\t\ty\t",
    "spaces": "   both ends   ",
    "separators": "a\u2028b\u2029c\u0085d\x0be\x0cf",
    "controls": "a\x00b\x07c\x1b[31m\x7f",
    "unicode": "e\u0301 \u00e9 \ufb01 \u200b \ufeff \U0001f469\u200d\U0001f680 \u202e \xa0",
    "lone": "\ud800 and \udfff",
    "empty": "",
    "blank": "\n",
    "model": " m ",
    "number": 1.0,
    "large": 12345678901234567890,
    "exponent": 1e-7,
    "flag": True,
    "none": None,
    "digits": "007",
    "nested": {"b": ["x\r\ny", 1.50], "a": " \n"},
    " name ": "spaces around",
    "na\nme": "a line end in a name",
    "long": "0123456789\r\n" * 20_000,
}
CELLS = [
    "from fal_notebook import PromptWidget",
    f"a = PromptWidget('test/echo/stream', {NASTY!r}); a",
    "a.run('from Python'); a.wait()",
    "b = PromptWidget('test/echo/stream', {'system': 'one\\r\\ntwo\\rthree\\n', 'n': 1}); b",
    "c = PromptWidget('test/echo/stream', {'x': 'old'}); c",
    "c.arguments = {'x': 'a\\r\\nb', 'y': 2}",
    "d = PromptWidget('test/echo/stream', {'prompt': 'one\\r\\ntwo\\x0c'}); d",
    "[d.prompt, d.endpoint]",
]


@pytest.fixture(scope="module")
def page(browser: Browser, lab: Server) -> Iterator[Notebook]:
    with notebook(browser, lab, CELLS, "arguments.ipynb") as opened:
        opened.run(0)
        yield opened


def widget(page: Notebook, cell: int) -> Locator:
    page.run(cell)
    shown = page.output(cell).locator(".fal-root")
    expect(shown.locator(".fal-state")).to_have_text("ready")
    shown.locator(".fal-arguments > summary").click()
    return shown


def row(shown: Locator, name: str) -> Locator:
    """The row of an argument, whose name is in a field."""
    names = shown.get_by_label("Argument name").evaluate_all("all => all.map(each => each.value)")
    return shown.locator(".fal-row").nth(names.index(name))


def sent(shown: Locator, prompt: str) -> dict[str, object]:
    """What the server gets, but for the prompt, when it is sent."""
    count = shown.locator(".fal-entry").count()
    ask(shown, prompt)
    expect(shown.locator(".fal-entry[data-end=done]")).to_have_count(count + 1)
    arguments = dict(endpoints.received[-1])
    assert arguments.pop("prompt") == prompt
    return arguments


def test_what_nobody_edited_is_sent_as_it_was_set(page: Notebook) -> None:
    shown = widget(page, 1)
    assert sent(shown, "viewed") == NASTY
    for control in shown.locator(".fal-row :is(input, select, textarea)").all():
        control.focus()
        control.blur()
    assert sent(shown, "focused") == NASTY
    row(shown, "digits").get_by_label("Value", exact=True).fill("008")
    edited = {**NASTY, "digits": "008"}
    assert sent(shown, "another edited") == edited
    button(shown, "Add argument").click()
    added = shown.locator(".fal-row").last
    added.get_by_label("Argument name").fill("new")
    added.get_by_label("Value", exact=True).fill("x")
    assert sent(shown, "one added") == {**edited, "new": "x"}
    button(row(shown, "cr"), "Remove argument").click()
    without = {name: value for name, value in edited.items() if name != "cr"} | {"new": "x"}
    assert sent(shown, "one removed") == without
    row(shown, "digits").get_by_label("Value", exact=True).press_sequentially("9")
    page.page.wait_for_timeout(500)  # what is typed is saved after a while
    page.run(2)
    assert endpoints.received[-1] == {**without, "digits": "0089", "prompt": "from Python"}
    assert list(endpoints.received[-1])[:3] == ["lines", "crlf", "mixed"]


def test_an_edit_changes_what_was_edited_and_no_line_end_beside_it(page: Notebook) -> None:
    shown = widget(page, 3)
    value = row(shown, "system").get_by_label("Value", exact=True)
    value.evaluate("area => { area.focus(); area.setSelectionRange(6, 6); }")  # behind "tw"
    page.page.keyboard.insert_text("!")
    assert sent(shown, "x")["system"] == "one\r\ntw!o\rthree\n"
    value.evaluate("area => { area.focus(); area.setSelectionRange(3, 4); }")
    page.page.keyboard.press("Delete")
    assert sent(shown, "y")["system"] == "onetw!o\rthree\n"


def test_several_lines_are_pasted_into_a_row(page: Notebook) -> None:
    shown = widget(page, 4)
    value = row(shown, "x").get_by_label("Value", exact=True)
    before = value.bounding_box()
    value.fill("")
    page.page.keyboard.insert_text("You are\n\n\tterse.\n")
    assert sent(shown, "x") == {"x": "You are\n\n\tterse.\n"}
    after = value.bounding_box()
    assert before
    assert after
    assert after["height"] > 2 * before["height"]


def test_what_python_sets_later_is_shown_and_sent(page: Notebook) -> None:
    shown = page.output(4).locator(".fal-root")
    page.run(5)
    expect(shown.locator(".fal-row")).to_have_count(2)
    assert sent(shown, "z") == {"x": "a\r\nb", "y": 2}


def test_a_prompt_that_nobody_edited_stays_as_python_set_it(page: Notebook) -> None:
    shown = widget(page, 6)
    box(shown).focus()
    shown.get_by_label("Play sound").check()
    page.page.wait_for_timeout(500)  # the time of a save
    assert page.run(7)[0]["data"]["text/plain"] == repr(["one\r\ntwo\x0c", "test/echo/stream"])
    box(shown).press("Control+Enter")
    expect(shown.locator(".fal-entry[data-end=done]")).to_have_count(1)
    assert endpoints.received[-1] == {"prompt": "one\r\ntwo\x0c"}
