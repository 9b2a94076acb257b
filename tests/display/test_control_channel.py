"""Messages on a real kernel's control channel arrive while a cell blocks it; malformed ones have no effect."""

from collections.abc import Iterator
from typing import Any

import pytest

from fal_notebook.display.control_channel import ignore, listen

from ..conftest import IPYKERNELS
from ..kernels import Kernel, ipykernel, kernel

BLOCKS = "print('blocks')\nended = heard.wait(30)"


@pytest.fixture(scope="module", params=IPYKERNELS)
def lab(request: pytest.FixtureRequest) -> Iterator[Kernel]:
    with kernel(ipykernel(request.param)) as running:
        running.run(
            "import threading\nfrom fal_notebook.display.control_channel import ignore, listen\n"
            "heard = threading.Event(); said = []\n"
            "def hear(content):\n    said.append(content); heard.set()\n"
            "address = listen(hear)"
        )
        yield running


def _say(lab: Kernel, content: Any) -> None:
    lab.client.control_channel.send(lab.client.session.msg("fal_notebook_request", content))


def test_it_is_heard_while_a_cell_blocks(lab: Kernel) -> None:
    address = lab.value("address").strip("'")
    request = lab.send(BLOCKS)
    cell = lab.read(request, until="blocks")
    _say(lab, {"to": address, "content": {"kind": "stop"}})
    lab.read_on(request, cell)
    assert lab.value("ended, said") == "(True, [{'kind': 'stop'}])"


def test_strange_words_and_those_for_nobody_do_nothing(lab: Kernel) -> None:
    address = lab.value("address, said.clear(), heard.clear()").partition("'")[2].partition("'")[0]
    strange: list[Any] = [{}, {"to": [address], "content": {}}, {"to": address, "content": "stop"}, {"to": "nobody"}]
    for content in strange:
        _say(lab, content)
    _say(lab, {"to": address, "content": {"kind": "last"}})
    assert lab.run(BLOCKS).status == "ok"
    assert lab.value("said") == "[{'kind': 'last'}]"


def test_after_the_end_nothing_is_heard(lab: Kernel) -> None:
    address = lab.value("address, said.clear(), heard.clear()").partition("'")[2].partition("'")[0]
    lab.run("other = listen(hear); ignore(address)")
    other = lab.value("other").strip("'")
    _say(lab, {"to": address, "content": {"kind": "late"}})
    _say(lab, {"to": other, "content": {"kind": "last"}})
    assert lab.run(BLOCKS).status == "ok"
    assert lab.value("said") == "[{'kind': 'last'}]"


def test_where_there_is_no_kernel_there_is_no_address() -> None:
    assert listen(print) == ""
    ignore("")
