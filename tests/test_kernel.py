"""The magic in a real kernel: what it shows live and at the end, and what interrupts, queued cells and errors do."""

import asyncio
import json
import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from fal_notebook.display.outputs import UNFINISHED
from fal_notebook.local.server import LocalServer
from fal_notebook.render.markdown import text_html

from .conftest import KEY
from .growing_page import columns_of
from .kernels import SECONDS, Execution, Kernel, kernel, left_open
from .render.test_markdown import problems
from .scripted import ScriptedServer, asks_for_key, end, start

pytestmark = pytest.mark.beside

IPYKERNEL = tuple(map(int, version("ipykernel").split(".")[:2]))
REFUSAL = '{"detail":[{"loc":["body","prompt"],"msg":"Field required"}]}'
WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def lab(server: LocalServer) -> Iterator[Kernel]:
    with kernel({"FAL_NOTEBOOK_URL": server.url, "FAL_KEY": KEY}) as running:
        yield running


def test_loading_the_extension_says_nothing_and_can_be_repeated(lab: Kernel) -> None:
    again = lab.run("%reload_ext fal_notebook\n%unload_ext fal_notebook\n%load_ext fal_notebook")
    assert again.status == "ok"
    assert again.printed == ""


def test_tab_offers_what_the_place_takes_and_nothing_else(lab: Kernel) -> None:
    lab.run("topic = 'bees'")
    for line, words in (
        ("%falstream a/b --ti", ["--timeout"]),
        ("%falstream flux", ["fal-ai/flux/dev/stream"]),
        ("%%falstream a/b x={{topi", ["topic"]),
        ("%falstream a/b pri", []),
    ):
        reply = lab.client.complete(line, reply=True, timeout=SECONDS)["content"]
        assert reply["matches"] == words
        if words:
            assert (line[: reply["cursor_start"]] + words[0]).startswith("%")
            assert reply["cursor_end"] == len(line)


def test_a_streamed_answer_becomes_static(lab: Kernel) -> None:
    cell = lab.run("%%falstream test/echo/stream -o answer\nSome *emphasis* here")
    assert cell.status == "ok"
    assert all(types == {"text/plain", "text/html"} for types in cell.types())
    assert "<em>emphasis</em>" in cell.outputs[0]["data"]["text/html"]
    assert "Some *emphasis* here" in cell.outputs[0]["data"]["text/plain"]
    assert "test/echo/stream" in cell.plain
    assert lab.value("answer.text") == "'Some *emphasis* here '"


def test_tokens_are_shown_live_and_no_widget_view_is_left(lab: Kernel) -> None:
    cell = lab.run("%falstream test/paced/stream prompt=x count:=400 rate:=1000 -f text")
    live = "".join(each["content"]["text"] for each in cell.messages if each["header"]["msg_type"] == "stream")
    assert live.startswith("0000 0001")
    _check_that_no_view_is_left(cell)
    assert "0399" in cell.plain


def test_a_long_text_is_printed_in_pieces_which_end_with_a_line(lab: Kernel) -> None:
    text = "".join(f"line {number} of a long text\n" for number in range(2_500))
    cell = lab.run(f"%%falstream test/paced/stream --raw -f text\n{json.dumps({'text': text, 'rate': 20_000})}")
    printed: list[str] = [""]
    for each in cell.messages:
        if each["header"]["msg_type"] == "stream":
            printed[-1] += each["content"]["text"]
        elif "fal-break" in each["content"].get("data", {}).get("text/html", ""):
            printed.append("")
    assert len(printed) > 2
    assert max(map(len, printed)) < 50_000
    assert all(piece.endswith("\n") for piece in printed[:-1])
    assert text.startswith("".join(printed))
    assert cell.outputs[0]["data"]["text/plain"].strip() == text.strip()


def test_words_are_formatted_live_and_no_widget_view_is_left(lab: Kernel) -> None:
    text = "## Words\n\n" + "Some **bold** ones.\n\n" * 40 + "The *last*"
    cell = lab.run(f"%%falstream test/paced/stream\n{json.dumps({'text': text, 'rate': 500, 'after': 0.5})}")
    shown = [each["content"]["data"] for each in cell.messages if each["header"]["msg_type"] == "display_data"]
    _kept, *blocks = [each["text/html"] for each in shown if WIDGET not in each]
    finished = "".join(each.partition('<div class="fal-now-answer fal-part fal-with')[0] for each in blocks)
    assert finished.count("Words</h2>") == 1
    assert finished.count("Some <strong>bold</strong> ones.</p>") == 40
    tails = [*blocks, *(state["value"] for state in _states(cell, "HTMLModel") if "value" in state)]
    assert any(">The <em>last</em></p>" in each for each in tails)
    assert len(cell.messages) <= 40 * (float(lab.value("_fal.metrics.duration")) + 1)
    assert all(WIDGET not in types for types in cell.types())
    assert left_open(cell) == set()


def _check_that_no_view_is_left(cell: Execution) -> None:
    shown = [each["content"]["data"] for each in cell.messages if each["header"]["msg_type"] == "display_data"]
    assert [WIDGET in each for each in shown] == [False, True]
    assert all(WIDGET not in types for types in cell.types())
    assert left_open(cell) == set()


