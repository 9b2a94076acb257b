import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from websockets.exceptions import InvalidStatus

from fal_notebook import info
from fal_notebook.local.cli import main
from fal_notebook.local.copies import originals
from fal_notebook.local.server import LocalServer

from .frames import TEXT, frame, raw_client, raw_socket
from .wire import SECONDS, ask, open_socket

pytestmark = pytest.mark.beside

COMMAND = [sys.executable, "-c", "import sys; from fal_notebook.local.cli import main; sys.exit(main())"]
ROOT = Path(__file__).parents[2]
ECHO = """
async def app(scope, receive, send):
    if scope["type"] == "http":
        body = (await receive())["body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})
"""
FAL_APP = """
import fal
from pydantic import BaseModel

class Word(BaseModel):
    word: str

class Shouter(fal.App):
    @fal.endpoint("/")
    def shout(self, word: Word) -> Word:
        return Word(word=word.word.upper())

    @fal.endpoint("/loud")
    def loud(self, word: Word) -> Word:
        return Word(word=f"{word.word.upper()}!")
"""


@contextmanager
def running(*arguments: str, folder: Path, **environment: str) -> Iterator["subprocess.Popen[str]"]:
    """Run the command, and end it with the block: a test that fails in it must not wait for it."""
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def run(*arguments: str, folder: Path, **environment: str) -> tuple[int, str, str]:
    with running(*arguments, folder=folder, **environment) as process:
        out, err = process.communicate(timeout=SECONDS)
    return process.returncode, out, err


def announced_url(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r"export FAL_NOTEBOOK_URL=(ws://\S+)", line):
            return found[1]
    raise AssertionError(process.communicate()[1])


def error_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = main(arguments)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return code, err.strip().removeprefix("fal-notebook: error: ")


def test_a_test_that_fails_does_not_wait_for_its_command(tmp_path: Path) -> None:
    with pytest.raises(LookupError), running("serve", folder=tmp_path) as process:
        raise LookupError
    assert process.returncode is not None


def test_without_a_command_the_help_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "serve" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["-h"], ["serve", "-h"], ["demo", "-h"], ["--version"]])
def test_help_and_version_end_well(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 0
    assert "fal-notebook" in capsys.readouterr().out


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_serve_answers_and_ends_on_a_signal_leaving_nothing(end: signal.Signals, tmp_path: Path) -> None:
    with running("serve", folder=tmp_path) as process:
        url = announced_url(process)
        answer = ask(url + "/fal-ai/any-llm", {"prompt": "Tell me a story.", "max_tokens": 8})
        assert answer.json["output"].strip()
        children = psutil.Process(process.pid).children(recursive=True)
        with open_socket(url + "/fal-ai/any-llm/stream") as socket:
            socket.send(json.dumps({"prompt": "Tell a long story.", "max_tokens": 2048}))
            socket.recv(SECONDS)
            process.send_signal(end)
            _, err = process.communicate(timeout=SECONDS)
    assert (process.returncode, err) == (0, "")
    assert psutil.wait_procs(children, timeout=SECONDS)[1] == []


def test_serve_takes_an_application_from_the_working_directory(tmp_path: Path) -> None:
    (tmp_path / "my_echo.py").write_text(ECHO)
    with running("serve", "my_echo:app", folder=tmp_path) as process:
        assert ask(announced_url(process), {"a": 1}).json == {"a": 1}
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) == 0


def test_serve_takes_a_fal_app(tmp_path: Path) -> None:
    (tmp_path / "shouting.py").write_text(FAL_APP)
    with running("serve", "shouting:Shouter", folder=tmp_path) as process:
        url = announced_url(process)
        assert ask(url, {"word": "hello"}).json == {"word": "HELLO"}
        assert ask(f"{url}/loud", {"word": "hello"}).json == {"word": "HELLO!"}
        told = info("loud", base_url=url)
        assert [(each.name, each.kinds, each.required) for each in told.schema.arguments] == [
            ("word", ("string",), True)
        ]
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) == 0


def test_serve_can_require_a_key_and_does_not_print_it(tmp_path: Path) -> None:
    (tmp_path / "my_echo.py").write_text(ECHO)
    command = ["serve", "my_echo:app", "--require-key"]
    with running(*command, folder=tmp_path, FAL_NOTEBOOK_GATEWAY_KEY="made-up:secret") as process:
        url = announced_url(process)
        with pytest.raises(InvalidStatus, match="401"), open_socket(url):
            pass
        assert ask(url, {}, additional_headers={"Authorization": "Key made-up:secret"}).status == 200
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=SECONDS)
    assert "made-up" not in out + err


