"""The prompt widget in a real kernel. The tests send it the messages that a page sends, also while cells run."""

import ast
import json
from collections.abc import Iterator
from typing import Any

import pytest

from fal_notebook.local.server import LocalServer

from ..conftest import KEY
from ..growing_page import GrowingPage, unpacked
from ..kernels import SECONDS, Kernel, kernel

OPEN = "w = PromptWidget({endpoint!r}, {arguments!r}); w"
WAIT = "import time\nwhile w.state != 'ready': time.sleep(0.01)"


@pytest.fixture(scope="module")
def lab(server: LocalServer) -> Iterator[Kernel]:
    with kernel({"FAL_NOTEBOOK_URL": server.url, "FAL_KEY": KEY}) as running:
        assert running.run("from fal_notebook import PromptWidget").status == "ok"
        yield running


def _open(lab: Kernel, endpoint: str, arguments: dict[str, Any]) -> str:
    assert lab.run(OPEN.format(endpoint=endpoint, arguments=arguments)).status == "ok"
    assert lab.run(WAIT).status == "ok"
    return lab.value("w.comm.comm_id").strip("'")


def _ask(lab: Kernel, comm: str, content: dict[str, Any]) -> None:
    """Send a message as the page does when someone presses a button."""
    data = {"method": "custom", "content": content}
    lab.client.shell_channel.send(lab.client.session.msg("comm_msg", {"comm_id": comm, "data": data}))


def _run(lab: Kernel, comm: str, prompt: str) -> None:
    endpoint, rows = ast.literal_eval(lab.value("w.endpoint, [{'id': row['id']} for row in w._form.rows]"))
    _ask(lab, comm, {"kind": "run", "view": "v", "prompt": prompt, "endpoint": endpoint, "rows": rows})


def _all_until_idle(lab: Kernel, request: str) -> list[dict[str, Any]]:
    """All messages of the kernel until a cell has ended, including those with other causes."""
    messages: list[dict[str, Any]] = []
    while True:
        message = lab.client.get_iopub_msg(timeout=SECONDS)
        messages.append(message)
        if message["content"].get("execution_state") == "idle" and message["parent_header"]["msg_id"] == request:
            return messages


def _said(messages: list[dict[str, Any]], comm: str) -> str:
    """The words of the answer that the messages bring to the page."""
    page = GrowingPage()
    for message in messages:
        content = message["content"].get("data", {}).get("content", {})
        if message["content"].get("comm_id") == comm and content.get("kind") == "delta":
            page.apply(unpacked(content, message["buffers"]))
    return page.words


def test_words_arrive_while_a_cell_blocks_and_not_in_its_output(lab: Kernel) -> None:
    comm = _open(lab, "test/paced/stream", {"count": 2000, "rate": 1000})
    _run(lab, comm, "x")
    messages = _all_until_idle(lab, lab.send("time.sleep(0.5); print(w.state, len(w.results))"))
    assert "0100" in _said(messages, comm)
    printed = [each["content"]["text"] for each in messages if each["msg_type"] == "stream"]
    assert printed == ["streaming 0\n"]
    assert lab.run(WAIT).status == "ok"
    assert lab.value("[r.text.split() == [f'{n:04d}' for n in range(2000)] for r in w.results]") == "[True]"


def test_a_stop_from_the_page_keeps_the_words(lab: Kernel) -> None:
    comm = _open(lab, "test/endless/stream", {})
    _run(lab, comm, "x")
    assert lab.run("while not w._conversation.entries[0].words.tail.html: time.sleep(0.01)").status == "ok"
    _ask(lab, comm, {"kind": "stop", "id": 1})
    assert lab.value("1") == "1"
    assert lab.run(WAIT).status == "ok"
    assert lab.value("[(r.text, r.stopped) for r in w.results]") == "[('first words', True)]"


def test_the_transcript_is_updated_by_its_display_id(lab: Kernel) -> None:
    cell = lab.run("w = PromptWidget('test/echo/stream'); w")
    # An export shows these words above the transcript, so they do not count answers.
    assert cell.outputs[0]["data"]["text/plain"] == "<PromptWidget test/echo/stream>"
    widget, static, *others = cell.outputs
    assert "application/vnd.jupyter.widget-view+json" in widget["data"]
    assert {each["data"]["text/plain"] for each in [static, *others]} == {""}
    messages = _all_until_idle(lab, lab.send("w.run('some **bold** words')\nwhile not w.results: time.sleep(0.01)"))
    (update,) = [each["content"] for each in messages if each["msg_type"] == "update_display_data"]
    assert update["transient"] == static["transient"]
    assert "<strong>bold</strong>" in update["data"]["text/html"]
    assert set(update["data"]) == {"text/plain", "text/html"}
    assert KEY.partition(":")[2] not in str(messages)