def _states(cell: Execution, name: str) -> list[dict[str, Any]]:
    """All states that the widgets of one kind had, oldest first."""
    opened = {
        each["content"]["comm_id"]: each["content"]["data"].get("state", {})
        for each in cell.messages
        if each["header"]["msg_type"] == "comm_open"
    }
    ids = [comm for comm, state in opened.items() if state.get("_model_name") == name]
    return [
        each["content"]["data"]["state"] | {"buffers": each.get("buffers", [])}
        for each in cell.messages
        if each["content"].get("comm_id") in ids and "state" in each["content"].get("data", {})
    ]


def test_previews_replace_each_other_in_one_picture_and_none_is_left(lab: Kernel) -> None:
    cell = lab.run("%falstream test/previews/stream prompt=x count:=20 rate:=20")
    states = _states(cell, "ImageModel")
    shown = [bytes(buffer) for state in states for buffer in state["buffers"] if len(buffer)]
    assert len(shown) >= 3
    assert shown == sorted(shown)
    assert all(each.startswith(b"GIF89a") for each in shown)
    assert [state["format"] for state in states if "format" in state] == ["png", "gif"]
    assert len([state for state in states if "_model_name" in state]) == 1
    assert WIDGET not in str(cell.types())
    assert "image/gif" in cell.plain
    assert left_open(cell) == set()


def test_the_progress_moves_a_bar_with_its_message(lab: Kernel) -> None:
    cell = lab.run("%falstream test/previews/stream prompt=x count:=20 rate:=20")
    values = [state["value"] for state in _states(cell, "FloatProgressModel") if "value" in state]
    assert values == sorted(values)
    assert values[-1] > 0.5
    messages = [re.sub(r"<[^>]*>", "", state["value"]) for state in _states(cell, "HTMLModel") if "value" in state]
    assert len(set(messages) & {f"step {number}" for number in range(1, 21)}) >= 3
    assert left_open(cell) == set()


def test_what_is_said_of_the_progress_is_no_markup_and_no_tex(lab: Kernel) -> None:
    said = r"<img src=x onerror=alert(1)> $\href{javascript:alert(1)}{x}$"
    cell = lab.run(f"%falstream test/previews/stream count:=3 rate:=9 'message={said}' prompt=x")
    (shown,) = {state["value"] for state in _states(cell, "HTMLModel") if state.get("value")}
    assert f">{text_html(said)}</span>" in shown
    assert problems(shown, {"span"}, {"span": {"style"}}) == []
    assert not _states(cell, "LabelModel") + _states(cell, "HTMLMathModel")


def test_large_previews_are_shown_less_often(lab: Kernel) -> None:
    cell = lab.run("%falstream test/previews/stream prompt=x count:=20 rate:=10 size:=1000000")
    shown = [buffer for state in _states(cell, "ImageModel") for buffer in state["buffers"]]
    assert 2 <= len([each for each in shown if len(each)]) <= 10


def test_a_preview_that_is_a_url_or_an_svg_stays_words(lab: Kernel) -> None:
    for url in ("https://localhost:9/x.png", "data:image/gif;base64,PHN2Zz48L3N2Zz4="):
        cell = lab.run(f"%falstream test/previews/stream prompt=x count:=15 rate:=10 url={url}")
        assert not _states(cell, "ImageModel")
        assert any("image/" in state.get("value", "") for state in _states(cell, "HTMLModel"))


def test_an_interrupt_leaves_no_picture_and_no_bar(lab: Kernel) -> None:
    cell = lab.run_interrupted(
        "%falstream test/previews/stream prompt=x count:=3 rate:=9 endless:=true", after="step 3"
    )
    assert cell.reply["ename"] == "KeyboardInterrupt"
    assert WIDGET not in str(cell.types())
    assert left_open(cell) == set()


def _stop_button(cell: Execution) -> str:
    """The comm id of the Stop button that a cell has opened."""
    return next(
        str(each["content"]["comm_id"])
        for each in cell.messages
        if each["header"]["msg_type"] == "comm_open" and "Stop" in str(each["content"]["data"]["state"].get("_esm"))
    )


def _say(lab: Kernel, comm: str, kind: str, subshell: str | None = None) -> None:
    """Send a message of the page to a widget; to a subshell if there is one, as JupyterLab does."""
    content = {"comm_id": comm, "data": {"method": "custom", "content": {"kind": kind}}}
    message = lab.client.session.msg("comm_msg", content)
    message["header"]["subshell_id"] = subshell
    lab.client.shell_channel.send(message)


def _subshell(lab: Kernel) -> str | None:
    """A new subshell, as JupyterLab makes one for its widgets; None if the kernel has none."""
    lab.client.control_channel.send(lab.client.session.msg("create_subshell_request", {}))
    if IPYKERNEL < (7, 0):  # these do not answer the request for one
        return None
    reply: dict[str, Any] = lab.client.get_control_msg(timeout=SECONDS)
    return str(reply["content"]["subshell_id"])