def test_an_absent_module_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert error_of(capsys, "serve", "no_such_module:app") == (
        2,
        "cannot import no_such_module: ModuleNotFoundError: No module named 'no_such_module'",
    )


def test_an_absent_attribute_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert error_of(capsys, "serve", "json:app") == (2, "the module json has no attribute 'app'")


@pytest.mark.parametrize("target", ["json", "json:", ":app", "json:__name__"])
def test_what_is_no_application_is_one_line(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, line = error_of(capsys, "serve", target)
    assert code == 2
    assert target in line


def test_a_taken_port_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with LocalServer(lambda _scope, _receive, _send: None) as server:  # type: ignore[arg-type,return-value]  # never called
        code, line = error_of(capsys, "serve", "json:dumps", "--port", str(server.port))
    assert code == 1
    assert line == f"cannot listen on 127.0.0.1:{server.port}: Address already in use"


def test_the_network_is_served_only_with_a_key(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FAL_NOTEBOOK_GATEWAY_KEY", raising=False)
    code, line = error_of(capsys, "serve", "--host", "0.0.0.0")
    assert (code, "--require-key" in line) == (2, True)
    code, line = error_of(capsys, "serve", "--host", "0.0.0.0", "--require-key")
    assert (code, "FAL_NOTEBOOK_GATEWAY_KEY" in line) == (2, True)


def test_a_missing_extra_is_one_line_that_says_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fal_notebook.local.app", None)
    code, line = error_of(capsys, "serve")
    assert code == 1
    assert "pip install 'fal_notebook[local]'" in line


def write_notebook(path: Path, *sources: str) -> None:
    cells = [new_markdown_cell("A notebook of the tests."), *map(new_code_cell, sources)]
    nbformat.write(new_notebook(cells=cells), path)


def test_demo_execute_writes_notebooks_without_widget_state(tmp_path: Path) -> None:
    write_notebook(
        tmp_path / "first.ipynb",
        "import os; print(os.environ['FAL_NOTEBOOK_URL'])",
        "import ipywidgets; ipywidgets.IntSlider()",
        "%load_ext fal_notebook\n%falstream local/fractal prompt=a width:=64 height:=64 --queue",
    )
    code, out, _ = run("demo", str(tmp_path), "--execute", "done", folder=tmp_path)
    assert code == 0
    assert re.search(r"^first\.ipynb: 4 cells, \d", out, re.MULTILINE)
    notebook = nbformat.read(tmp_path / "done/first.ipynb", as_version=4)
    assert notebook.cells[1].outputs[0].text.startswith("ws://127.0.0.1:")
    assert "widgets" not in notebook.metadata
    assert "image/png" in notebook.cells[3].outputs[0].data
    assert "ws://127.0.0.1:" in (tmp_path / "done/first.html").read_text()


def test_demo_execute_names_the_failing_cell_and_goes_on(tmp_path: Path) -> None:
    write_notebook(tmp_path / "a.ipynb", "print('before')", "{}['missing']", "print('after')")
    write_notebook(tmp_path / "b.ipynb", "print('next')")
    code, out, err = run("demo", str(tmp_path), "--execute", "done", folder=tmp_path)
    assert code == 1
    assert "fal-notebook: error: a.ipynb, cell 3: KeyError: 'missing'\n" in err
    assert "b.ipynb: 2 cells" in out
    cells = nbformat.read(tmp_path / "done/a.ipynb", as_version=4).cells
    assert [len(cell.outputs) for cell in cells[1:]] == [1, 1, 0]
    assert (tmp_path / "done/a.html").is_file()


def test_demo_execute_ends_on_a_signal_leaving_no_kernel(tmp_path: Path) -> None:
    write_notebook(
        tmp_path / "long.ipynb",
        "from pathlib import Path\nPath('begun').touch()\nimport threading\nthreading.Event().wait()",
    )
    with running("demo", str(tmp_path), "--execute", "done", folder=tmp_path) as process:
        await_path(tmp_path / "begun")
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert psutil.wait_procs(children, timeout=SECONDS)[1] == []


def await_path(path: Path) -> None:
    pause = threading.Event()
    for _ in range(int(SECONDS * 20)):
        if path.exists():
            return
        pause.wait(0.05)
    raise AssertionError(f"{path} did not appear")


@pytest.mark.parametrize("end", ["signal", "shutdown"])
def test_demo_runs_jupyterlab_and_leaves_nothing_behind(end: str, tmp_path: Path) -> None:
    write_notebook(tmp_path / "quickstart.ipynb", "1")
    with running("demo", "--no-browser", str(tmp_path), folder=tmp_path) as process:
        lab, token = lab_address(process)
        await_server(lab)
        call(f"{lab}/api/kernels", token, b'{"name": "python3"}')
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) >= 2
        if end == "signal":
            process.send_signal(signal.SIGINT)
        else:
            call(f"{lab}/api/shutdown", token, b"")
        _, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 0
    assert "fal_notebook" not in err  # a kernel that is ended while it starts has a traceback of its own
    assert psutil.wait_procs(children, timeout=SECONDS)[1] == []


def test_demo_works_on_trusted_copies_beside_what_the_user_has(tmp_path: Path) -> None:
    with running("demo", "--no-browser", folder=tmp_path, JUPYTER_DATA_DIR=str(tmp_path / "data")) as process:
        lab, token = lab_address(process)
        await_server(lab)
        for path in originals():
            assert is_trusted(f"{lab}/api/contents/{path.name}", token)
            assert (tmp_path / "fal-notebooks" / path.name).read_bytes() == path.read_bytes()
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=SECONDS)
    assert "The notebooks in ./fal-notebooks are yours to change." in out


