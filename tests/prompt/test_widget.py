"""The prompt widget in Python: what it sends, keeps and refuses. Its page is tested in tests/browser."""

import base64
import gc
import json
import re
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from anywidget import AnyWidget
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from fal_notebook import PromptWidget, errors, session
from fal_notebook.client.known_endpoints import CHAT, MODELS
from fal_notebook.client.sessions import Session
from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.server import LocalServer
from fal_notebook.media.media import Media
from fal_notebook.prompt import suggestions
from fal_notebook.prompt.transcript import transcript

from .. import endpoints
from ..census import open_widgets
from ..conftest import KEY
from ..growing_page import GrowingPage, unpacked

SECONDS = 30


class Watched(PromptWidget):
    """A prompt widget that records its messages to the page."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.sent: list[dict[str, Any]] = []
        self.buffers: list[bytes] = []
        self.packed: list[bytes] = []
        self.size = 0
        super().__init__(*args, **kwargs)

    def send(self, content: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        self.size += len(json.dumps(content)) + sum(map(len, buffers or []))
        if content.get("packed") and buffers:
            self.packed.append(buffers[0])
            content, buffers = unpacked(content, buffers), None
        if "words" in content:
            content = {**content, "html": content["html"].replace("<fal-words></fal-words>", content["words"])}
        self.sent.append(content)
        self.buffers += buffers or []

    def hear(self, kind: str, **content: Any) -> None:
        """Receive a message as if the page had sent it."""
        self._handle_custom_msg({"kind": kind, "view": "v", **content}, [])

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.sent if message["kind"] == kind]

    def page(self, number: int = 1) -> str:
        """The words of an answer that the page shows, on one line."""
        page = GrowingPage()
        for message in self.of("delta"):
            if message["id"] == number:
                page.apply(message)
        return page.words


@contextmanager
def change(widget: PromptWidget, name: str, wanted: Callable[[Any], bool]) -> Iterator[None]:
    """Wait at the end of the block until a trait has had a wanted value."""
    reached = threading.Event()

    def look(event: Any) -> None:
        if wanted(event["new"]):
            reached.set()

    widget.observe(look, name)
    yield
    assert reached.wait(SECONDS)
    widget.unobserve(look, name)


def unedited(widget: Watched) -> list[dict[str, Any]]:
    """The rows as a page sends them if nobody has edited them."""
    return [{"id": row["id"]} for row in widget.of("form")[-1]["rows"]]


def edited(name: str, text: str, kind: str = "json") -> dict[str, Any]:
    return {"id": f"v-{name}", "name": name, "kind": kind, "text": text}


def run(widget: PromptWidget, prompt: str) -> None:
    with change(widget, "state", lambda state: state in ("ready", "offline")):
        widget.run(prompt)
    widget.wait()  # where the connection was opened in the background, it may have become ready before the answer


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


def test_an_answer_streams_to_the_page_and_becomes_a_result(gateway: str) -> None:
    widget = Watched("test/echo/stream")
    run(widget, "some **bold** words")
    (result,) = widget.results
    assert result.text == "some **bold** words "
    assert widget.page() == "some bold words"
    (opening,), (ending,) = widget.of("entry"), widget.of("done")
    assert opening["prompt"] == "some **bold** words"
    assert "<strong>bold</strong>" in ending["html"]
    assert ending["end"] == "done"
    assert widget.state == "ready"


def test_run_returns_at_once_and_words_come_while_it_streams(gateway: str) -> None:
    widget = Watched("test/endless/stream")
    with change(widget, "state", lambda state: state == "streaming"):
        widget.run("x")
    while not widget.page():
        time.sleep(0.01)
    assert widget.page() == "first words"
    assert widget.results == []
    with change(widget, "results", bool):
        widget.stop()
    assert (widget.results[0].stopped, widget.results[0].text) == (True, "first words")
    assert widget.of("done")[0]["end"] == "stopped"


def test_previews_and_progress_are_shown_while_it_streams(gateway: str) -> None:
    uri = f"data:image/png;base64,{base64.b64encode(endpoints.PNG).decode()}"
    events = [{"images": [{"url": uri}]}, {"progress": 0.25, "message": "step\x1b[31m 1"}]
    widget = Watched("test/held/stream", {"events": events})
    widget.run("x")
    while not (widget.of("preview") and widget.of("progress")):
        time.sleep(0.01)
    assert widget.of("preview") == [{"kind": "preview", "id": 1, "type": "image/png"}]
    assert widget.buffers == [endpoints.PNG]
    (progress,) = widget.of("progress")
    assert progress["fraction"] == 0.25
    assert "\x1b" not in progress["message"]
    with change(widget, "state", lambda state: state == "ready"):
        widget.stop()
    assert "data:image/png;base64,iVBORw0KGgo" in widget.of("done")[0]["html"]


def test_wait_returns_when_the_answer_is_in_the_results(gateway: str) -> None:
    widget = Watched("test/echo/stream")
    widget.wait()
    widget.run("x")
    widget.wait()
    assert [result.text for result in widget.results] == ["x "]


def test_two_widgets_at_once_keep_their_words_apart(gateway: str) -> None:
    widgets = [Watched("test/paced/stream", {"count": 200, "rate": 400}), Watched("test/echo/stream")]
    with change(widgets[0], "state", lambda state: state == "ready"):
        widgets[0].run("x")
        run(widgets[1], "other words")
    assert widgets[0].page().split() == [f"{number:04d}" for number in range(200)]
    assert widgets[1].page() == "other words"


def test_a_long_answer_takes_few_messages_and_bytes_in_proportion_to_its_length(gateway: str) -> None:
    widget = Watched("test/paced/stream", {"count": 4000, "rate": 2000})
    run(widget, "x")
    assert len(widget.page()) == 20_000 - 1  # without the last space
    seconds = widget.results[0].metrics.duration
    assert len(widget.sent) <= 13 * (seconds + 1)
    assert widget.size < 80_000


def test_an_error_keeps_the_partial_answer_and_says_what_happened(gateway: str) -> None:
    widget = Watched("test/late/stream")
    run(widget, "x")
    assert isinstance(widget.results[0].error, errors.ModelError)
    assert widget.results[0].text == "half an"
    html = widget.of("done")[0]["html"]
    assert "half an" in html
    assert "ModelError" in html
    assert "out of tokens" in html


def test_a_widget_whose_endpoint_cannot_be_reached_is_offline_with_the_reason() -> None:
    widget = Watched("test/echo/stream", base_url="ws://127.0.0.1:9")
    run(widget, "x")
    assert widget.state == "offline"
    assert "no connection" in widget.reason
    assert isinstance(widget.results[0].error, errors.ConnectError)


@contextmanager
def states(widget: PromptWidget) -> Iterator[list[str]]:
    """Record the states of a widget."""
    told: list[str] = []

    def note(event: Any) -> None:
        told.append(event["new"])

    widget.observe(note, "state")
    yield told
    widget.unobserve(note, "state")


def test_the_first_connection_is_connecting_and_one_after_a_loss_is_reconnecting(gateway: str) -> None:
    widget = Watched("test/echo/stream")
    with states(widget) as told:
        run(widget, "x")
        run(widget, "y")
        session().close()
        run(widget, "z")
    assert told == ["connecting", "streaming", "ready", "streaming", "ready", "reconnecting", "streaming", "ready"]


def test_a_connection_that_the_request_opened_at_once_is_still_shown_as_connecting(
    gateway: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = Session.stream

    def begin_and_connect(*args: Any, **kwargs: Any) -> Any:
        stream = begin(*args, **kwargs)
        while stream.is_connecting:
            time.sleep(0.01)
        return stream

    monkeypatch.setattr(Session, "stream", begin_and_connect)
    widget = Watched("test/echo/stream")
    with states(widget) as told:
        run(widget, "x")
        session().close()
        run(widget, "y")
    assert told == ["connecting", "streaming", "ready", "reconnecting", "streaming", "ready"]


def test_it_reconnects_after_a_stop(gateway: str) -> None:
    widget = Watched("test/endless/stream")
    for _ in range(2):
        with states(widget) as told:
            with change(widget, "state", lambda state: state == "streaming"):
                widget.run("x")
            with change(widget, "state", lambda state: state == "ready"):
                widget.stop()
    assert told == ["reconnecting", "streaming", "ready"]


def test_a_widget_whose_endpoint_is_gone_is_offline_with_the_reason() -> None:
    with LocalServer(HTTPOverWebSocket(endpoints.create_app())) as passing:
        widget = Watched("test/echo/stream", base_url=passing.url)
        run(widget, "x")
    with states(widget) as told:
        run(widget, "y")
    assert told[-1] == "offline"
    assert "no connection" in widget.reason


def test_a_widget_whose_handshake_is_refused_is_offline_with_the_reason() -> None:
    with LocalServer(HTTPOverWebSocket(endpoints.create_app(), key=KEY)) as guarded:
        widget = Watched("test/echo/stream", base_url=guarded.url)
        run(widget, "x")
    assert widget.state == "offline"
    assert "401" in widget.reason


def test_an_error_status_in_an_answer_leaves_the_widget_ready(gateway: str) -> None:
    widget = Watched("test/failing", {"status": 503, "body": {}})
    run(widget, "x")
    assert (widget.state, widget.reason) == ("ready", "")


def test_without_a_key_nothing_is_sent_and_the_prompt_stays() -> None:
    widget = Watched("fal-ai/any-llm/stream", {"prompt": "kept"})
    widget.connect()
    assert (widget.state, "no fal credentials" in widget.reason) == ("offline", True)
    widget.hear("run", prompt="kept", endpoint=widget.endpoint, rows=[])
    assert "no fal credentials" in widget.of("refused")[0]["message"]
    assert widget.prompt == "kept"
    assert widget.of("entry") == []


def test_connecting_opens_the_connection_that_the_first_run_uses(gateway: str) -> None:
    widget = Watched("test/echo/stream")
    with change(widget, "state", lambda state: state == "ready"):
        widget.connect()
    (connection,) = session().connections
    assert connection.requests == 0
    run(widget, "x")
    (connection,) = session().connections
    assert connection.requests == 1
    session().connect("test/echo/stream").result(SECONDS)
    assert len(session().connections) == 1


def test_arguments_are_sent_with_their_types_and_the_prompt_in_its_field(gateway: str) -> None:
    arguments = {"text": "kept", "content_type": "text/plain", "n": 1.0}
    widget = Watched("test/body", arguments, field="words")
    rows = [*unedited(widget), edited("flag", "true")]
    with change(widget, "state", lambda state: state == "ready"):
        widget.hear("run", prompt="x", endpoint="test/body", rows=rows)
    assert json.dumps(widget.arguments) == json.dumps({**arguments, "flag": True})
    assert widget.results[0].text == "kept"


def test_arguments_can_be_given_by_name() -> None:
    box = PromptWidget("test/echo/stream", {"seed": 1, "temperature": 2}, temperature=3, model="m", prompt="Hi")
    assert (box.arguments, box.prompt) == ({"seed": 1, "temperature": 3, "model": "m"}, "Hi")
    box.close()
    with pytest.raises(errors.InvalidRequest, match=r"layout is no argument of the endpoint \(set it afterwards"):
        PromptWidget("test/echo/stream", layout={"width": "50%"})
    with pytest.raises(errors.InvalidRequest, match="the arguments are a dict, not str"):
        PromptWidget("test/echo/stream", "Hi")  # type: ignore[arg-type]


def test_rows_change_with_the_arguments_and_arguments_with_the_rows() -> None:
    widget = Watched("a/b", {"seed": 1})
    widget.arguments = {"seed": 1.0, "model": "m"}
    row = widget.of("form")[-1]["rows"][0]
    assert (row["name"], row["kind"], row["text"]) == ("seed", "json", "1.0")
    widget.hear("edited", rows=[{**row, "kind": "text", "text": "1"}])
    assert widget.arguments == {"seed": "1"}


def test_arguments_that_nobody_edited_keep_the_values_that_python_gave(gateway: str) -> None:
    picture = Media("image/png", url="https://example.com/a.png")
    arguments = {"image": picture, "model": "", "system": "a\r\nb\rc\n", " spaced ": " x ", "lone": "\ud800"}
    widget = Watched("test/echo/stream", arguments)
    with change(widget, "state", lambda state: state == "ready"):
        widget.hear("run", prompt="x", endpoint="test/echo/stream", rows=[*unedited(widget), edited("seed", "1")])
    assert widget.arguments == {**arguments, "seed": 1}
    assert widget.arguments["image"] is picture
    assert endpoints.received[-1]["system"] == arguments["system"]


def test_an_edit_is_shown_in_the_other_views_and_leaves_its_own_view_alone() -> None:
    widget = Watched("a/b", {"seed": 1})
    widget.hear("edited", view="here", rows=[*unedited(widget), edited("n", "2")])
    told = widget.of("form")[-1]
    assert told["but"] == "here"
    assert [row["name"] for row in told["rows"]] == ["seed", "n"]


def test_the_state_has_the_public_traits_and_the_words_of_the_answers(gateway: str) -> None:
    widget = PromptWidget("test/echo/stream")
    widget.run("x")
    widget.wait()
    ours = set(widget.get_state()) - set(AnyWidget().get_state())
    assert ours == {"endpoint", "prompt", "play", "system", "remember", "enter_sends", "compact", "answers", "_css"}
    assert widget.get_state()["answers"] == ["x "]
    assert "answers" not in widget.get_state("prompt")


def test_it_connects_when_any_page_shows_it(gateway: str) -> None:
    widget = Watched("test/echo/stream")
    with change(widget, "state", lambda state: state == "ready"):
        widget.hear("hello")


def test_a_page_without_the_transcript_gets_its_versions_and_the_pieces_that_it_asks_for(gateway: str) -> None:
    widget = Watched("test/echo/stream")
    run(widget, "one")
    assert widget.of("kept")[-1]["versions"] == [1, 0, 0, 0, 0, 0]
    widget.hear("transcript", view="v", pieces=[0, "1", 99, None])
    (told,) = widget.of("transcript")
    assert told["view"] == "v"
    ((piece, bundle),) = told["pieces"]
    assert piece == 0
    assert 'data-fal-version="1"' in bundle["text/html"]


def test_a_wrong_argument_is_named_and_nothing_is_lost_or_sent(gateway: str) -> None:
    widget = Watched("test/echo/stream", {"seed": 1})
    widget.prompt = "kept"
    widget.hear("run", prompt="kept", endpoint="test/echo/stream", rows=[edited("seed", "{")])
    (refused,) = widget.of("refused")
    assert "seed is not JSON" in refused["problems"][0]
    assert (widget.prompt, widget.arguments) == ("kept", {"seed": 1})
    with pytest.raises(errors.InvalidRequest, match="seed is not JSON"):
        widget.run("x")
    assert not endpoints.requests


@pytest.mark.parametrize("prompt", ["", " \n"])
def test_an_empty_prompt_is_not_sent(prompt: str, gateway: str) -> None:
    with pytest.raises(errors.InvalidRequest, match="empty"):
        Watched("test/echo/stream").run(prompt)


def test_a_second_run_is_refused_while_an_answer_streams(gateway: str) -> None:
    widget = Watched("test/endless/stream")
    widget.run("x")
    with pytest.raises(errors.InvalidRequest, match="is streaming"):
        widget.run("y")
    with change(widget, "state", lambda state: state == "ready"):
        widget.hear("stop", id=1)


def test_a_stop_that_arrives_late_does_not_stop_a_later_answer(gateway: str) -> None:
    widget = Watched("test/endless/stream")
    for number in (1, 2):
        widget.run("x")
        with change(widget, "state", lambda state: state == "ready"):
            widget.hear("stop", id=3 - number)
            assert widget._conversation.running is not None
            widget.hear("stop", id=number)
    assert [result.stopped for result in widget.results] == [True, True]


def test_delete_and_clear(gateway: str) -> None:
    widget = Watched("test/echo/stream")
    run(widget, "one")
    run(widget, "two")
    widget.hear("delete", id=1)
    assert [entry.number for entry in widget._conversation.entries] == [2]
    assert len(widget.results) == 1
    widget.hear("clear")
    assert (widget.results, widget._conversation.entries) == ([], [])
    assert [message["kind"] for message in widget.sent[-2:]] == ["cleared", "undoable"]


def test_clearing_while_an_answer_streams_drops_the_answer(gateway: str) -> None:
    widget = Watched("test/endless/stream")
    widget.run("x")
    with change(widget, "state", lambda state: state == "ready"):
        widget.clear()
    assert widget.results == []
    assert widget.of("done") == []


def test_a_view_that_opens_later_is_sent_everything_and_the_other_views_are_not(gateway: str) -> None:
    widget = Watched("test/echo/stream")
    run(widget, "one")
    widget.sent.clear()
    widget.hear("hello", view="v")
    kinds = [message["kind"] for message in widget.sent]
    assert kinds == ["cleared", "entry", "control", "form", "state", "prompts", "total", "kept"]
    assert widget.of("prompts")[-1]["prompts"][-1] == "one"
    assert {message["view"] for message in widget.sent} == {"v"}
    assert widget.sent[1]["end"] == "done"
    assert widget.sent[1]["copy"] == "one "


def test_a_body_that_is_no_markdown_streams_and_ends_as_it_is(gateway: str) -> None:
    widget = Watched("test/body", {"content_type": "text/plain", "text": "- *one*\n- <b>"})
    run(widget, "x")
    (ending,) = widget.of("done")
    assert widget.page() == "- *one* - <b>"
    assert "<em>" not in json.dumps(widget.sent)
    assert "- *one*\n- &lt;b&gt;</pre>" in ending["words"]


def test_a_view_that_opens_in_mid_answer_gets_the_words_so_far_and_grows_on(gateway: str) -> None:
    widget = Watched("test/paced/stream", {"count": 600, "rate": 600})
    widget.run("x")
    while len(widget.page()) < 1_000:
        time.sleep(0.01)
    widget.sent.clear()
    widget.hear("hello", view="v")
    widget.wait()
    opening, page = widget.of("entry")[0], GrowingPage()
    assert ("end" in opening, "html" in opening) == (False, False)
    for message in (opening, *widget.of("delta")):
        page.apply(message)
    assert page.words.split() == [f"{number:04d}" for number in range(600)]


def test_the_words_so_far_are_told_to_the_view_that_copies_them(gateway: str) -> None:
    widget = Watched("test/held/stream", {"events": [{"output": "some *words*", "partial": True}]})
    widget.run("x")
    while not widget.page():
        time.sleep(0.01)
    widget.hear("copy", id=1)
    widget.hear("copy", id=2)
    assert widget.of("copied") == [{"kind": "copied", "id": 1, "copy": "some *words*", "view": "v"}]
    widget.stop()
    widget.wait()
    widget.hear("copy", id=1)
    assert len(widget.of("copied")) == 1


def test_an_answer_without_words_has_a_description_to_copy(gateway: str) -> None:
    widget = Watched("test/picture")
    run(widget, "x")
    (ending,) = widget.of("done")
    assert "image/png" in ending["copy"]
    assert widget.packed == []
    assert "data:image/png;base64,iVBORw0KGgo" in ending["html"]


def test_the_transcript_has_every_answer_as_static_html(gateway: str) -> None:
    widget = Watched("test/echo/stream")
    run(widget, "<b>one</b> $x$")
    widget.endpoint = "test/picture"
    run(widget, "two")
    bundle = transcript(widget._conversation.entries, "name")
    assert set(bundle) == {"text/plain", "text/html"}
    assert bundle["text/plain"].startswith("Transcript (2 answers)\n\n> <b>one</b> $x$\n\n<b>one</b> $x$")
    assert "<summary>Transcript (2 answers)</summary>" in bundle["text/html"]
    assert "&lt;b&gt;one&lt;/b&gt; <span>$</span>x<span>$</span>" in bundle["text/html"]
    assert "data:image/png;base64,iVBORw0KGgo" in bundle["text/html"]
    assert bundle["text/html"].count("<b>one") == 1  # bold in the answer, where it is harmless, and not in the prompt


def test_a_very_long_answer_is_whole_in_the_transcript_and_stored_once(gateway: str) -> None:
    widget = Watched("test/paced/stream", {"count": 10_000, "rate": 1_000_000})
    run(widget, "x")
    bundle = transcript(widget._conversation.entries, "name")
    assert " 0000 0001 " in bundle["text/html"].replace('<p dir="auto">', " ")
    assert " 9998 9999" in bundle["text/html"]
    words, _, note = bundle["text/plain"].partition("\n… cut here: ")
    assert words.split()[-1] == "3999"
    assert re.match(r"50,\d\d\d characters in all", note)


def test_a_long_answer_is_compressed(gateway: str) -> None:
    widget = Watched("test/paced/stream", {"count": 10_000, "rate": 1_000_000})
    run(widget, "x")
    assert sum(map(len, widget.packed)) < 75_000  # of 50 kB: the words, at the end the whole again, and its source
    assert widget.page().split() == [f"{number:04d}" for number in range(10_000)]


def test_hostile_words_reach_the_page_only_as_text_or_cleaned_html(gateway: str) -> None:
    widget = Watched("test/echo/stream")
    hostile = "<img src=x onerror=alert(1)> \x1b[31m \u202e [l](javascript:alert(1))"
    run(widget, hostile)
    html = widget.of("done")[0]["html"]
    assert "<img" not in html
    assert "\u202e" not in json.dumps(widget.sent, ensure_ascii=False)
    assert "\x1b" not in widget.page()


def test_the_key_is_in_no_state_and_no_message(gateway: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)
    widget = Watched("test/echo/stream")
    run(widget, "x")
    assert endpoints.authorizations
    said = json.dumps([widget.get_state(), widget.sent, widget.trait_values()], default=repr)
    assert KEY.partition(":")[2] not in said


def test_an_observer_that_fails_leaves_the_widget_ready(gateway: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    widget = Watched("test/echo/stream")
    widget.observe(lambda _: 1 / 0, "results")
    run(widget, "x")
    assert widget.state == "ready"


def test_it_suggests_used_endpoints_before_known_ones(gateway: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suggestions.endpoints, "_recent", [])
    run(Watched("test/echo/stream"), "x")
    assert Watched("a/b", {"n": 1}).of("form")[-1]["endpoints"][:2] == ["test/echo/stream", CHAT]


def test_it_suggests_used_models_before_known_ones(gateway: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suggestions.models, "_recent", [])
    for model in ("one", "two", "one", 7):
        run(Watched("test/echo/stream", {"model": model}), "x")
    assert Watched("a/b", {"n": 1}).of("form")[-1]["models"][:3] == ["one", "two", MODELS[0]]


def test_the_model_has_a_field_where_the_endpoint_takes_one() -> None:
    widget = Watched("a/b")
    for endpoint, takes in (
        ("fal-ai/any-llm/stream", True),
        ("fal-ai/any-llms", False),
        (" /fal-ai/any-llm", True),
        ("test/echo/stream", False),
    ):
        widget.endpoint = endpoint
        assert widget.of("form")[-1]["takesModel"] is takes


def test_the_magic_opens_a_widget_with_the_cell_as_its_prompt(gateway: str, shell: InteractiveShell) -> None:
    shell.run_line_magic("load_ext", "fal_notebook")
    with capture_output():
        shell.run_cell_magic("falstream", "test/echo/stream --widget model=m n:=2 -o w", "Hello")
    widget = shell.user_ns["w"]
    assert (widget.endpoint, widget.prompt, widget.arguments) == ("test/echo/stream", "Hello", {"model": "m", "n": 2})
    assert not endpoints.requests
    assert repr(widget).startswith("<PromptWidget test/echo/stream, 0 answers>")


def test_sound_is_played_while_it_is_generated_only_if_play_is_set(gateway: str) -> None:
    widget = Watched("test/tone/stream", {"seconds": 0.5, "speed": 5})
    run(widget, "silent")
    assert widget.of("sound") == []
    widget.play = True
    run(widget, "heard")
    (sound,) = widget.of("sound")
    kinds = [message["kind"] for message in widget.sent]
    assert sound["id"] == 2
    assert sound["model"]
    assert kinds.index("sound") < len(kinds) - 1 - kinds[::-1].index("done")
    assert [len(result.media) for result in widget.results] == [1, 1]


def test_a_view_that_opens_while_sound_arrives_gets_its_player(gateway: str) -> None:
    widget = Watched("test/tone/stream", {"seconds": 0.5, "endless": True}, play=True)
    widget.run("x")
    deadline = time.monotonic() + SECONDS
    while not widget.of("sound"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    widget.hear("hello", view="late")
    told = [message for message in widget.of("sound") if message.get("view") == "late"]
    assert [message["model"] for message in told] == [widget.of("sound")[0]["model"]]
    widget.stop()
    widget.wait()
    widget.hear("hello", view="later")
    assert not [message for message in widget.of("sound") if message.get("view") == "later"]


def test_closing_leaves_no_widget_behind(gateway: str) -> None:
    before = open_widgets()
    widget = Watched("test/tone/stream", {"seconds": 0.2, "speed": 9}, play=True)
    run(widget, "x")
    widget.close()
    assert open_widgets() == before


def test_a_closed_widget_that_nobody_refers_to_is_freed_with_its_answers(gateway: str) -> None:
    widget = PromptWidget("test/echo/stream")
    widget.run("x")
    widget.wait()
    widget.close()
    forgotten = weakref.ref(widget)
    del widget
    gc.collect()
    assert forgotten() is None
