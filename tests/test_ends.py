"""Every request ends exactly once, whatever fails. `make fuzz` raises at every step, these tests only at some."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from fal_notebook import PromptWidget, Session, errors, pipeline, run, stream
from fal_notebook.client.off_loop import IOLoop
from fal_notebook.client.result import Result, show_safely
from fal_notebook.errors import NotShown
from fal_notebook.wire.compression import DeflateFactory
from fal_notebook.wire.websocket import WebSocket

from .conftest import KEY
from .exception_sweep import PLAIN, SHOWING, sweep_in_kernel
from .kernels import Kernel, kernel, left_open
from .scripted import ScriptedServer, end, start

ROOT = Path(__file__).parents[1]
STEPS = 12
"""How many steps of each way are tried."""
AMOUNTS = ("-1e400", "1e400", "NaN", "1" + "0" * 400, "-1" + "0" * 400, "1e-400", "true", "null", '"9"', "[]", "-0.0")


def test_whatever_fails_a_request_ends_once_and_keeps_its_words() -> None:
    command = [sys.executable, "-m", "tests.exception_sweep", "--most", str(STEPS), *PLAIN]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_whatever_fails_what_is_shown_ends_too() -> None:
    _, found = sweep_in_kernel(SHOWING, STEPS)
    assert found == []


@contextmanager
def _answering(body: str, *, status: int = 200, content_type: str = "application/json") -> Iterator[str]:
    """The address of a server whose every answer is the same."""

    async def answer(connection: ServerConnection) -> None:
        async for _ in connection:
            await connection.send(start(status=status, content_type=content_type))
            await connection.send(body.encode())
            await connection.send(end(status=status))

    with ScriptedServer(answer) as server:
        yield server.url


def _nested(depth: int) -> str:
    return '{"detail": ' + "[" * depth + "]" * depth + "}"


@pytest.mark.parametrize("depth", [10, 300, 485, 700, 900, 985, 2_000, 50_000])
def test_an_error_nested_deep_has_its_own_name_and_one_outcome(depth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)
    with _answering(_nested(depth), status=422) as url:
        request = stream("a/b", base_url=url)
        outcome = request.outcome()
        assert outcome is request.outcome()
        assert isinstance(outcome.error, errors.ValidationFailed)
        assert outcome.error.result is outcome
        assert "\n" not in str(outcome.error)


@pytest.mark.parametrize("depth", [10, 600, 985, 50_000])
def test_a_refusal_nested_deep_has_its_own_name(depth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)

    def refuse(connection: ServerConnection, _: Request) -> Response:
        return connection.respond(HTTPStatus.UNAUTHORIZED, _nested(depth))

    async def answer(connection: ServerConnection) -> None:
        """Open no connection."""

    with ScriptedServer(answer, refuse) as server, pytest.raises(errors.AuthenticationError):
        run("a/b", base_url=server.url)


@pytest.fixture(scope="module")
def lab() -> Iterator[Kernel]:
    with kernel({"FAL_KEY": KEY, "PYTHONPATH": str(ROOT)}) as running:
        yield running


@pytest.mark.parametrize("depth", [485, 985])
def test_a_cell_with_an_error_nested_deep_ends_with_a_few_lines_and_its_result(depth: int, lab: Kernel) -> None:
    with _answering(_nested(depth), status=422) as url:
        cell = lab.run(f"%falstream a/b prompt=x --base-url {url} -o out")
        assert "ValidationFailed: 422" in cell.error
        assert len(cell.error.splitlines()) == 3  # a line too long for a narrow page, and what to do
        assert left_open(cell) == set()
        assert lab.value("type(out.error).__name__, out.status") == "('ValidationFailed', 422)"
        lab.run(f"%falstream a/b prompt=x --base-url {url} -o late -b")
        assert lab.value("(late._stream.outcome() if hasattr(late, '_stream') else late).status") == "422"
        cell = lab.run(f"%falstream a/b,c/d prompt=x --base-url {url} -o both")
        assert "ValidationFailed: 422" in cell.error
        assert lab.value("[each.status for each in both.values()]") == "[422, 422]"


@pytest.mark.parametrize("depth", [485, 985])
def test_a_prompt_widget_goes_on_after_an_error_nested_deep(depth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)
    with _answering(_nested(depth), status=422) as url:
        widget = PromptWidget("a/b", base_url=url)
        for count in (1, 2):
            widget.run("x")
            widget.wait()
            assert [each.status for each in widget.results] == [422] * count
            assert widget.state == "ready"
        widget.close()


def _numbers(amount: str) -> str:
    names = ("cost", "prompt_tokens", "completion_tokens", "total_tokens")
    usage = "{" + ", ".join(f'"{name}": {amount}' for name in names) + "}"
    image = f'{{"url": "https://a/b.png", "width": {amount}, "height": {amount}, "seed": {amount}}}'
    others = f'"progress": {amount}, "seed": {amount}, "sample_rate": {amount}, "duration": {amount}'
    return f'{{"output": "words", "partial": false, "usage": {usage}, "images": [{image}, {image}], {others}}}'


@pytest.mark.parametrize("amount", AMOUNTS, ids=lambda amount: amount[:6])
def test_whatever_numbers_a_server_says_an_answer_is_shown(amount: str, lab: Kernel) -> None:
    body = f"data: {_numbers(amount)}\n\n" * 2
    with _answering(body, content_type="text/event-stream") as url:
        result = run("a/b", base_url=url)
        assert result.text == "words"
        assert len(result.status_line) < 200
        for way in ("-o out", "-o out --play", "--models a,b", "-b"):
            cell = lab.run(f"%falstream a/b prompt=x --base-url {url} {way}")
            assert cell.status == "ok", cell.error
            assert left_open(cell) == set() or way == "-b"
        widget = PromptWidget("a/b", base_url=url)
        widget.run("x")
        widget.wait()
        assert (widget.results[0].text, widget.results[0].error) == ("words", None)
        widget.close()


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
@pytest.mark.parametrize("way", ["", "-b", "--models m,n", "-f json", "--dry-run"])
def test_a_terminal_that_lacks_characters_shows_the_others(encoding: str, way: str) -> None:
    events = [{"output": "日本 · žába", "partial": True}, {"output": "日本 · žába\nend", "partial": False}]
    body = "".join(f"data: {json.dumps(each)}\n\n" for each in events)
    with _answering(body, content_type="text/event-stream") as url:
        line = f"%falstream a/b prompt=žluť --base-url {url} -o out {way}"
        waits = "hasattr(out, '_stream') and out.result()" if way == "-b" else ""
        done = _in_terminal([line, waits, "globals().get('out')"], encoding)
    assert "Traceback" not in done.stdout + done.stderr
    assert "Error" not in done.stdout + done.stderr
    assert "NotShown" not in done.stdout


def test_an_error_of_other_characters_is_one_line_in_a_terminal_that_lacks_them() -> None:
    with _answering('{"detail": "日本"}', status=422) as url:
        done = _in_terminal([f"%falstream a/b prompt=x --base-url {url}"], "ascii")
    assert "ValidationFailed: 422 from a/b: ??" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


CLOSED = """
import sys
class Closed:
    encoding = "utf-8"
    def write(self, text): raise BrokenPipeError
    def flush(self): raise BrokenPipeError
    def isatty(self): return True