def is_trusted(url: str, token: str) -> bool:
    request = urllib.request.Request(url, headers={"Authorization": f"token {token}"})
    with urllib.request.urlopen(request, timeout=SECONDS) as response:
        cells = json.load(response)["content"]["cells"]
    return all(cell["metadata"]["trusted"] for cell in cells if cell["cell_type"] == "code")


def test_demo_does_not_trust_the_notebooks_of_a_folder_that_is_named(tmp_path: Path) -> None:
    write_notebook(tmp_path / "quickstart.ipynb", "1")
    notebook = nbformat.read(tmp_path / "quickstart.ipynb", as_version=4)
    notebook.cells[1].outputs = [new_output("display_data", {"text/html": "<script></script>"})]
    nbformat.write(notebook, tmp_path / "quickstart.ipynb")
    command = ["demo", "--no-browser", str(tmp_path)]
    with running(*command, folder=tmp_path, JUPYTER_DATA_DIR=str(tmp_path / "data")) as process:
        lab, token = lab_address(process)
        await_server(lab)
        assert not is_trusted(f"{lab}/api/contents/quickstart.ipynb", token)
    assert not (tmp_path / "fal-notebooks").exists()


def test_a_place_where_the_copies_cannot_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "fal-notebooks").write_text("a file")
    code, _, err = run("demo", "--no-browser", folder=tmp_path)
    assert code == 1
    assert err == "fal-notebook: error: the notebooks cannot be copied into ./fal-notebooks: File exists\n"


def lab_address(process: "subprocess.Popen[str]") -> tuple[str, str]:
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.search(r"(http://localhost:\d+)/lab/tree/quickstart\.ipynb\?token=(\w+)", line):
            return found[1], found[2]
    raise AssertionError("JupyterLab did not start")


def await_server(url: str) -> None:
    """Jupyter announces its address a moment before it listens there."""
    pause = threading.Event()
    for _ in range(int(SECONDS * 20)):
        with suppress(OSError), urllib.request.urlopen(f"{url}/api", timeout=SECONDS):
            return
        pause.wait(0.05)
    raise AssertionError(f"nothing listens at {url}")


def call(url: str, token: str, body: bytes) -> None:
    headers = {"Authorization": f"token {token}"}
    request = urllib.request.Request(url, body, headers, method="POST")
    with urllib.request.urlopen(request, timeout=SECONDS) as response:
        assert response.status < 300


def test_a_missing_folder_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert error_of(capsys, "demo", str(tmp_path / "none")) == (2, f"there is no folder {tmp_path / 'none'}")


def test_an_empty_folder_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, line = error_of(capsys, "demo", str(tmp_path), "--execute", str(tmp_path / "out"))
    assert (code, line) == (1, f"there are no notebooks in {tmp_path}")


