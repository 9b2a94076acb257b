"""``%%falstream --queue`` and ``%falstream attach`` in a real kernel, with a real queue."""

import json
from collections.abc import Iterator

import pytest

from .conftest import KEY, wait_until
from .kernels import Kernel, kernel, left_open
from .local.queues import APP
from .queue_place import QueuePlace, queue_place

VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def shared() -> Iterator[QueuePlace]:
    with queue_place() as running:
        yield running


@pytest.fixture(scope="module")
def lab(shared: QueuePlace) -> Iterator[Kernel]:
    with kernel({"FAL_NOTEBOOK_URL": shared.url, "FAL_KEY": KEY}) as running:
        yield running


@pytest.fixture
def place(shared: QueuePlace) -> QueuePlace:
    shared.renew()
    return shared


def code(line: str, **arguments: object) -> str:
    return f"%%falstream {APP} --queue {line}\n{json.dumps(arguments)}"


def test_an_answer_of_the_queue_is_shown_like_any_other(lab: Kernel, place: QueuePlace) -> None:
    cell = lab.run(code("-o answer", text="Some *emphasis* here", x="shown"))
    assert cell.status == "ok", cell.error
    assert "<em>emphasis</em>" in cell.outputs[0]["data"]["text/html"]
    assert APP in cell.plain
    assert lab.value("answer.text") == "'Some *emphasis* here'"
    assert left_open(cell) == set()
    assert place.echo.calls["shown"] == 1


def test_place_logs_and_progress_are_shown_live(lab: Kernel, place: QueuePlace) -> None:
    place.echo.released = False
    request = lab.send(code("-o answer", x="live", wait=True, log="35%|███▌      | 7/20 <b>bold</b>"))
    cell = lab.read(request, until="at work…")
    place.echo.released = True
    cell = lab.read_on(request, cell)
    states = [
        each["content"]["data"].get("state", {}) for each in cell.messages if "comm" in each["header"]["msg_type"]
    ]
    assert any(each.get("value") == 0.35 for each in states)
    assert any("| 7/20 &lt;b&gt;bold" in str(each.get("value")) for each in states)
    assert not any(VIEW in each for each in cell.types())
    assert left_open(cell) == set()


def test_an_interrupt_leaves_the_request_and_says_how_to_come_back(lab: Kernel, place: QueuePlace) -> None:
    place.echo.released = False
    cell = lab.run_interrupted(code("-o answer", x="left", wait=True, log="a step"), after="at work…")
    assert cell.reply["ename"] == "KeyboardInterrupt"
    name = lab.value("answer.request_id").strip("'")
    assert f"left in the queue: %falstream attach {name[:8]}" in " ".join(cell.error.split())
    assert f"%falstream attach {APP} {name}" in cell.plain
    assert lab.value("type(answer).__name__, _fal is answer") == "('Submitted', True)"
    place.echo.released = True
    for line in (name, name[:8], f"{APP} {name}"):
        again = lab.run(f"found = %falstream attach {line}\nfound.data['x']")
        assert again.status == "ok", again.error
        assert "'left'" in again.plain
    assert place.echo.calls["left"] == 1


def test_another_kernel_comes_back_by_endpoint_and_id(lab: Kernel, place: QueuePlace) -> None:
    name = lab.value(f"__import__('fal_notebook').submit('{APP}', x='another').request_id").strip("'")
    with kernel({"FAL_NOTEBOOK_URL": place.url, "FAL_KEY": KEY}) as other:
        assert "no request with this id" in " ".join(other.run(f"%falstream attach {name}").reply["evalue"].split())
        assert other.run(f"%falstream attach {APP} {name} -o got").status == "ok"
        assert other.value("got.data['x']") == "'another'"


def test_a_timeout_leaves_the_request_too(lab: Kernel, place: QueuePlace) -> None:
    place.echo.released = False
    cell = lab.run(code("--timeout 0.6 -o late", x="late", wait=True))
    assert cell.reply["ename"] == "RequestTimeout"
    assert "still in the queue" in cell.error.replace("\n", " ")
    place.echo.released = True
    assert lab.value("late.result().data['x']") == "'late'"


def test_it_goes_in_the_background_and_stop_leaves_it(lab: Kernel, place: QueuePlace) -> None:
    place.echo.released = False
    assert lab.run(code("-b -o behind", x="behind", wait=True)).status == "ok"
    wait_until(lambda: place.echo.calls["behind"] == 1)
    lab.run("%falstream stop")
    assert "%falstream attach" in lab.wait_for("left in the queue")
    place.echo.released = True
    assert lab.value("behind.result().data['x']") == "'behind'"


def test_an_error_of_the_model_is_raised_in_the_cell(lab: Kernel, place: QueuePlace) -> None:
    cell = lab.run(code("", x="bad", status=422))
    assert cell.reply["ename"] == "ValidationFailed"
    assert "as you wished" in cell.error


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("%falstream attach", "an endpoint and the id"),
        ("%falstream attach acme/echo", "the id of a request"),
        ("%falstream attach acme/echo ../x", "no id of a request"),
        ("%falstream acme/echo,acme/other --queue prompt=x", "one endpoint"),
        ("%falstream acme/echo --queue --play prompt=x", "without --play"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_sent(
    lab: Kernel, place: QueuePlace, line: str, words: str
) -> None:
    before = place.submitted
    cell = lab.run(line)
    assert cell.reply["ename"] == "UsageError"
    assert words in " ".join(cell.reply["evalue"].split())
    assert place.submitted == before
