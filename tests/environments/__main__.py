"""Runs tests of the client and of the kernel in environments that people have: ``python -m tests.environments``.

Each environment is a virtual environment under build/environments, and is kept until its recipe changes. The pinned
packages are installed first; neither our wheel nor the packages for the tests may change their versions.
"""

import json
import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from .matrix import BUILD, ENVIRONMENTS, ROOT, Environment

UV = Path(sys.executable).with_name("uv")
TOOLS = (
    *("cryptography", "hypothesis", "ipykernel", "jupyter-console", "nbconvert", "numpy", "papermill", "pexpect"),
    *("pillow", "psutil", "pytest", "pytest-rerunfailures", "pytest-timeout", "pytest-xdist", "starlette", "uvicorn"),
)
# Python 3.12 warns about old notebook packages, and they warn about each other. jupyter_client 7 leaves its ZeroMQ
# context open, IPython 7 its event loop.
WARNINGS = "\n".join(
    [
        "filterwarnings=error",
        "ignore::DeprecationWarning",
        "ignore::PendingDeprecationWarning",
        "ignore:unclosed:ResourceWarning",
    ]
)
OPTIONS = ("-m", "not front_end", "-o", WARNINGS)
SHOWN = ("ipython", "ipykernel", "ipywidgets", "websockets")
"""The packages whose versions the table shows."""
_END = 6_000  # characters from the end of a log that are printed, for runs whose files are not kept
_LINE = "{:<18} {:<8} {:<8} {:<9} {:<10} {:<10} {:>7}  {}"


class _FailedError(Exception):
    """A command has failed; the message is one line."""


@dataclass(frozen=True)
class Row:
    """The outcome of an environment: its packages' versions, and pytest's summary."""

    name: str
    versions: dict[str, str]
    words: str
    seconds: float
    failed: bool

    def __str__(self) -> str:
        versions = [self.versions.get(each, "") for each in ("python", *SHOWN)]
        return _LINE.format(self.name, *versions, f"{self.seconds:.0f}", self.words)


def main(names: Sequence[str]) -> int:
    """Run the named environments, or all, two at a time; print a table, and return how many failed."""
    unknown = set(names) - {each.name for each in ENVIRONMENTS}
    if unknown:
        raise SystemExit(f"no such environment: {', '.join(sorted(unknown))}")
    BUILD.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(BUILD / "wheel", ignore_errors=True)
    _done(BUILD / "wheel.log", UV, "build", "--quiet", "--wheel", "--out-dir", BUILD / "wheel", ROOT)
    with ThreadPoolExecutor(2) as pool:
        rows = list(pool.map(_run, [each for each in ENVIRONMENTS if not names or each.name in names]))
    _say(_LINE.format("environment", "Python", "IPython", "ipykernel", "ipywidgets", "websockets", "seconds", "tests"))
    _say("\n".join(map(str, rows)))
    for row in (row for row in rows if row.failed):
        _say(f"\n{row.name}, the end of its log:\n{(BUILD / f'{row.name}.log').read_text(encoding='utf-8')[-_END:]}")
    return sum(row.failed for row in rows)


def _run(environment: Environment) -> Row:
    began = time.monotonic()
    versions: dict[str, str] = {}
    failed = False
    try:
        python = _python(environment)
        if python is None:
            words = f"not run: there is no Python {environment.python} here"
        else:
            _prepare(environment, python)
            versions = _versions(environment)
            words = _test(environment)
    except _FailedError as exc:
        failed, words = True, f"failed: {exc}"
    row = Row(environment.name, versions, words, time.monotonic() - began, failed)
    _say(f"{row.name}: {row.words} ({row.seconds:.0f} s)")
    return row


def _python(environment: Environment) -> str | None:
    """The Python for the environment; None if there is none on this machine."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    version = environment.python
    found = [shutil.which(f"python{version}"), *map(str, pyenv.glob(f"versions/{version}.*/bin/python"))]
    for each in filter(None, found):
        if subprocess.run([each, "-c", ""], check=False, capture_output=True).returncode == 0:  # pyenv's shims may fail
            return each
    return sys.executable if environment.anywhere else None


def _prepare(environment: Environment, python: str) -> None:
    """Install everything; if nothing else has changed, only our wheel."""
    recipe, kept = _recipe(environment, python), environment.folder / "recipe.txt"
    if not kept.exists() or kept.read_text(encoding="utf-8") != recipe:
        shutil.rmtree(environment.folder, ignore_errors=True)
        _done(_log(environment), UV, "venv", "--quiet", "--python", python, environment.folder)
        if environment.pins:
            _pip(environment, "install", "--compile-bytecode", "--no-deps", *environment.pins)
        extras = [f"--extra={each}" for each in environment.extras]
        ours = ["--requirements", ROOT / "pyproject.toml", *extras, "--resolution", environment.resolution]
        for wanted in (ours, TOOLS):
            _pip(environment, "install", "--compile-bytecode", "--constraint", _held(environment), *wanted)
        kept.write_text(recipe, encoding="utf-8")
    _pip(environment, "install", "--no-deps", "--reinstall", *(BUILD / "wheel").glob("*.whl"))


def _recipe(environment: Environment, python: str) -> str:
    """A text of everything that determines what is installed; if it changes, the environment is made again."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"]
    ours = [*project["dependencies"], *optional["lab"], *optional["local"]]
    return "\n".join([python, *environment.pins, environment.resolution, *environment.extras, *ours, *TOOLS])


def _held(environment: Environment) -> Path:
    """A constraints file with the installed versions, which later installations may not change."""
    held = environment.folder / "held.txt"
    held.write_text(_pip(environment, "freeze"), encoding="utf-8")
    return held


def _versions(environment: Environment) -> dict[str, str]:
    installed = json.loads(_pip(environment, "list", "--format", "json"))
    versions = {each["name"]: each["version"] for each in installed if each["name"] in SHOWN}
    code = "import platform; print(platform.python_version())"
    return {"python": _done(_log(environment), environment.interpreter, "-c", code).strip(), **versions}


def _test(environment: Environment) -> str:
    """Run the tests, and return how many passed."""
    files = [f"tests/{name}.py" for name in environment.tests]
    if environment.page:
        return _pytest(environment, sys.executable, f"tests/environments/{environment.page}.py")
    return _pytest(environment, environment.interpreter, "--numprocesses", "2", *OPTIONS, *files)


def _pytest(environment: Environment, python: str | Path, *arguments: str) -> str:
    options = ("--quiet", "-p", "no:cacheprovider", "--reruns", "1")  # the row tells how many tests ran twice
    said = _done(_log(environment), python, "-m", "pytest", *options, *arguments)
    return _last_line(said).partition(" in ")[0]


def _pip(environment: Environment, command: str, *arguments: str | Path) -> str:
    return _done(_log(environment), UV, "pip", command, "--python", environment.interpreter, *arguments)


def _done(log: Path, *command: str | Path) -> str:
    """Run a command, and return what it prints. If it fails, all of its output is in the log."""
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        log.write_text(done.stdout + done.stderr, encoding="utf-8")
        raise _FailedError(f"{_last_line(done.stdout or done.stderr)}; see {log}")
    return done.stdout


def _last_line(words: str) -> str:
    return words.strip().rpartition("\n")[2]


def _log(environment: Environment) -> Path:
    return BUILD / f"{environment.name}.log"


def _say(words: str) -> None:
    print(words, flush=True)  # noqa: T201 - the table is what it is run for


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