def _all_until(lab: Kernel, *words: str) -> list[dict[str, Any]]:
    """Every message of the kernel, whatever caused it, until one contains these words."""
    messages: list[dict[str, Any]] = []
    while not messages or not all(word in str(messages[-1]) for word in words):
        messages.append(lab.client.get_iopub_msg(timeout=SECONDS))
    return messages


def test_a_stop_button_is_answered_only_where_the_kernel_hears_it_while_the_cell_runs(lab: Kernel) -> None:
    subshell = _subshell(lab)
    request = lab.send("%%falstream test/endless/stream -o partial\nx", stop_on_error=False)
    cell = lab.read(request, until="■ Stop")
    button = _stop_button(cell)
    _say(lab, button, "hello", subshell)
    if (7, 0) <= IPYKERNEL < (7, 4):
        _all_until(lab, "'heard'")
        _say(lab, button, "stop", subshell)
        lab.read_on(request, cell)
        assert cell.status == "ok"
    else:
        lab.interrupt()
        assert "'heard'" not in str(_all_until(lab, "'idle'", request))
    assert lab.run("print('after')").printed == "after\n"
    assert lab.value("partial.stopped, partial.text") == "(True, 'first words')"


def test_a_short_answer_costs_no_stop_button(lab: Kernel) -> None:
    assert "AnyModel" not in str(lab.run("%%falstream test/echo/stream\nshort").messages)


def test_a_hello_or_a_stop_after_the_end_does_nothing(lab: Kernel) -> None:
    request = lab.send("%falstream test/paced/stream prompt=x count:=30 rate:=20 -o answer")
    cell = lab.read(request, until="■ Stop")
    button = _stop_button(cell)
    lab.read_on(request, cell)
    for kind in ("hello", "stop"):
        _say(lab, button, kind)
    after = lab.run("print('after')")
    assert after.printed == "after\n"
    assert lab.value("answer.stopped, len(answer.text.split())") == "(False, 30)"
    assert left_open(cell) == set()


def test_sound_plays_while_it_comes_and_a_static_player_is_left(lab: Kernel) -> None:
    cell = lab.run("%falstream test/tone/stream prompt=x seconds:=2 speed:=4 --play --autoplay")
    comms = [each for each in cell.messages if each["header"]["msg_type"] == "comm_msg"]
    sound = [each for each in comms if each["content"]["data"].get("method") == "custom"]
    assert [each["content"]["data"]["content"]["kind"] for each in sound] == ["samples"] * (len(sound) - 1) + ["end"]
    assert 3 <= len(sound) <= 12
    assert sum(len(buffer) for each in sound for buffer in each["buffers"]) == 2 * 32_000
    player, foot = (each["data"] for each in cell.outputs)
    assert "data:audio/wav;base64,UklGR" in player["text/html"]
    assert "autoplay" not in player["text/html"]
    assert "test/tone/stream" in foot["text/plain"]
    assert WIDGET not in str(cell.types())
    assert left_open(cell) == set()


def test_play_shows_an_answer_without_sound_as_ever(lab: Kernel) -> None:
    cell = lab.run("%%falstream test/echo/stream --play\nplain words")
    assert "plain words" in cell.plain
    assert all(types == {"text/plain", "text/html"} for types in cell.types())
    assert left_open(cell) == set()
    sound = "%falstream test/body prompt=x content_type=audio/ogg base64=T2dnUwA= --play --autoplay"
    assert "autoplay" in lab.run(sound).outputs[0]["data"]["text/html"]


def test_an_interrupt_silences_the_sound_and_keeps_what_came(lab: Kernel) -> None:
    request = lab.send("%falstream test/tone/stream prompt=x seconds:=1 speed:=9 endless:=true --play")
    cell = lab.read(request, until="'samples'")
    lab.interrupt()
    lab.read_on(request, cell)
    assert "'kind': 'stop'" in str(cell.messages)
    assert "<audio" in cell.outputs[0]["data"]["text/html"]
    assert left_open(cell) == set()


def test_a_player_for_python_leaves_a_static_player_too(lab: Kernel) -> None:
    cell = lab.run(
        "from fal_notebook import AudioPlayer, stream\n"
        "result = AudioPlayer.play(stream('test/tone/stream', prompt='x', seconds=1, speed=9))"
    )
    assert cell.types() == [{"text/plain", "text/html"}] * 2
    assert left_open(cell) == set()
    assert lab.value("result.media[0].content_type") == "'audio/wav'"


def test_loading_the_extension_loads_no_widgets(server: LocalServer) -> None:
    with kernel({"FAL_NOTEBOOK_URL": server.url}) as fresh:
        assert fresh.value("{'anywidget', 'fal_notebook.display.player'} & set(__import__('sys').modules)") == "set()"


