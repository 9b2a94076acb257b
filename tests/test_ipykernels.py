"""The oldest supported ipykernel, one in between, and the newest, which differ in their threads and tasks."""

from collections.abc import Iterator

import pytest

from fal_notebook.local.server import LocalServer

from .conftest import IPYKERNELS
from .kernels import Kernel, ipykernel, kernel

WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module", params=IPYKERNELS)
def lab(request: pytest.FixtureRequest, server: LocalServer) -> Iterator[Kernel]:
    with kernel({"FAL_NOTEBOOK_URL": server.url, **ipykernel(request.param)}) as running:
        assert running.value("__import__('ipykernel').__version__") == repr(request.param)
        yield running


def test_words_are_shown_live_and_become_static(lab: Kernel) -> None:
    cell = lab.run("%falstream test/paced/stream prompt=x count:=200 rate:=500 -f text")
    live = "".join(each["content"]["text"] for each in cell.messages if each["header"]["msg_type"] == "stream")
    assert live.startswith("0000 ")
    assert cell.types() == [{"text/plain", "text/html"}] * 2
    assert "0199" in cell.plain


def test_cells_that_queue_up_and_the_users_own_tasks_are_all_run(lab: Kernel) -> None:
    lab.run(
        "import asyncio, time\nticks = []\n"
        "async def tick():\n"
        "    while len(ticks) < 20:\n"
        "        ticks.append(1); await asyncio.sleep(0.01)\n"
        "task = asyncio.get_running_loop().create_task(tick())"
    )
    cells = [lab.send(f"%falstream test/paced/stream prompt=x count:=100 rate:=200 -o a{number}") for number in (0, 1)]
    for request in [*cells, lab.send("pass")]:
        assert lab.read(request).status == "ok"
    assert lab.value("len(a0.text), len(a1.text), len(ticks)") == "(500, 500, 20)"


def test_an_interrupt_keeps_the_partial_answer_and_the_next_cell_gets_its_own(lab: Kernel) -> None:
    cell = lab.run_interrupted("%falstream test/endless/stream prompt=x -o partial", after="first words")
    assert cell.reply["ename"] == "KeyboardInterrupt"
    assert all(WIDGET not in types for types in cell.types())
    assert lab.value("partial.stopped, partial.text") == "(True, 'first words')"
    assert "own answer" in lab.run("%%falstream test/echo/stream\nown answer").plain


def test_a_background_run_lands_in_its_own_cell_until_it_is_stopped(lab: Kernel) -> None:
    lab.displayed.clear()
    assert lab.run("%falstream test/endless/stream prompt=x -b -o running").status == "ok"
    assert lab.run("time.sleep(0.5); print('another cell')").printed == "another cell\n"
    assert "first words" in lab.wait_for("first words")
    assert lab.run("%falstream stop").plain == "stopped 1 request"
    assert "first words" not in lab.wait_for("stopped ·")
    assert "first words" in lab.wait_for("first words")
    assert lab.value("running.text, running.stopped") == "('first words', True)"


def test_a_prompt_widget_answers_while_a_cell_blocks_and_stops_when_the_page_asks(lab: Kernel) -> None:
    shown = lab.run("from fal_notebook import PromptWidget\nw = PromptWidget('test/endless/stream'); w")
    assert WIDGET in shown.types()[0]
    comm = lab.value("w.comm.comm_id").strip("'")
    cell = lab.run("w.run('x')\nwhile not w._conversation.entries[0].words.tail.html: time.sleep(0.01)\nprint('here')")
    assert cell.printed == "here\n"
    data = {"method": "custom", "content": {"kind": "stop", "id": 1}}
    lab.client.shell_channel.send(lab.client.session.msg("comm_msg", {"comm_id": comm, "data": data}))
    assert lab.value("1") == "1"
    assert lab.run("while w.state != 'ready': time.sleep(0.01)").status == "ok"
    assert lab.value("[(r.text, r.stopped) for r in w.results]") == "[('first words', True)]"


def test_a_prompt_widget_is_stopped_while_a_cell_blocks(lab: Kernel) -> None:
    lab.run("from fal_notebook import PromptWidget\nw = PromptWidget('test/endless/stream'); w.run('x')")
    address = lab.value("w._control").strip("'")
    request = lab.send(
        "while not w._conversation.entries[0].words.tail.html: time.sleep(0.01)\nprint('it' + ' blocks'); w.wait()"
    )
    cell = lab.read(request, until="it blocks")
    content = {"to": address, "content": {"kind": "stop", "id": 1}}
    lab.client.control_channel.send(lab.client.session.msg("fal_notebook_request", content))
    assert lab.read_on(request, cell).status == "ok"
    assert lab.value("[(r.text, r.stopped) for r in w.results]") == "[('first words', True)]"
    assert lab.run("w.close()").status == "ok"


def test_a_cells_own_stop_button_ends_it(lab: Kernel) -> None:
    request = lab.send("%falstream test/endless/stream prompt=x -o partial")
    cell = lab.read(request, until="■ Stop")
    states = [each["content"]["data"].get("state", {}) for each in cell.messages if "data" in each["content"]]
    address = next(state["_control"] for state in states if "_control" in state)
    content = {"to": address, "content": {"kind": "stop"}}
    lab.client.control_channel.send(lab.client.session.msg("fal_notebook_request", content))
    assert lab.read_on(request, cell).status == "ok"
    assert lab.value("partial.stopped, partial.text") == "(True, 'first words')"


def test_sound_plays_while_it_comes_and_leaves_no_widget(lab: Kernel) -> None:
    cell = lab.run("%falstream test/tone/stream prompt=x seconds:=1 speed:=4 --play")
    assert "'samples'" in str(cell.messages)
    assert cell.types() == [{"text/plain", "text/html"}] * 2
