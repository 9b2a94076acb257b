"""What other libraries log for one answer, in a program that logs everything."""

import json
import logging
import subprocess
import sys
import threading

import pytest
from markdown_it import MarkdownIt

from fal_notebook.local.server import LocalServer
from fal_notebook.render.markdown import markdown_html
from fal_notebook.safety.loggers import quiet

from ..conftest import KEY
from ..kernels import kernel

WORDS = "# Title\n\nSome *words*.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- one\n- two\n"
LISTEN = """
import json, logging, os, sys
lines = []

class Listener(logging.Handler):
    def emit(self, record):
        lines.append([record.name, self.format(record)])

logging.getLogger().addHandler(Listener())
logging.getLogger().setLevel(logging.DEBUG)
"""
PLAIN = """
import fal_notebook
from fal_notebook import Media, run, session
answer = run("test/echo/stream", prompt=WORDS)
answer.outputs()
answer._repr_mimebundle_()
page = os.environ["FAL_NOTEBOOK_URL"].replace("ws:", "http:")
try:
    Media("image/png", url=page).read()
except fal_notebook.FalNotebookError as exc:
    assert "could not fetch" in str(exc)
session().close()
print(json.dumps(lines))
"""


def test_an_answer_in_a_plain_program_adds_no_line_to_its_log(gateway: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)
    code = f"{LISTEN}\nWORDS = {WORDS!r}\n{PLAIN}"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60, text=True)
    assert json.loads(done.stdout) == []
    assert done.stderr == ""


def test_an_answer_in_a_kernel_adds_no_line_to_its_log(server: LocalServer) -> None:
    with kernel({"FAL_NOTEBOOK_URL": server.url, "FAL_KEY": KEY}) as running:
        assert running.run(LISTEN).status == "ok"
        for options in ("", "--quiet", "--background -o late"):
            execution = running.run(f"%%falstream test/echo/stream {options}\n{WORDS}")
            assert execution.status == "ok", execution.error
        assert running.run(f"%%falstream test/echo/stream --models a,b\n{WORDS}").status == "ok"
        running.wait_for("Title", "test/echo/stream · ")  # the late one is whole
        assert running.value("lines") == "[]"


@pytest.fixture
def heard(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    return caplog


def test_what_the_user_renders_is_logged_as_before(heard: pytest.LogCaptureFixture) -> None:
    assert "<h1" in markdown_html("# ours")
    assert heard.records == []
    MarkdownIt().render("# the user's")
    assert {record.name.partition(".")[0] for record in heard.records} == {"markdown_it"}


def test_another_thread_is_logged_while_this_one_is_quiet(heard: pytest.LogCaptureFixture) -> None:
    with quiet():
        MarkdownIt().render("# here")
        assert heard.records == []
        other = threading.Thread(target=lambda: MarkdownIt().render("# there"))
        other.start()
        other.join()
    assert heard.records != []


def test_warnings_are_kept(heard: pytest.LogCaptureFixture) -> None:
    with quiet():
        logging.getLogger("httpx").info("a request")
        logging.getLogger("httpx").warning("a warning")
    assert [record.getMessage() for record in heard.records] == ["a warning"]


def test_quiet_within_quiet_stays_quiet_to_its_end(heard: pytest.LogCaptureFixture) -> None:
    with quiet():
        with quiet():
            pass
        logging.getLogger("asyncio").debug("still within")
    assert heard.records == []
    logging.getLogger("asyncio").debug("after it")
    assert len(heard.records) == 1