def test_four_thousand_tokens_cost_few_messages_and_linear_bytes(lab: Kernel) -> None:
    cell = lab.run("%falstream test/paced/stream prompt=x count:=4000 rate:=1000 -o answer")
    seconds = float(lab.value("answer.metrics.duration"))
    assert lab.value("answer.text.split() == [f'{n:04d}' for n in range(4000)]") == "True"
    assert len(cell.messages) <= 40 * (seconds + 1)
    live = sum(len(each["content"]["text"]) for each in cell.messages if each["header"]["msg_type"] == "stream")
    assert live <= 5 * 4000


def test_long_reasoning_costs_few_messages_and_bytes_and_is_kept_whole(lab: Kernel) -> None:
    lab.run("thought = ' '.join(f'{number:049d}' for number in range(4000))")
    cell = lab.run(
        "%falstream test/thinking/stream prompt='The answer' thought={{thought}} seconds:=4 rate:=2 -o answer"
    )
    seconds = float(lab.value("answer.metrics.duration"))
    assert lab.value("(answer.reasoning, answer.text) == (thought + ' ', 'The answer ')") == "True"
    assert 3 < float(lab.value("answer.metrics.thinking")) < seconds
    assert len(cell.messages) <= 40 * (seconds + 1)
    states = [state["state"] for state in _states(cell, "AnyModel") if "state" in state]
    assert len(states) >= 8
    assert all(len(state["words"]) <= 2_100 for state in states)
    assert [state["line"][:12] for state in (states[0], states[-1])] == ["", "thought for "]
    assert all(WIDGET not in types for types in cell.types())
    assert left_open(cell) == set()
    fold, *_ = cell.outputs
    assert fold["data"]["text/plain"].startswith("[thought for ")
    assert f"{3999:049d}" in fold["data"]["text/html"]


def _cost(cell: Execution) -> tuple[int, int]:
    """The number of a cell's messages, and the bytes of their contents, without headers."""
    return len(cell.messages), sum(len(json.dumps(each["content"])) for each in cell.messages)


def test_words_cost_a_fraction_of_the_messages_that_a_print_for_each_token_costs(lab: Kernel) -> None:
    words = "test/paced/stream', prompt='x', count=2000, rate=1000"
    ours, bytes_of_ours = _cost(lab.run("%falstream test/paced/stream prompt=x count:=2000 rate:=1000 -f text"))
    cell = lab.run(f"import fal_notebook\nfor word in fal_notebook.stream('{words}): print(word, end='', flush=True)")
    prints, bytes_of_prints = _cost(cell)
    assert cell.status == "ok"
    assert ours <= prints / 6
    assert bytes_of_ours <= 3 * bytes_of_prints  # the text for a saved notebook is sent again once a second


@pytest.mark.parametrize(
    "text",
    ["Some **bold** words.\n\n" * 300, "| one | two | three |\n|-|-|-|\n" + "| one | two | `three` |\n" * 300],
    ids=["paragraphs", "a table"],
)
def test_formatted_words_cost_less_than_three_times_their_bytes(lab: Kernel, text: str) -> None:
    cell = lab.run(f"%%falstream test/paced/stream --raw\n{json.dumps({'text': text, 'rate': 1000})}")
    shown = [each["content"]["data"] for each in cell.messages if each["header"]["msg_type"] == "display_data"]
    _kept, *blocks = [each["text/html"] for each in shown if WIDGET not in each]
    tails = [state["value"] for state in _states(cell, "HTMLModel") if "value" in state]
    assert blocks
    assert sum(map(len, [*blocks, *tails])) <= 3 * len(text)
    assert len(cell.messages) <= 40 * (float(lab.value("_fal.metrics.duration")) + 1)


@pytest.mark.parametrize("before", [0, 1.5], ids=["at once", "after a waiting line"])
def test_words_that_are_no_markdown_are_printed_as_they_are(lab: Kernel, before: float) -> None:
    arguments = {"words": "some *plain* words\n", "label": "text/plain", "before": before, "after": 0.5}
    cell = lab.run(f"%%falstream test/pieces/stream --raw\n{json.dumps(arguments)}")
    assert "some *plain* words" in "".join(
        each["content"]["text"] for each in cell.messages if each["header"]["msg_type"] == "stream"
    )
    assert "<em>" not in str([each["content"] for each in cell.messages])


def test_what_stands_in_the_page_while_words_stream_is_bounded_and_comes_back_at_the_end(lab: Kernel) -> None:
    lab.run(
        "from fal_notebook.display import live, notebook_live\nlimits = notebook_live._LARGEST, live._MOST_CHARACTERS"
    )
    lab.run("notebook_live._LARGEST, live._MOST_CHARACTERS = 1000, 400")
    cell = lab.run("%falstream test/paced/stream prompt=x count:=2500 rate:=1000 -f text")
    lab.run("notebook_live._LARGEST, live._MOST_CHARACTERS = limits")
    standing, longest, said = "", 0, []
    for each in cell.messages:
        if each["header"]["msg_type"] == "clear_output":
            standing = ""
        elif each["header"]["msg_type"] == "stream":
            standing += each["content"]["text"]
            said += [standing.partition(" come back")[0]] if standing.startswith("…") else []
        longest = max(longest, len(standing))
    assert longest <= 1100
    assert re.fullmatch(r"… [\d,]+ characters", said[-1])
    assert cell.plain.split()[:2500] == [f"{number:04d}" for number in range(2500)]