def test_what_is_no_notebook_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "bad.ipynb").write_text("not JSON")
    code, line = error_of(capsys, "demo", str(tmp_path), "--execute", str(tmp_path / "out"))
    assert code == 1
    assert line.startswith(f"{tmp_path / 'bad.ipynb'} is not a notebook")


SLOW_TO_END = {
    "asks nothing": "await asyncio.Event().wait()",
    "sends without a pause": """
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            await send({"type": "http.response.body", "body": b"more", "more_body": True})""",
    "never lets others run": """
        while True:
            pass""",
    "blocks": "time.sleep(1000)",
    "blocks a thread": "await asyncio.to_thread(time.sleep, 1000)",
    "blocks a thread of its own": """
        threading.Thread(target=time.sleep, args=(1000,)).start()
        await asyncio.Event().wait()""",
    "ignores its cancellation": """
        while True:
            try:
                await asyncio.sleep(1000)
            except BaseException:
                pass""",
    "cleans up for ever": """
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(1000)""",
    "hangs at exit": """
        atexit.register(time.sleep, 1000)
        await asyncio.Event().wait()""",
}
SLOW_APP = """
import asyncio, atexit, threading, time

async def app(scope, receive, send):
    if scope["type"] == "http":
        open("begun", "w").close()
        {work}
"""
SLOW_LIFESPAN = """
import asyncio

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        {start}
        await send({{"type": "lifespan.startup.complete"}})
        await receive()
        await asyncio.sleep(1000)
"""
ENDS_WITHIN = 20.0  # seconds, of which six are ours: the machine may be busy


def ended_in(process: "subprocess.Popen[str]", *ends: signal.Signals) -> float:
    """Send signals, a moment apart, and say after how many seconds the process had ended well."""
    began = time.monotonic()
    for number in ends:
        process.send_signal(number)
        time.sleep(0.3)
    process.wait(ENDS_WITHIN)
    assert process.returncode == 0
    return time.monotonic() - began


@pytest.mark.parametrize("way", ["http", "websocket"])
def test_serve_ends_whatever_its_application_does(way: str, tmp_path: Path) -> None:
    with ExitStack() as together:  # for each takes the seconds that it is given to end
        processes = []
        for name, work in SLOW_TO_END.items():
            (tmp_path / name).mkdir()
            (tmp_path / name / "slow.py").write_text(SLOW_APP.format(work=work))
            processes.append(together.enter_context(running("serve", "slow:app", folder=tmp_path / name)))
        for name, process in zip(SLOW_TO_END, processes, strict=True):
            url = announced_url(process)
            if way == "http":
                client = together.enter_context(raw_socket(url))
                client.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}")
            else:
                together.enter_context(raw_client(url)).send(frame(TEXT, b"{}"))
            await_path(tmp_path / name / "begun")
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for name, process in zip(SLOW_TO_END, processes, strict=True):
            process.wait(ENDS_WITHIN)
            assert process.returncode == 0, name


@pytest.mark.parametrize("start", ["", "await asyncio.sleep(1000)"], ids=["at its end", "at its start"])
def test_serve_ends_although_its_application_is_slow(start: str, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("open('begun', 'w').close()\n" + SLOW_LIFESPAN.format(start=start))
    with running("serve", "slow:app", folder=tmp_path) as process:
        await_path(tmp_path / "begun")
        if not start:
            announced_url(process)
        ended_in(process, signal.SIGTERM)


def test_a_second_interrupt_ends_serve_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "slow.py").write_text(SLOW_APP.format(work="time.sleep(1000)"))
    with running("serve", "slow:app", folder=tmp_path) as process:
        with raw_client(announced_url(process)) as client:
            client.send(frame(TEXT, b"{}"))
            await_path(tmp_path / "begun")
            assert ended_in(process, signal.SIGINT, signal.SIGINT) < 6
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_serve_admits_pages_that_are_named(tmp_path: Path) -> None:
    (tmp_path / "my_echo.py").write_text(ECHO)
    with running("serve", "my_echo:app", "--allow-origin", "http://localhost:8888", folder=tmp_path) as process:
        url = announced_url(process)
        assert ask(url, {}, origin="http://localhost:8888").status == 200
        with pytest.raises(InvalidStatus, match="403"), open_socket(url, origin="http://localhost:8889"):
            pass


@pytest.mark.parametrize("text", ["null", "localhost:8888", "http://localhost:8888/", "*"])
def test_what_is_no_origin_is_said(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["serve", "--allow-origin", text])
    assert "is not an origin" in capsys.readouterr().err
