"""Each widget view in Colab names the code that draws widgets of other packages; tested in a real kernel.

Colab itself cannot run here. The stand-in follows the source of ``google.colab.output``: enabling the widget manager
adds a hook to the display publisher, and such a hook acts only on the thread that added it.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from fal_notebook.local.server import LocalServer

from .conftest import KEY
from .kernels import Kernel, kernel

VIEW = "application/vnd.jupyter.widget-view+json"
MANAGER = {"colab": {"custom_widget_manager": {"url": "https://example.com/manager.js"}}}
OUTPUT = f"""
import sys, types
output = types.ModuleType("google.colab.output")
output._widgets = types.SimpleNamespace(_installed_url=None)

def _name_manager(message):
    content = message.get("content", {{}})
    if "{VIEW}" in content.get("data", {{}}):
        content["metadata"]["{VIEW}"] = {MANAGER}
    return message

def enable_custom_widget_manager():
    if output._widgets._installed_url is None:
        output._widgets._installed_url = "https://example.com/manager.js"
        get_ipython().display_pub.register_hook(_name_manager)

output.enable_custom_widget_manager = enable_custom_widget_manager
sys.modules["google.colab.output"] = output
"""


@pytest.fixture
def colab(server: LocalServer) -> Iterator[Kernel]:
    with kernel({"FAL_NOTEBOOK_URL": server.url, "FAL_KEY": KEY}) as running:
        assert running.run(OUTPUT).status == "ok"
        yield running


def _managers(messages: list[dict[str, Any]]) -> list[Any]:
    """The widget manager that each view of a widget names in its metadata."""
    shown = [each["content"] for each in messages if VIEW in each["content"].get("data", {})]
    return [each["metadata"].get(VIEW) for each in shown]


def test_the_first_live_answer_can_be_drawn_with_all_that_joins_it_later(colab: Kernel) -> None:
    assert _managers(colab.run("%falstream test/paced/stream prompt=x count:=300 rate:=1000").messages) == [MANAGER]


def test_a_background_run_can_be_drawn_with_all_that_joins_it_later(colab: Kernel) -> None:
    begun = colab.run("%falstream --background test/paced/stream prompt=x count:=4000 rate:=1000")
    colab.run("%falstream stop")
    assert _managers(begun.messages) == [MANAGER]