def test_closing_removes_the_widget_and_leaves_the_transcript(lab: Kernel) -> None:
    cell = lab.run("w = PromptWidget('test/echo/stream'); w")
    messages = _all_until_idle(lab, lab.send("w.run('x')\nwhile not w.results: time.sleep(0.01)\nw.close()"))
    updates = [each["content"] for each in messages if each["msg_type"] == "update_display_data"]
    last = {each["transient"]["display_id"]: each["data"]["text/plain"] for each in updates}
    widget, static, *_ = (output["transient"]["display_id"] for output in cell.outputs)
    assert last[widget] == ""
    assert last[static].startswith("Transcript (1 answer)")


def _size(message: dict[str, Any]) -> int:
    return len(json.dumps(message["content"])) + sum(map(len, message["buffers"]))


@pytest.mark.parametrize("length", [100, 4_000])
def test_an_answer_after_many_others_costs_about_as_much_as_one_after_few(lab: Kernel, length: int) -> None:
    lab.run("w = PromptWidget('test/echo/stream'); w")
    asked = f"for _ in range(10): w.run('words ' * {length // 6}); w.wait()"
    costs = [sum(map(_size, _all_until_idle(lab, lab.send(asked)))) for _ in range(8)]
    assert sum(costs[4:]) < 1.5 * sum(costs[:4]), costs


LONG = (
    "said = [{'role': role, 'content': f'**{role} {n}**'} for n in range(60) for role in ('user', 'assistant')]\n"
    "w = PromptWidget('test/chat/completions', messages=said); w"
)


def _transcript(messages: list[dict[str, Any]]) -> list[str]:
    """The pieces of the transcript as a notebook has them after these messages, as HTML."""
    pieces: dict[str, str] = {}
    for message in messages:
        if message["msg_type"] in ("display_data", "update_display_data"):
            html = message["content"]["data"].get("text/html", "")
            if "data-fal-piece" in html:
                pieces[message["content"]["transient"]["display_id"]] = html
    return list(pieces.values())


def test_a_long_conversation_is_whole_in_the_cells_own_output_and_formatted_once_a_page_shows_it(lab: Kernel) -> None:
    first = _transcript(_all_until_idle(lab, lab.send(LONG)))
    assert all(f"**assistant {number}**" in "".join(first) for number in range(60))
    _ask(lab, lab.value("w.comm.comm_id").strip("'"), {"kind": "hello", "view": "v"})
    wait = "while w._conversation._transcript.unformatted: time.sleep(0.01)"
    messages = _all_until_idle(lab, lab.send(f"import time\n{wait}"))
    messages += _all_until_idle(lab, lab.send("w._conversation._formatting._thread.join()"))
    later = "".join(_transcript(messages))
    assert all(f"<strong>assistant {number}</strong>" in later for number in range(60))


def test_without_a_page_a_long_conversation_is_formatted_at_once(lab: Kernel) -> None:
    shown = "".join(_transcript(_all_until_idle(lab, lab.client.execute(LONG, allow_stdin=False))))
    assert all(f"<strong>assistant {number}</strong>" in shown for number in range(60))


def test_a_page_of_a_long_conversation_gets_the_newest_entries_and_asks_for_the_others(lab: Kernel) -> None:
    assert lab.run(LONG).status == "ok"
    comm = lab.value("w.comm.comm_id").strip("'")
    _ask(lab, comm, {"kind": "hello", "view": "v"})
    told = [each["content"]["data"]["content"] for each in _of(_all_until_idle(lab, lab.send("1")), comm, "custom")]
    (places,) = [each["entries"] for each in told if each["kind"] == "earlier"]
    assert [number for number, _ in places] == list(range(1, 53))
    assert [each["id"] for each in told if each["kind"] == "entry"] == list(range(53, 61))
    _ask(lab, comm, {"kind": "earlier", "view": "v", "numbers": [52, 51, "50", None, 99]})
    told = [each["content"]["data"]["content"] for each in _of(_all_until_idle(lab, lab.send("2")), comm, "custom")]
    filled = [(each["id"], each["view"], each["fills"]) for each in told if each["kind"] == "entry"]
    assert filled == [(51, "v", True), (52, "v", True)]


def _of(messages: list[dict[str, Any]], comm: str, method: str) -> list[dict[str, Any]]:
    return [
        each
        for each in messages
        if each["msg_type"] == "comm_msg"
        and each["content"]["comm_id"] == comm
        and each["content"]["data"].get("method") == method
    ]
