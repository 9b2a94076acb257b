"""The inputs that fuzzing has found pass, and a short run of atheris finds nothing new."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .harnesses import HARNESSES

ROOT = Path(__file__).parents[1]
CORPUS = Path(__file__).parent / "corpus"
INPUTS = sorted(path for path in CORPUS.rglob("*") if path.is_file())
SECONDS = 8
PLANTED = """
import sys, atheris, pathlib
from tests import fuzz

@atheris.instrument_func
def planted(data):
    if data[:3] == b"bug":
        raise ValueError("found")

fuzz.HARNESSES["planted"] = planted
print(fuzz.fuzz_all(60, ["planted"], pathlib.Path(sys.argv[1])))
"""

needs_atheris = pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="atheris has no wheel for this platform"
)


def run(*command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=240,
        check=False,
        preexec_fn=lambda: os.nice(10),
    )


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_was_found_stays_right(path: Path) -> None:
    HARNESSES[path.parent.name](path.read_bytes())


def test_each_harness_has_a_corpus_whose_names_tell_what_it_is() -> None:
    assert {path.parent.name for path in INPUTS} == set(HARNESSES)
    assert [path.name for path in INPUTS if path.name.startswith(("crash-", "timeout-", "oom-", "slow-"))] == []


@pytest.mark.beside
@needs_atheris
def test_atheris_finds_nothing_in_a_short_time() -> None:
    done = run("-m", "tests.fuzz", str(SECONDS))
    assert done.returncode == 0, done.stderr[-5000:]
    assert done.stdout.splitlines()[-1] == "nothing found"


@needs_atheris
def test_atheris_finds_what_is_planted_and_keeps_it(tmp_path: Path) -> None:
    done = run("-c", PLANTED, str(tmp_path))
    assert done.stdout.splitlines()[-1] == "['planted']"
    (found,) = (tmp_path / "planted").iterdir()
    assert found.read_bytes().startswith(b"bug")