def test_an_interrupt_keeps_the_partial_answer_and_the_next_cell_gets_its_own(lab: Kernel) -> None:
    cell = lab.run_interrupted("%%falstream test/endless/stream -o partial\nx", after="first words")
    assert cell.status == "error"
    assert cell.reply["ename"] == "KeyboardInterrupt"
    assert cell.error.count("\n") == 0
    assert "partial" in cell.error
    body, foot = (each["data"]["text/plain"] for each in cell.outputs if "data" in each)
    assert body == "first words"
    assert "stopped" in foot
    assert lab.value("partial.stopped, partial.text") == "(True, 'first words')"
    assert "own answer" in lab.run("%%falstream test/echo/stream\nown answer").plain


def test_cells_that_queue_up_meanwhile_are_all_run(lab: Kernel) -> None:
    cells = [lab.send(f"%%falstream test/paced/stream count:=100 rate:=200 -o a{number}\nx") for number in range(3)]
    cells.append(lab.send("done = [len(a.text) for a in (a0, a1, a2)]"))
    for request in cells:
        assert lab.read(request).status == "ok"
    assert lab.value("done") == "[500, 500, 500]"


def test_the_users_own_tasks_go_on_while_a_cell_waits_and_their_prints_stay(lab: Kernel) -> None:
    cell = lab.run(
        "import asyncio\nticks = []\n"
        "async def tick():\n"
        "    while len(ticks) < 30:\n"
        "        ticks.append(1); await asyncio.sleep(0.02)\n"
        "    print('all ticks')\n"
        "task = asyncio.get_running_loop().create_task(tick())\n"
        "%falstream test/paced/stream prompt=x count:=300 rate:=200\n"
        "seen = len(ticks)"
    )
    assert cell.status == "ok"
    assert lab.value("seen") == "30"
    assert cell.printed == "all ticks\n"


def test_a_plain_wait_can_be_chosen_and_leaves_asyncio_as_it_is(server: LocalServer) -> None:
    with kernel({"FAL_NOTEBOOK_URL": server.url}) as fresh:
        assert fresh.run("%config FalMagics.nested = False").status == "ok"
        assert "hello" in fresh.run("%%falstream test/echo/stream\nhello").plain
        assert fresh.value("hasattr(__import__('asyncio'), '_nest_asyncio2')") == "False"


def test_a_background_run_leaves_the_kernel_free_and_lands_in_its_own_cell(lab: Kernel) -> None:
    lab.displayed.clear()
    begun = lab.run("%%falstream test/endless/stream -b -o running\nx")
    assert begun.status == "ok"
    assert begun.types()[0] == {"text/plain", "text/html"}
    assert lab.run("print('another cell')").printed == "another cell\n"
    assert "first words" in lab.wait_for("first words")
    assert lab.value("type(running).__name__") == "'BackgroundRun'"
    assert lab.run("%falstream stop").plain == "stopped 1 request"
    lab.wait_for("stopped ·")
    assert lab.wait_for("first words") == "first words"
    assert WIDGET not in str(lab.displayed)
    assert lab.value("running.text, running.stopped") == "('first words', True)"


def _shown_by(lab: Kernel, cell: Execution, words: str) -> str:
    """The HTML of a background run that this cell has started, once it has these words."""
    messages = [*cell.messages]
    while True:
        for columns in columns_of(messages):
            if words in columns.text[0]:
                return columns.html[0]
        messages.append(lab.client.get_iopub_msg(timeout=SECONDS))


@pytest.mark.parametrize(("option", "seen"), [("", "<strong>two</strong>"), (" -f text", "- **two**\n")])
def test_a_background_run_is_formatted_while_it_streams_unless_text_is_asked_for(
    lab: Kernel, option: str, seen: str
) -> None:
    lab.displayed.clear()
    arguments = '{"text": "- one\\n- **two**\\n- three", "rate": 100, "after": 600}'
    begun = lab.run(f"%%falstream test/paced/stream -b --raw{option}\n{arguments}")
    assert seen in _shown_by(lab, begun, "three")
    lab.wait_for("three", "unfinished")  # what a save of the notebook would keep
    assert lab.run("%falstream stop").plain == "stopped 1 request"
    lab.wait_for("stopped ·")


def test_several_background_runs_do_not_mix(lab: Kernel) -> None:
    lab.displayed.clear()
    for word in ("red", "green", "blue"):
        lab.run(f"%%falstream test/echo/stream -b -o {word}\n" + f"{word} " * 200)
    for word in ("red", "green", "blue"):
        shown = lab.wait_for(f"{word} {word} {word}").removesuffix(UNFINISHED)
        assert set(shown.split()) == {word}
        assert lab.run(f"{word}.result() if hasattr({word}, 'result') else None").status == "ok"
        assert lab.value(f"{word}.text.split() == ['{word}'] * 200") == "True"


