"""A compact box in a real kernel: what its page gets, and what forged messages of a page can do."""

from collections.abc import Iterator
from typing import Any

import pytest

from fal_notebook.local.server import LocalServer
from fal_notebook.prompt import visitors
from fal_notebook.prompt.attachments import Piece
from fal_notebook.prompt.page_requests import (
    Attach,
    Clear,
    Detach,
    Edited,
    Export,
    Hello,
    Regenerate,
    Run,
    Stop,
    Undo,
)

from .. import endpoints
from ..conftest import KEY
from ..kernels import Kernel, kernel
from .test_widget_kernel import WAIT, _all_until_idle, _ask

SECRETS = ("test/echo", "secret-model", "0.123", "be a pirate", "a-parameter", "127.0.0.1")
OPEN = (
    "w = PromptWidget('test/echo/stream', {'model': 'secret-model', 'temperature': 0.123, 'a-parameter': 1},"
    " system='be a pirate', compact=True)\nw"
)


@pytest.fixture(scope="module")
def lab(server: LocalServer) -> Iterator[Kernel]:
    with kernel({"FAL_NOTEBOOK_URL": server.url, "FAL_KEY": KEY}) as running:
        assert running.run("from fal_notebook import PromptWidget").status == "ok"
        yield running


@pytest.fixture
def opened(lab: Kernel) -> tuple[str, list[dict[str, Any]]]:
    """The id of a compact box that was just opened, and the messages by which the page got it."""
    messages = _all_until_idle(lab, lab.send(OPEN))
    assert lab.run(WAIT).status == "ok"
    return lab.value("w.comm.comm_id").strip("'"), messages


def _shown(messages: list[dict[str, Any]]) -> str:
    """Everything that a page gets, but the author's own code."""
    return str([each["content"] for each in messages if each["msg_type"] not in ("execute_input", "status")])


def _update(lab: Kernel, comm: str, **state: Any) -> None:
    data = {"method": "update", "state": state, "buffer_paths": []}
    lab.client.shell_channel.send(lab.client.session.msg("comm_msg", {"comm_id": comm, "data": data}))


def _answers(lab: Kernel, count: int) -> list[dict[str, Any]]:
    return _all_until_idle(lab, lab.send(f"import time\nwhile len(w.results) < {count}: time.sleep(0.01)"))


def test_the_page_gets_prompts_and_answers_and_nothing_of_what_answers(
    lab: Kernel, opened: tuple[str, list[dict[str, Any]]]
) -> None:
    comm, messages = opened
    _ask(lab, comm, {"kind": "hello", "view": "v"})
    _ask(lab, comm, {"kind": "run", "view": "v", "prompt": "some **words**", "endpoint": "", "rows": None})
    _update(lab, comm, prompt="being written")
    lab.client.shell_channel.send(
        lab.client.session.msg("comm_msg", {"comm_id": comm, "data": {"method": "request_state"}})
    )
    messages += _answers(lab, 1)
    _ask(lab, comm, {"kind": "transcript", "view": "v", "pieces": [0, 1, 2, 3, 4, 5]})
    messages += _all_until_idle(lab, lab.send("1"))
    shown = _shown(messages)
    assert "<strong>words</strong>" in shown
    assert "being written" in shown
    assert [secret for secret in SECRETS if secret in shown] == []
    assert KEY.partition(":")[2] not in shown
    assert lab.value("w.results[0].endpoint") == "'test/echo/stream'"


