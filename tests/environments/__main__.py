"""The tests of the client and of the kernel in the environments that people have: ``python -m tests.environments``.

Each is a virtual environment of its own under build/environments, kept from run to run. What is pinned there is
installed first; neither our wheel nor what the tests need may move any of it.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PINS = Path(__file__).parent
BUILD = ROOT / "build" / "environments"
UV = BUILD / "uv" / "bin" / "uv"
CLIENT = ("websocket", "connection", "faults", "sessions", "streaming", "proxy", "pipeline")
KERNEL = (
    *("completion", "magic", "kernel", "kernel_faults", "interrupts", "prompt_widget", "prompt_widget_kernel"),
    *("live", "columns", "parts", "player", "stop_button", "render", "markdown", "media"),
)
# Python 3.12 warns of old notebook packages, and these warn of each other; jupyter_client 7 leaves its context open.
WARNINGS = "\n".join(
    [
        "filterwarnings=error",
        "ignore::DeprecationWarning",
        "ignore::PendingDeprecationWarning",
        "ignore:Unclosed context:ResourceWarning",
    ]
)
TOOLS = (
    *("cryptography", "hypothesis", "ipykernel", "numpy", "pexpect", "pillow", "psutil", "pytest", "starlette"),
    *("pytest-rerunfailures", "pytest-timeout", "pytest-xdist", "uvicorn"),
)


@dataclass(frozen=True)
class Environment:
    """What is installed, and which tests run there.

    Attributes:
        name: of its folder.
        python: the version that it has where it is found; else it runs on the present one.
        pins: what is there before us: lines of a requirements file.
        resolution: which versions of our dependencies are taken, as uv calls it.
        tests: the test files.
    """

    name: str
    python: str
    pins: tuple[str, ...] = ()
    resolution: str = "highest"
    tests: tuple[str, ...] = CLIENT + KERNEL

    @property
    def folder(self) -> Path:
        return BUILD / self.name

    @property
    def interpreter(self) -> Path:
        return self.folder / "bin" / "python"


def _pins(name: str) -> tuple[str, ...]:
    lines = (PINS / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return tuple(line for line in lines if not line.startswith("#"))


ENVIRONMENTS = (
    Environment("colab-3.12", "3.12", _pins("colab")),
    Environment("colab-3.13", "3.13", _pins("colab")),
    Environment("databricks", "3.12", _pins("databricks")),
    Environment("lowest", "3.11", resolution="lowest-direct"),
    Environment("newest-3.13", "3.13"),
    Environment("newest-3.14", "3.14"),
    *(
        Environment(f"websockets-{version}", "3.11", (f"websockets=={version}",), tests=CLIENT)
        for version in ("15.0.1", "16.0", "16.1", "17.0.1", "17.1", "17.2")
    ),
)


def main(names: list[str]) -> int:
    """Run the named environments, or all, two beside each other; print a table and return how many failed."""
    wanted = [each for each in ENVIRONMENTS if not names or each.name in names]
    BUILD.mkdir(parents=True, exist_ok=True)
    if not UV.exists():
        subprocess.run([sys.executable, "-m", "venv", BUILD / "uv"], check=True)
        subprocess.run([BUILD / "uv/bin/pip", "--quiet", "install", "uv"], check=True)
    shutil.rmtree(BUILD / "wheel", ignore_errors=True)
    _uv("build", "--quiet", "--wheel", "--out-dir", str(BUILD / "wheel"), str(ROOT))
    with ThreadPoolExecutor(2) as pool:
        rows = list(pool.map(_run, wanted))
    print(f"{'environment':<20} {'Python':<8} {'tests':<32} seconds")  # noqa: T201 - the table is what it is run for
    for row in rows:
        print("{:<20} {:<8} {:<32} {:.0f}".format(*row))  # noqa: T201 - the same
    return sum("failed" in row[2] for row in rows)


def _run(environment: Environment) -> tuple[str, str, str, float]:
    began = time.monotonic()
    try:
        python = _prepare(environment)
        words = _test(environment) if python else "not run: there is no such Python here"
    except subprocess.CalledProcessError as exc:
        python, words = environment.python, f"failed: {exc.output or exc}"
    except AssertionError as exc:
        python, words = environment.python, f"failed: {exc}"
    return environment.name, python, words, time.monotonic() - began


def _prepare(environment: Environment) -> str:
    """Install everything, and return the Python's version; nothing where the newest Python is not to be had."""
    found = _interpreter(environment.python)
    if found is None and not environment.pins:
        return ""
    if not environment.interpreter.exists():
        _uv("venv", "--quiet", "--python", found or sys.executable, str(environment.folder))
        if environment.pins:
            _install(environment, "--no-deps", *environment.pins)
    before = _installed(environment)
    (wheel,) = (BUILD / "wheel").glob("*.whl")
    _install(environment, "--resolution", environment.resolution, "--reinstall-package", "fal-notebook", str(wheel))
    _install(environment, *TOOLS)
    after = _installed(environment)
    moved = [name for name, version in before.items() if name != "fal-notebook" and after.get(name) != version]
    assert not moved, f"moved {moved}"
    code = "import platform; print(platform.python_version())"
    return subprocess.run(
        [environment.interpreter, "-c", code], check=True, capture_output=True, text=True
    ).stdout.strip()


def _interpreter(version: str) -> str | None:
    """An interpreter of a version: on the path, or one that pyenv has."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    known = [shutil.which(f"python{version}"), *map(str, pyenv.glob(f"versions/{version}.*/bin/python"))]
    for each in filter(None, known):
        if subprocess.run([each, "-c", ""], check=False, capture_output=True).returncode == 0:  # pyenv's stand-ins fail
            return each
    return None


def _installed(environment: Environment) -> dict[str, str]:
    listed = json.loads(_uv("pip", "list", "--format", "json", "--python", str(environment.interpreter)))
    return {re.sub(r"[-_.]+", "-", each["name"]).lower(): each["version"] for each in listed}


def _install(environment: Environment, *arguments: str) -> None:
    _uv("pip", "install", "--quiet", "--python", str(environment.interpreter), *arguments)


def _uv(*arguments: str) -> str:
    done = subprocess.run([UV, *arguments], check=False, capture_output=True, text=True)
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, arguments, done.stderr[-2000:])
    return done.stdout


def _test(environment: Environment) -> str:
    """Run the tests, and return how many passed, in pytest's words."""
    files = [f"tests/test_{name}.py" for name in environment.tests]
    command = ["-m", "pytest", "--quiet", "-p", "no:cacheprovider", "--numprocesses", "1", "-o", WARNINGS, *files]
    done = subprocess.run([environment.interpreter, *command], check=False, capture_output=True, text=True, cwd=ROOT)
    (environment.folder / "tests.log").write_text(done.stdout + done.stderr, encoding="utf-8")
    last = done.stdout.strip().rpartition("\n")[2]
    return re.sub(r" in .*", "", last) if not done.returncode else f"failed: {last}; see {environment.folder}/tests.log"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
