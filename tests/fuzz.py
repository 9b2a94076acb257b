"""Runs atheris on the harnesses, each in a process of its own: ``python -m tests.fuzz SECONDS``.

A failing input is written into the harness's folder of the corpus. Whoever looks at it gives it a telling name, and
from then on the tests replay it. The other inputs that atheris collects go into a folder that is deleted at the end.
"""

import os
import sys
import tempfile
from collections.abc import Collection
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["fal_notebook"]):
    from .harnesses import HARNESSES, TYPES, WORDS

CORPUS = Path(__file__).parent / "corpus"
LONGEST = 2_000
"""The most bytes of an input. Few bytes are enough to show an error."""
PIECES = (
    *("data: ", "event: ", r"\x0d\x0a\x0d\x0a", r"{\"", r"\":", r"\xef\xbb\xbf", r"\\ud800", "[DONE]"),
    *("data:image/png;base64,", "https://", "{{", "}}", ":=", "--", "RIFF", "WAVEfmt ", r"\x89PNG\x0d\x0a\x1a\x0a"),
)
"""Pieces from which atheris builds inputs, besides the harnesses' `WORDS`, escaped as libFuzzer's dictionaries are."""


def fuzz_all(seconds: float, names: Collection[str] = tuple(HARNESSES), findings: Path = CORPUS) -> list[str]:
    """Give each harness its share of the time, and return those that found something."""
    share = max(1, round(seconds / len(names)))
    found: list[str] = []
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            process = (
                os.fork()
            )  # the package is instrumented only once, and libFuzzer ends the process in which it runs
            if process == 0:
                fuzz(share, name, Path(folder), findings / name)
            if os.waitpid(process, 0)[1]:
                found.append(name)
    return found


def fuzz(seconds: int, name: str, folder: Path, findings: Path) -> None:
    """Fuzz one harness, and end the process with status 0 if nothing was found."""
    words, learnt = folder / "words", folder / "learnt"
    words.write_text("".join(f'"{word}"\n' for word in (*WORDS, *TYPES, *PIECES)), encoding="utf-8")
    learnt.mkdir()
    findings.mkdir(parents=True, exist_ok=True)
    options = [f"-max_total_time={seconds}", f"-max_len={LONGEST}", f"-dict={words}", f"-artifact_prefix={findings}/"]
    options += ["-len_control=10", "-timeout=20", "-verbosity=0", "-print_final_stats=1"]
    folders = [str(each) for each in (learnt, CORPUS / name) if each.is_dir()]
    atheris.Setup([sys.argv[0], *options, *folders], HARNESSES[name])
    atheris.Fuzz()


if __name__ == "__main__":
    outcome = fuzz_all(float(sys.argv[1]))
    print(f"found something in: {', '.join(outcome)}" if outcome else "nothing found")  # noqa: T201 - what was asked
    sys.exit(bool(outcome))