def test_a_background_run_that_fails_says_so_in_its_output(lab: Kernel) -> None:
    lab.displayed.clear()
    assert lab.run("%%falstream test/late/stream -b -o failed\nx").status == "ok"
    lab.wait_for("failed: ModelError", "ModelError: test/late/stream answered with an error: out of tokens")
    assert lab.wait_for("half an") == "half an"
    assert lab.value("failed.error.detail") == "'out of tokens'"


def test_the_stop_button_of_a_background_run_is_answered_and_stops_it(lab: Kernel) -> None:
    lab.displayed.clear()
    lab.run("%%falstream test/endless/stream -b -o running\nx")
    button = _stop_button(Execution(_all_until(lab, "■ Stop")))
    _say(lab, button, "hello")
    _all_until(lab, "'heard'")
    _say(lab, button, "stop")
    lab.wait_for("stopped ·")
    assert lab.wait_for("first words") == "first words"
    assert len(lab.displayed) == 2
    assert WIDGET not in str(lab.displayed)
    assert lab.value("running.text, running.stopped") == "('first words', True)"


def test_a_background_run_shows_previews_and_progress_and_ends_without_a_widget(lab: Kernel) -> None:
    lab.displayed.clear()
    begun = lab.run("%falstream test/previews/stream prompt=x count:=4 rate:=9 endless:=true -b -o running")
    assert "data:image/gif;base64," in _shown_by(lab, begun, "100% step 4")
    lab.run("running.cancel()")
    lab.wait_for("stopped ·")
    assert all(set(data) == {"text/plain", "text/html"} and data["text/plain"] for data in lab.displayed.values())


def test_a_background_run_without_an_answer_leaves_no_empty_output(lab: Kernel) -> None:
    lab.displayed.clear()
    lab.run("%falstream test/none prompt=x -b --base-url ws://127.0.0.1:9")
    lab.wait_for("failed: ", "is the gateway running")
    assert sorted(data["text/plain"].partition(" ")[0] for data in lab.displayed.values()) == ["ConnectError:", "no"]


def test_python_calls_work_in_a_cell_and_with_top_level_await(lab: Kernel) -> None:
    cell = lab.run(
        "import fal_notebook as fal\n"
        "blocking = fal.run('test/echo/stream', prompt='one').text\n"
        "awaited = (await fal.arun('test/echo/stream', prompt='two')).text\n"
        "words = [str(u) async for u in fal.stream('test/echo/stream', prompt='three four')]"
    )
    assert cell.status == "ok", cell.error
    assert lab.value("blocking, awaited, ''.join(words)") == "('one ', 'two ', 'three four ')"


def test_an_error_says_what_to_do_keeps_the_partial_answer_and_stops_run_all(lab: Kernel) -> None:
    lab.send("import time; time.sleep(0.5)")  # so that the next cells are queued
    cell = lab.send("%%falstream test/late/stream -o partial\nx")
    after = lab.send("ran = True")
    failed = lab.read(cell)
    assert failed.status == "error"
    assert failed.error == (
        "ModelError: test/late/stream answered with an error: out\nof tokens\nchange the arguments, or send it again"
    )
    assert "half an" in failed.plain
    assert lab.read(after).reply["status"] == "aborted"
    assert lab.value("partial.text, type(partial.error).__name__") == "('half an', 'ModelError')"


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("%%falstream test/echo/stream --outt x\nhi", "did you mean --out?"),
        ("%%falstream test/echo/stream -o 1a\nhi", "no name for a variable"),
        ("%%falstream test/echo/stream\nhi {{nowhere}}", "'nowhere' is not defined in {{nowhere}}"),
        ('%%falstream test/echo/stream\n{"prompt": "x"', "the cell is not JSON"),
        ("%%falstream\nhi", "no endpoint"),
        ("%%falstream test/none\nhi", "404"),
        ("%%falstream test/echo/stream --base-url ws://127.0.0.1:9\nhi", "is the gateway running"),
        ("%%falstream test/endless/stream --timeout 0.3\nhi", "did not finish within 0.3 s"),
        ("%%falstream test/echo/stream --save /nowhere/at/all.txt\nhi", "no such folder"),
        ("%falstream test/body prompt=x text=junk content_type=application/json", "is not: Expecting value"),
        ("%%falstream test/failing status:=429 body:={}\nhi", "429"),
        ('%%falstream test/failing status:=403 body:={"detail":"Exhausted balance"}\nhi', "Exhausted balance"),
    ],
)
def test_a_failure_is_a_few_short_lines_that_say_what_to_do(cell: str, message: str, lab: Kernel) -> None:
    failed = lab.run(cell)
    assert failed.status == "error"
    shown = failed.error or failed.printed.strip()
    assert message in " ".join(shown.split())
    assert len(shown.splitlines()) <= 4
    assert max(map(len, shown.splitlines())) <= 60


