"""Objects that are alive when the interpreter exits are cleaned up without any output."""

import subprocess
import sys
from pathlib import Path

import pytest

from .kernels import SECONDS, kernel

ALIVE = {
    "box that was shown": "box = PromptWidget('test/echo/stream'); display(box)",
    "box that runs": "box = PromptWidget('test/endless/stream'); display(box); box.run('x'); time.sleep(0.5)",
    "box in a ring": "box = PromptWidget('test/echo/stream'); display(box); sys.kept = kept = [box]; kept.append(kept)",
    "player": "player = AudioPlayer(); display(player); player.feed(bytes(3200))",
    "stream": "running = stream('test/endless/stream', prompt='x'); time.sleep(0.5)",
    "session": "used = session(); run('test/echo/stream', prompt='x')",
    "second session": "second = Session(); sys.kept = kept = [second]; kept.append(kept)",
    "request that is made last of all": (
        "class Late:\n    def __del__(self):\n        try: run('test/echo/stream', prompt='x')\n"
        "        except Exception: pass\n\nLate.last = Late()"
    ),
    "box that was never made": "try: PromptWidget(nonsense=1)\nexcept TypeError: pass",
    # The last one: ZeroMQ cannot send a message of 64 KiB or more at the interpreter's end, and the sound grows.
    "box that plays": "box = PromptWidget('test/tone/stream', {'seconds': 9}, play=True); box.run('x'); time.sleep(.5)",
}
NAMES = (
    "import sys, time\nfrom IPython.display import display\nfrom fal_notebook import *\n"
    "from fal_notebook import session\nfrom fal_notebook.errors import FalNotebookError\n"
    "from fal_notebook.client.sessions import Session\n"
)
BACKGROUND = "%load_ext fal_notebook\n%falstream test/endless/stream prompt=x -b\n"


def ended(folder: Path, command: list[str], code: str) -> str:
    """The output of a program that reads the code from its standard input and exits; empty if it mentions no error."""
    whole = subprocess.run(
        [sys.executable, *command], input=code, capture_output=True, text=True, timeout=SECONDS, cwd=folder, check=True
    )
    said = whole.stdout + whole.stderr
    return said if "Error" in said or "Exception" in said or "Warning" in said else ""


@pytest.mark.parametrize("alive", ALIVE.values(), ids=ALIVE)
@pytest.mark.parametrize("program", ["python", "ipython"])
def test_a_program_ends_without_a_word(program: str, alive: str, gateway: str, tmp_path: Path) -> None:
    if program == "python":
        assert ended(tmp_path, ["-"], NAMES + alive + "\n") == ""
    else:
        command = ["-m", "IPython", "--no-banner", "--simple-prompt", f"--ipython-dir={tmp_path}"]
        assert ended(tmp_path, command, f"{NAMES}{alive}\n\nexit()\n") == ""


def test_a_terminal_with_a_run_in_the_background_ends_without_a_word(gateway: str, tmp_path: Path) -> None:
    command = ["-m", "IPython", "--no-banner", "--simple-prompt", f"--ipython-dir={tmp_path}"]
    assert ended(tmp_path, command, f"{BACKGROUND}exit()\n") == ""


def test_a_kernel_ends_without_a_word(gateway: str, tmp_path: Path) -> None:
    with (tmp_path / "said").open("w+") as said:
        with kernel({}, said) as running:
            for number, alive in enumerate(ALIVE.values()):
                code = NAMES + alive.replace("box", f"box{number}")
                assert running.run(code).status == "ok"
            assert running.run(BACKGROUND).status == "ok"
            running.manager.request_shutdown()
            running.manager.finish_shutdown()
        said.seek(0)
        assert said.read() == ""
