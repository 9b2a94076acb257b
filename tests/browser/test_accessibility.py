"""What axe-core finds in our outputs in a real page, in the light theme and the dark: nothing serious.

Axe knows the rules of the Web Content Accessibility Guidelines that a program can check: names and roles, keyboard,
contrast, nesting.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Locator, expect

from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.server import LocalServer

from ..scenes import Gate, create_app
from .lab import Notebook, Server, notebook
from .test_prompt_widget import ask, widget

ASK = "%falstream local/tides/stream prompt=tides"
STATIC = {
    "words": ASK,
    "plain words": f"{ASK} -f text",
    "reasoning": f"{ASK} think:=true",
    "columns": f"{ASK} --models a,b",
    "gallery": "%falstream local/fractal prompt=sea num_images:=3 width:=128 height:=64",
    "single picture": "%falstream local/fractal prompt=sea width:=128 height:=64",
    "players and files": "%falstream local/files prompt=stems",
    "JSON": "%falstream local/detections prompt=harbour",
    "error": "%falstream local/fractal prompt=sea width:=9000",
    "error in the background": "%falstream local/fractal prompt=sea width:=9000 -b",
    "status": "%falstream status",
    "dry run": f"{ASK} --dry-run",
}
GROWING = {
    "words": ASK,
    "reasoning": f"{ASK} think:=true",
    "columns": f"{ASK} --models a,b",
    "background": f"{ASK} -b",
    "progress": "%falstream local/progress/stream prompt=sea",
}
WIDGETS = ["box = fal_notebook.PromptWidget('local/tides/stream', {'think': True}); box"]
CELLS = [*STATIC.values(), *GROWING.values(), *WIDGETS]
THEMES = ("JupyterLab Light", "JupyterLab Dark")
ALMOST = re.compile(r"return 2 \* G|pass 2 of 3")
"""What the growing answers show shortly before they wait at the gate."""

# A picture that is stored in its own MIME type is drawn by the front end, which knows no alternative text for it.
_RUN = """
async element => {
  element.setAttribute("data-axe", "");
  try {
    const place = { include: [["[data-axe]"]], exclude: [[".jp-RenderedImage"]] };
    const { violations } = await axe.run(place, { resultTypes: ["violations"] });
    return violations;
  } finally {
    element.removeAttribute("data-axe");
  }
}
"""


@pytest.fixture(scope="module")
def gate() -> Gate:
    return Gate()


@pytest.fixture(scope="module")
def page(browser: Browser, jupyter_server: Server, gate: Gate) -> Iterator[Notebook]:
    with LocalServer(HTTPOverWebSocket(create_app(gate))) as server:
        setup = f"%env FAL_NOTEBOOK_URL={server.url}\nimport fal_notebook\n%load_ext fal_notebook"
        with notebook(browser, jupyter_server, [setup, *CELLS], "accessibility.ipynb") as opened:
            opened.page.set_viewport_size({"width": 800, "height": 1000})  # in which code and tables scroll sideways
            opened.run(0)
            yield opened


def serious(page: Notebook, shown: Locator) -> list[str]:
    """The serious findings in an element of the page, in both themes, each with the elements that it is about."""
    found = []
    for theme in THEMES:
        page.theme(theme)
        shown.evaluate("element => element.scrollIntoView()")
        page.page.evaluate(AXE_SCRIPT)
        violations: list[dict[str, Any]] = shown.evaluate(_RUN)
        for each in violations:
            if each["impact"] in {"serious", "critical"}:
                nodes = "\n  ".join(f"{node['html'][:300]}\n    {node['failureSummary']}" for node in each["nodes"][:5])
                found.append(f"{theme}: {each['id']} ({each['impact']}): {each['help']}\n  {nodes}")
    return found


@pytest.mark.parametrize("name", STATIC)
def test_what_stays_has_nothing_serious_folded_and_unfolded(name: str, page: Notebook) -> None:
    cell = 1 + list(STATIC).index(name)
    page.start(cell)
    page.wait(cell)
    shown = page.output(cell)
    expect(shown).to_contain_text(re.compile(r"\S"))
    expect(shown.locator(".fal-live")).to_have_count(0)
    found = serious(page, shown)
    for fold in shown.locator("summary").all():
        fold.click()
    assert found + serious(page, shown) == []


@pytest.mark.parametrize("name", GROWING)
def test_what_grows_has_nothing_serious(name: str, page: Notebook, gate: Gate) -> None:
    cell = 1 + len(STATIC) + list(GROWING).index(name)
    gate.close()
    try:
        page.start(cell)
        shown = page.output(cell)
        expect(shown).to_contain_text(ALMOST)
        assert serious(page, shown) == []
    finally:
        gate.open()
    page.wait(cell)


def test_a_prompt_widget_has_nothing_serious_empty_growing_and_with_a_conversation(page: Notebook, gate: Gate) -> None:
    cell = 1 + len(STATIC) + len(GROWING)
    page.run(cell)
    shown = widget(page, cell)
    expect(shown.locator(".fal-state")).to_have_text("ready")
    found = serious(page, page.output(cell))
    gate.close()
    try:
        ask(shown, "tides")
        expect(shown.locator(".fal-streaming")).to_contain_text(ALMOST)
        found += serious(page, page.output(cell))
    finally:
        gate.open()
    expect(shown.locator(".fal-entry[data-end=done]")).to_have_count(1)
    found += serious(page, page.output(cell))
    for fold in shown.locator("summary").all():
        fold.click()
    assert found + serious(page, page.output(cell)) == []
