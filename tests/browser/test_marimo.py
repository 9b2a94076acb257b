"""The Python API, a result and the prompt widget in a real page of marimo."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from fal_notebook.local.server import LocalServer

from .. import endpoints
from .contrast import READABLE, contrast
from .lab import SECONDS, end, free_port, wait_for

MARKDOWN = (
    "# Title\n\nSome **bold** and `code`, $x < y$ and\n\n$$E = mc^2$$\n\n```python\nx = 1\n```\n\n"
    "| a | b |\n|---|---|\n| one | two |\n\n- item\n"
)
# Each cell with the variables that it uses and those that it defines.
CELLS = [
    ("", "import marimo as mo\nimport fal_notebook as fal", "mo, fal"),
    ("fal", f"fal.run('test/echo/stream', prompt={MARKDOWN!r})", ""),
    ("fal, mo", "answer = await fal.arun('test/echo/stream', prompt='from arun')\nmo.md(answer.text)", ""),
    (
        "fal, mo",
        "stream = fal.stream('test/echo/stream', prompt='from a stream')\n"
        "mo.md(''.join(part.new for part in stream if hasattr(part, 'new')))",
        "",
    ),
    ("fal, mo", "box = mo.ui.anywidget(fal.PromptWidget('test/echo/stream', {'system': 'one\\r\\ntwo'}))\nbox", "box"),
    ("box, mo", "mo.md('value: ' + ascii(sorted(box.value.items())))", ""),
    ("fal, mo", "mo.vstack([mo.md('within'), fal.PromptWidget('test/echo/stream')])", ""),
]


@pytest.fixture(scope="module", params=["light", "dark"])
def page(
    request: pytest.FixtureRequest, browser: Browser, server: LocalServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Page]:
    home = tmp_path_factory.mktemp("marimo")
    (home / "page.py").write_text(_app())
    (home / "marimo").mkdir()
    (home / "marimo" / "marimo.toml").write_text(f'[display]\ntheme = "{request.param}"\n')
    port = free_port()
    command = [sys.executable, "-m", "marimo", "run", "page.py", "--headless", "--no-token", f"--port={port}"]
    environment = {**os.environ, "FAL_NOTEBOOK_URL": server.url, "XDG_CONFIG_HOME": str(home)}
    output = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=home, env=environment, stdout=output, stderr=output)
    try:
        wait_for(f"http://127.0.0.1:{port}/health", process)
        opened = browser.new_page(viewport={"width": 1100, "height": 1400})
        opened.goto(f"http://127.0.0.1:{port}")
        opened.get_by_text("from arun").wait_for(timeout=SECONDS * 1000)
        yield opened
        opened.close()
    finally:
        end(process)


def _app() -> str:
    cells = [
        f"@app.cell\nasync def _({given}):\n    {code.replace(chr(10), chr(10) + '    ')}\n    return {made}\n"
        for given, code, made in CELLS
    ]
    return "\n".join(["import marimo", "app = marimo.App()", *cells])


def box(page: Page, number: int) -> Locator:
    return page.locator(".fal-root").nth(number)


def test_the_python_api_answers(page: Page) -> None:
    expect(page.get_by_text("from arun", exact=True)).to_be_visible()
    expect(page.get_by_text("from a stream", exact=True)).to_be_visible()


def test_a_result_is_styled_and_can_be_read(page: Page) -> None:
    looks_like_an_answer(page.locator(".fal-answer").first)


def test_the_formulas_of_a_result_are_typeset(page: Page) -> None:
    shown = page.locator(".fal-answer").first
    expect(shown.locator(".katex")).to_have_count(2)
    expect(shown.locator(".katex-display")).to_have_count(1)
    expect(shown.locator(".katex-error")).to_have_count(0)


def test_a_prompt_widget_connects_and_its_answer_is_styled(page: Page) -> None:
    for number in (0, 1):
        shown = box(page, number)
        expect(shown.locator(".fal-state")).to_have_text("ready")
        shown.get_by_label("Prompt", exact=True).fill(MARKDOWN)
        shown.get_by_label("Prompt", exact=True).press("Control+Enter")
        expect(shown.locator(".fal-entry[data-end=done]")).to_have_count(1)
        looks_like_an_answer(shown.locator(".fal-answer"))
        expect(shown.locator(".fal-answer .katex")).to_have_count(2)
        for each in shown.locator("button:enabled:visible").all():
            each.hover()
            assert contrast(each) >= READABLE, each.inner_text()
    assert endpoints.received[-2]["system"] == "one\r\ntwo"


def test_its_value_has_the_answers_and_nothing_private(page: Page) -> None:
    value = page.get_by_text("value: ")
    expect(value).to_contain_text("bold")
    said = value.inner_text().removeprefix("value: ")
    names = [name for name, _ in ast.literal_eval(said)]
    assert names == ["answers", "compact", "endpoint", "enter_sends", "play", "prompt", "remember", "system"]


def looks_like_an_answer(shown: Locator) -> None:
    """Check that headings stand out, code and tables have a background and borders, and all text is readable."""
    for tag in ("h1", "p", "pre", "th", "td", "li"):
        assert contrast(shown.locator(tag).last) >= READABLE, tag
    assert contrast(shown.page.locator(".fal-small:visible").last) >= READABLE
    size = "element => parseFloat(getComputedStyle(element).fontSize)"
    assert shown.locator("h1").evaluate(size) > 1.4 * shown.locator("p").first.evaluate(size)
    ground = shown.evaluate("element => getComputedStyle(element).backgroundColor")
    expect(shown.locator("pre")).not_to_have_css("background-color", ground)
    expect(shown.locator("td").first).to_have_css("border-bottom-style", "solid")
    expect(shown.locator("ul")).to_have_css("list-style-type", "disc")