shell, out = get_ipython(), sys.stdout
sys.stdout = Closed()
try:
    shell.run_cell_magic("falstream", "a/b --base-url {url} -o answer", "x")
except Exception as exc:
    raised = exc
sys.stdout = out
print(type(raised).__name__, answer.text, answer.error is raised, raised.result is answer)
"""


def test_an_answer_is_kept_where_nothing_can_be_printed() -> None:
    with _answering("some words", content_type="text/plain") as url:
        done = _in_terminal([f"exec({CLOSED.replace('{url}', url)!r})"], "utf-8")
    assert "NotShown some words True True" in done.stdout


def _in_terminal(lines: list[str], encoding: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "IPython", "--no-banner", "--colors=nocolor", "--ext=fal_notebook", "-c"]
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "FAL_KEY": KEY}
    return subprocess.run(
        [*command, "\n".join(lines)],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        encoding=encoding,
        errors="replace",
        timeout=60,
        check=False,
    )


def test_what_one_answer_cannot_be_read_by_stops_no_other_of_a_pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    with _answering("words", content_type="text/plain") as url:
        first, *others = pipeline("a/b", [{}] * 3, base_url=url)
        monkeypatch.setattr(first._reading, "_read", lambda _: 1 // 0)
        assert isinstance(first.outcome().error, errors.RequestError)
        assert [each.outcome().text for each in others] == ["words"] * 2


def test_a_request_that_is_stopped_before_it_began_ends() -> None:
    own = Session()
    with _answering("words", content_type="text/plain") as url:
        before = sys.getswitchinterval()
        sys.setswitchinterval(1)  # so that the I/O thread does not run between the two
        try:
            for _ in range(100):
                request = own.stream("a/b", base_url=url)
                request.cancel()
                request.outcome()
        finally:
            sys.setswitchinterval(before)
    own.close()


@pytest.mark.parametrize(
    ("kind", "name"), [(DeflateFactory, "process_response_params"), (WebSocket, "_begin_to_split")]
)
def test_a_handshake_that_cannot_be_taken_is_no_request(kind: type, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    own = Session()
    with _answering("words", content_type="text/plain") as url:
        with monkeypatch.context() as broken:
            broken.setattr(kind, name, lambda *_: 1 // 0)
            with pytest.raises(
                errors.ConnectError, match=r"could not be taken: ZeroDivisionError \(nothing was sent\)"
            ):
                own.stream("a/b", base_url=url, timeout=10).result()
        assert own.stream("a/b", base_url=url).result().text == "words"
    own.close()


def test_a_thread_that_fails_as_it_begins_is_told_and_the_next_request_has_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = Session()
    with _answering("words", content_type="text/plain") as url:
        with monkeypatch.context() as broken:
            broken.setattr(IOLoop, "set_exception_handler", lambda *_: 1 // 0)
            error = own.stream("a/b", base_url=url, timeout=10).outcome().error
        assert isinstance(error, errors.ConnectError)
        assert own.stream("a/b", base_url=url).result().text == "words"
    own.close()


def test_what_cannot_be_shown_is_shown_in_words_and_is_the_error_of_the_result() -> None:
    shows: list[Any] = []

    def show(result: Result) -> None:
        shows.append(result.body())
        if len(shows) == 1:
            raise RecursionError

    kept = show_safely(Result("a/b", text="**bold**"), show)
    assert isinstance(kept.error, NotShown)
    assert kept.error.result is kept
    assert "<strong>" in str(shows[0])
    assert "**bold**" in str(shows[1])


def test_a_request_that_is_stopped_under_way_says_itself_how_it_was_sent() -> None:
    async def begin(connection: ServerConnection) -> None:
        async for _ in connection:
            await connection.send(start(content_type="text/plain"))
            await connection.send(b"words")

    own = Session()
    with ScriptedServer(begin) as server:
        for _ in range(50):
            request = own.stream("a/b", base_url=server.url)
            assert str(next(request)) == "words"
            request.cancel()
            result = request.outcome()
            assert (result.stopped, result.sent_whole, result.text) == (True, True, "words")
    own.close()