def test_no_message_changes_what_is_asked_and_how(lab: Kernel, opened: tuple[str, list[dict[str, Any]]]) -> None:
    comm, _ = opened
    row = {"id": "x", "name": "temperature", "kind": "json", "text": "2"}
    forged = {
        "endpoint": "test/failing",
        "rows": [row],
        "play": True,
        "remember": True,
        "system": "be mean",
        "field": "other",
        "arguments": {"model": "dear"},
        "model": "dear",
    }
    _update(lab, comm, endpoint="test/failing", system="be mean", remember=True, play=True, compact=False, model="dear")
    _update(lab, comm, arguments={"model": "dear"}, field="other", keys=["endpoint"], chat={}, results=[])
    _ask(lab, comm, {"kind": "edited", "view": "v", "rows": [row]})
    _ask(lab, comm, {"kind": "attach", "id": "f", "name": "n", "size": 0, "at": 0, "argument": "model", "view": "v"})
    _ask(lab, comm, {"kind": "run", "view": "v", "prompt": "asked", **forged})
    _answers(lab, 1)
    _ask(lab, comm, {"kind": "regenerate", "id": 1, **forged})
    assert lab.run("w.wait()").status == "ok"
    _ask(lab, comm, {"kind": "run", "id": 2, "view": "v", "prompt": "asked", **forged})
    assert lab.run("w.wait()").status == "ok"
    asked = {"prompt": "asked", "model": "secret-model", "temperature": 0.123, "a-parameter": 1}
    assert list(endpoints.received)[-3:] == [{**asked, "system_prompt": "be a pirate"}] * 3
    assert lab.value("w.endpoint, w.play, w.remember, w.compact") == "('test/echo/stream', False, False, True)"


def test_a_failure_tells_a_visitor_what_to_do_and_the_author_everything(lab: Kernel) -> None:
    arguments = {"status": 422, "body": {"detail": "secret-model of test/failing wants a-parameter"}}
    lab.run(f"w = PromptWidget('test/failing', {arguments!r}, compact=True); w")
    lab.run(WAIT)
    comm = lab.value("w.comm.comm_id").strip("'")
    _ask(lab, comm, {"kind": "run", "view": "v", "prompt": "x", "endpoint": "", "rows": None})
    shown = _shown(_answers(lab, 1))
    assert "no answer came" in shown
    assert [word for word in ("secret-model", "test/failing", "a-parameter", " 422") if word in shown] == []
    assert "a-parameter" in lab.value("str(w.results[0].error)")
    lab.run("w = PromptWidget('not an endpoint', compact=True); w")
    comm = lab.value("w.comm.comm_id").strip("'")
    _ask(lab, comm, {"kind": "run", "view": "v", "prompt": "x", "endpoint": "", "rows": None})
    shown = _shown(_all_until_idle(lab, lab.send("1")))
    assert "this cannot be answered now" in shown
    assert "not an endpoint" not in shown


def test_a_page_cannot_open_a_box_of_its_own(lab: Kernel, opened: tuple[str, list[dict[str, Any]]]) -> None:
    before = lab.value("len(PromptWidget.widgets)")
    state = {
        "_model_module": "anywidget",
        "_model_name": "AnyModel",
        "_view_module": "anywidget",
        "_view_name": "AnyView",
    }
    data = {
        "state": {**state, "endpoint": "test/echo/stream", "_anywidget_id": "fal_notebook.prompt.widget.PromptWidget"}
    }
    content = {"comm_id": "forged", "target_name": "jupyter.widget", "data": data}
    lab.client.shell_channel.send(lab.client.session.msg("comm_open", content))
    count = endpoints.requests["forged"]
    _ask(lab, "forged", {"kind": "run", "view": "v", "prompt": "forged", "endpoint": "test/echo/stream", "rows": []})
    assert lab.value("len(PromptWidget.widgets)") == before
    assert endpoints.requests["forged"] == count


def test_what_changes_or_tells_the_arguments_is_no_request_of_a_visitor() -> None:
    piece = Piece("f", "n", "", 0, "", 0, b"")
    for asked in (Edited("v", []), Attach(piece), Detach("f"), Export("v", ".json")):
        assert visitors.request(asked) is None
    for heard in (Hello("v"), Stop(1), Regenerate(1), Clear(), Undo()):
        assert visitors.request(heard) is heard
    sent = Run("v", "x", [{}], "a/b", play=True, system="s", remember=True, instead_of=2)
    assert visitors.request(sent) == Run("v", "x", None, "", play=False, instead_of=2)
    assert visitors.message({"kind": "entry", "id": 1, "prompt": "x", "endpoint": "a/b", "cost": 1}) == {
        "kind": "entry",
        "id": 1,
        "prompt": "x",
    }
    assert visitors.message({"kind": "new to us", "id": 1}) is None