def test_a_failure_and_its_request_are_told_once(lab: Kernel) -> None:
    failed = lab.run(f"%falstream test/failing status:=422 body:={REFUSAL} -o refused")
    identity = lab.value("refused.request_id").strip("'")
    everything = json.dumps([failed.error, [each["data"] for each in failed.outputs if "data" in each]])
    assert failed.error.startswith("ValidationFailed: 422 from test/failing")
    assert "Field required" not in failed.plain
    assert everything.count(identity) == 2  # in HTML and in its plain text, of which a front end shows one
    assert identity in failed.reply["evalue"]
    later = lab.run("refused")
    assert "<strong>the arguments were not accepted" in later.outputs[0]["data"]["text/html"]
    assert later.plain.startswith("ValidationFailed: 422 from test/failing")


def test_a_failure_without_an_output_names_its_request_in_the_error(lab: Kernel) -> None:
    quiet = lab.run(f"%falstream test/failing status:=422 body:={REFUSAL} -q -o refused")
    assert lab.value("refused.request_id").strip("'") in quiet.error
    python = lab.run("import fal_notebook\nfal_notebook.run('test/failing', status=422, body={})")
    assert python.error.splitlines()[-1].startswith("request ")


@pytest.mark.parametrize("way", ["", " -b", " --models a,b"])
def test_a_time_out_names_the_option(way: str, lab: Kernel) -> None:
    lab.displayed.clear()
    failed = lab.run(f"%falstream test/endless/stream prompt=x --timeout 0.2{way}")
    if way == " -b":
        lab.wait_for("give it a longer --timeout")
    else:
        assert "give it a longer --timeout" in failed.error


def test_a_connection_outlives_a_busy_cell() -> None:
    async def answers(connection: ServerConnection) -> None:
        async for _ in connection:
            for message in (start(), '{"output": "here"}', end()):
                await connection.send(message)

    with (
        ScriptedServer(answers, ping_interval=0.5, ping_timeout=2) as server,
        kernel({"FAL_NOTEBOOK_URL": server.url}) as lab,
    ):
        lab.run("%falstream a/b prompt=x")
        lab.run("import time; time.sleep(3)\nbegin = time.time()\nwhile time.time() < begin + 3: pass")
        assert "here" in lab.run("%falstream a/b prompt=x").plain
        assert server.connections == 1


def test_a_key_that_is_repeated_is_in_no_output_and_no_state_of_a_widget() -> None:
    secret = KEY.partition(":")[2]
    escaped = "".join(f"%{ord(letter):02x}" for letter in secret)
    spellings = [KEY, secret, escaped]

    async def repeats_the_key(connection: ServerConnection) -> None:
        async for message in connection:
            said = spellings[int(json.loads(message)["prompt"]) % len(spellings)]
            await connection.send(start(content_type="text/event-stream"))
            for piece in (said[:7], *said[7:], " it is"):
                event = {"choices": [{"delta": {"content": piece, "reasoning": piece}}], "model": said, "message": said}
                await connection.send(f"data: {json.dumps(event)}\n\n".encode())
                await asyncio.sleep(0.02)
            files = {"images": [{"url": f"https://a.example/{said}.png", "file_name": said}], "usage": {said: said}}
            await connection.send(f"data: {json.dumps(files)}\n\n".encode())
            await connection.send(end(status=500 if "fail" in str(message) else 200))

    with (
        ScriptedServer(repeats_the_key, asks_for_key) as server,
        kernel({"FAL_NOTEBOOK_URL": server.url, "FAL_KEY": KEY}) as lab,
    ):
        asked = [f"prompt={number}{how}" for number in range(len(spellings)) for how in ("", " fail=1")]
        cells = [
            *("%xmode Verbose", "import fal_notebook as fal"),
            *(f"%falstream a/b {each} -o r" for each in asked),
            *(
                f"%falstream a/b {each} -o r --background\nwhile not hasattr(r, 'text'): r = r.result()"
                for each in asked
            ),
            *(f"%falstream a/b {each} --format json" for each in asked),
            *("%falstream a/b,a/c prompt=0", "%falstream a/b,a/c prompt=2", "%falstream a/b prompt=0 --models m,n"),
            "w = fal.PromptWidget('a/b')\nfor each in '012':\n    w.run(each); w.wait()\nw",
            "r, vars(r), w.get_state(), w.results, list(r.events)",
            *("fal.run('a/b', prompt=0, fail=1)", "%tb", "fal.session().connections, vars(fal.session())"),
        ]
        everything = "".join(str(each.messages) for each in map(lab.run, cells))
    assert everything.count("[key]") > len(cells)
    assert not any(each in everything for each in (secret, escaped, secret[:8]))


def test_the_key_is_in_nothing_that_a_kernel_sends() -> None:
    async def repeats_the_key(connection: ServerConnection) -> None:
        assert connection.request is not None
        said = connection.request.headers["Authorization"]
        async for _ in connection:
            body = json.dumps({"detail": f"not with {said}"})
            for message in (start(status=401), body, end(status=401)):
                await connection.send(message)

    with (
        ScriptedServer(repeats_the_key, asks_for_key) as server,
        kernel({"FAL_NOTEBOOK_URL": server.url, "FAL_KEY": KEY}) as lab,
    ):
        cells = [
            "%xmode Verbose",
            "%falstream a/b prompt=x -o r",
            "import fal_notebook\nfal_notebook.run('a/b')",
            "try:\n    fal_notebook.run('a/b')\nexcept Exception:\n    import traceback; traceback.print_exc()",
            "%tb",
            "r, r.error, vars(r.error), fal_notebook.session(), vars(fal_notebook.session())",
            "%config FalMagics",
            "%falstream status",
            "import logging\nlogging.basicConfig(level=logging.DEBUG, force=True)\n%falstream close",
            "%falstream a/b prompt=x",
        ]
        everything = "".join(str(each.messages) for each in map(lab.run, cells))
    assert "not with Key [key]" in everything
    assert KEY not in everything
    assert KEY.partition(":")[2] not in everything


def test_the_status_lists_connections_and_close_closes_them(lab: Kernel) -> None:
    lab.run("%%falstream test/echo/stream\nx")
    assert "test/echo/stream" in lab.run("%falstream status").plain
    assert "closed" in lab.run("%falstream close").plain
    assert lab.run("%falstream status").plain == "no connections are open"


def test_help_lists_every_option_with_examples(lab: Kernel) -> None:
    shown = lab.run("%falstream --help").printed
    for word in ("--out", "--format", "--dry-run", "%falstream status", "{{expression}}"):
        assert word in shown
    pages = lab.run("%%falstream?").reply["payload"]
    assert "--autoplay" in pages[0]["data"]["text/plain"]


def test_unloading_closes_the_connections_and_takes_the_magic_away(server: LocalServer) -> None:
    with kernel({"FAL_NOTEBOOK_URL": server.url}) as fresh:
        fresh.run("%%falstream test/echo/stream\nx")
        assert fresh.run("%unload_ext fal_notebook").status == "ok"
        assert fresh.value("__import__('fal_notebook').session().connections") == "[]"
        assert "not found" in fresh.run("%falstream status").printed


def test_several_models_stand_side_by_side_and_give_a_dict(lab: Kernel) -> None:
    cell = lab.run("%%falstream test/paced/stream --models slow,fast -o both count:=60 rate:=100\nx")
    assert cell.status == "ok", cell.error
    output, foot = cell.outputs
    assert foot["data"]["text/plain"].startswith("2 answers · ")
    assert output["data"]["text/html"].count("<section") == 2
    assert output["data"]["text/plain"].startswith("slow:\n0000 0001")
    assert "first token" in output["data"]["text/plain"]
    assert lab.value("[(name, len(r.text.split())) for name, r in both.items()]") == "[('slow', 60), ('fast', 60)]"
    updates = [each for each in cell.messages if each["header"]["msg_type"] == "update_display_data"]
    assert 2 <= len(updates) <= 20


def test_an_interrupt_stops_all_columns_and_keeps_them(lab: Kernel) -> None:
    cell = lab.run_interrupted("%%falstream test/endless/stream --models a,b -o both\nx", after="first words")
    assert cell.reply["ename"] == "KeyboardInterrupt"
    assert lab.value("[r.stopped for r in both.values()]") == "[True, True]"
    assert cell.plain.count("first words") >= 1


def test_a_column_that_fails_leaves_the_others(lab: Kernel) -> None:
    cell = lab.run("%%falstream test/late/stream --models a,b -o both\nx")
    assert cell.error.startswith("ModelError")
    assert cell.plain.count("half an") == 2
    assert lab.value("[r.text for r in both.values()]") == "['half an', 'half an']"


def test_a_background_run_saves_its_answer_and_says_where(lab: Kernel, tmp_path: Path) -> None:
    lab.run(f"%%falstream test/echo/stream -b --save {tmp_path / 'answer.txt'}\nkept")
    lab.wait_for(f"saved {tmp_path / 'answer.txt'}")
    assert (tmp_path / "answer.txt").read_text() == "kept "


def test_a_captured_answer_is_whole_and_static(lab: Kernel) -> None:
    cell = lab.run("%%capture captured\n%falstream test/echo/stream prompt='some words'")
    assert cell.error == ""
    assert "some words" in lab.value("captured.outputs[0].data['text/plain']")
    assert (
        lab.value("[WIDGET for each in captured.outputs if WIDGET in each.data]".replace("WIDGET", repr(WIDGET)))
        == "[]"
    )


def test_captured_columns_are_static(lab: Kernel) -> None:
    cell = lab.run("%%capture captured\n%falstream test/echo/stream --models a,b prompt='some words'")
    assert cell.error == ""
    assert "some words" in lab.value("captured.outputs[0].data['text/plain']")


def test_only_the_registered_magics_are_configurable(lab: Kernel) -> None:
    lab.run("%unload_ext fal_notebook\n%load_ext fal_notebook")
    assert lab.value("sum(type(each).__name__ == 'FalMagics' for each in get_ipython().configurables)") == "1"


def test_config_reaches_the_session_at_once(server: LocalServer) -> None:
    with kernel({"FAL_NOTEBOOK_URL": server.url}) as fresh:
        fresh.run("%config FalMagics.nested = False\n%config FalMagics.connections = 2")
        assert fresh.value("(s := __import__('fal_notebook').session()).nested, s.limits.connections") == "(False, 2)"
