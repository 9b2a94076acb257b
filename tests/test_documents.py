"""The documents are true: their links have targets, and the files, names and options that they mention exist."""

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

from fal_notebook.magic.magics import FalMagics
from fal_notebook.magic.options import parse
from fal_notebook.magic.request import read_requests

ROOT = Path(__file__).parents[1]
HOUSE = ROOT / "fal_notebook"
README, CONTRIBUTING, GUIDE = ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "notebooks" / "GUIDE.md"
TABLES = (ROOT / "tests" / "FAULTS.md", ROOT / "tests" / "benchmarks" / "README.md")
DOCUMENTS = (README, CONTRIBUTING, ROOT / "CHANGELOG.md", GUIDE, *TABLES)
LONGEST = 200
"""The most lines of the README, so that it can be read in one sitting."""
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WING = re.compile(r"([ ┌│└]) (\w+)(?:/|\.py) {2,}\S.*? {2,}\S.*?(?: {2,}(\S.*))?")

every_document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


def prose(path: Path) -> str:
    return FENCE.sub("", path.read_text(encoding="utf-8"))


def fences(path: Path, language: str) -> list[str]:
    return [text for name, text in FENCE.findall(path.read_text(encoding="utf-8")) if name == language]


def in_code(path: Path) -> list[str]:
    """The texts between backticks, each on one line."""
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose(path))]


def links(path: Path) -> list[str]:
    return [
        link for pair in re.findall(r'\]\(([^)\s]+)\)|\bsrc(?:set)?="([^"]+)"', prose(path)) for link in pair if link
    ]


def anchors(path: Path) -> set[str]:
    """The anchors that GitHub makes of a document's headings."""
    headings = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def targets() -> list[str]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    (declared,) = re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    return [name for name in declared.split() if re.search(rf"^{name}:", makefile, re.MULTILINE)]


def layers() -> list[list[str]]:
    """The wings in import-linter's contract, from the top; those of one layer together."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = (each for each in settings["tool"]["importlinter"]["contracts"] if each["type"] == "layers")
    return [re.split(r" *[|:] *", layer) for layer in contract["layers"]]


def wings() -> list[tuple[str, str, str]]:
    """The wings in CONTRIBUTING.md's picture, from the top: the mark of a shared layer, the name, where to begin."""
    (picture,) = (text for text in fences(CONTRIBUTING, "") if text.startswith("fal_notebook/"))
    found = [WING.fullmatch(line) for line in picture.splitlines()[1:]]
    return [(each[1], each[2], each[3] or "") if each else ("?", "?", "") for each in found]


@cache
def definitions(path: Path) -> set[str]:
    """The functions and classes of a module; methods are named with their class, as in ``Session.stream``."""
    found: set[str] = set()

    def collect(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found.add(prefix + child.name)
                collect(child, f"{prefix}{child.name}.")

    collect(ast.parse(path.read_text(encoding="utf-8")), "")
    return found


def examples() -> list[tuple[str, str]]:
    """The examples of the magic in the documents: each line with its cell."""
    found: list[tuple[str, str]] = []
    for text in (text for path in (README, GUIDE) for text in fences(path, "")):
        line, _, cell = text.partition("\n")
        if line.startswith("%%falstream "):
            found.append((line.removeprefix("%%falstream "), cell))
        else:
            lines = text.splitlines()
            found += [(line.removeprefix("%falstream "), "") for line in lines if line.startswith("%falstream ")]
    return found


def test_the_readme_is_read_in_one_sitting() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= LONGEST


@every_document
def test_a_link_leads_to_a_file_that_is_there_and_to_a_heading_of_it(path: Path) -> None:
    for link in links(path):
        if not re.match(r"https?:", link):
            name, _, anchor = link.partition("#")
            goal = path.parent / name if name else path
            assert goal.is_file(), link
            assert not anchor or anchor in anchors(goal), link


@every_document
def test_a_command_of_make_is_a_target(path: Path) -> None:
    shown = [line for text in fences(path, "sh") for line in text.splitlines()]
    commands = [
        match[1] for text in [*in_code(path), *shown] if (match := re.match(r"make (?:\w+=\S+ )*([a-z-]+)", text))
    ]
    assert set(commands) <= set(targets())


def test_every_target_is_told() -> None:
    told = {text.removeprefix("make ") for text in in_code(CONTRIBUTING) if text.startswith("make ")}
    assert set(targets()) <= told


def test_the_wings_are_drawn_as_the_contract_has_them() -> None:
    drawn = [(mark, name) for mark, name, _ in wings()]
    marks = {1: " ", 2: "┌└"}
    assert drawn == [pair for layer in layers() for pair in zip(marks[len(layer)], layer, strict=True)]


@pytest.mark.parametrize(("name", "begin"), [wing[1:] for wing in wings() if wing[2]])
def test_where_to_begin_in_a_wing_is_what_its_head_says(name: str, begin: str) -> None:
    head = ast.get_docstring(ast.parse((HOUSE / name / "__init__.py").read_text(encoding="utf-8"))) or ""
    _, _, said = head.partition("Begin")
    for module in begin.split(", "):
        assert (HOUSE / name / f"{module}.py").is_file()
        assert f"`{module}`" in said


@every_document
def test_a_file_that_is_named_is_there_and_has_what_is_named_of_it(path: Path) -> None:
    for text in in_code(path):
        if match := re.fullmatch(r"([\w./-]+\.(?:py|md|toml|js|css|ipynb))(?::([\w.]+))?", text):
            found = [folder / match[1] for folder in (HOUSE, ROOT, ROOT / "tests") if (folder / match[1]).is_file()]
            assert found, text
            assert not match[2] or match[2] in definitions(found[0]), text


def test_the_options_of_the_table_are_those_of_the_magic() -> None:
    told = re.findall(r"^\| (`-.+?`) \|", prose(README), re.MULTILINE)
    parser = FalMagics.falstream.parser
    options = [name for action in parser._actions for name in action.option_strings]
    assert sorted(options) == sorted(name for cell in told for name in re.findall(r"--?[a-z-]+", cell))


@pytest.mark.parametrize(("line", "cell"), examples())
def test_an_example_is_what_the_magic_reads(
    line: str, cell: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("cat.png").write_bytes(b"a picture that an example names")
    options = parse(FalMagics.falstream.parser, line)
    options.field, options.as_text, options.raw = "prompt", False, True
    assert read_requests(options, cell, {})


@pytest.mark.parametrize("code", [code for path in DOCUMENTS for code in fences(path, "python")])
def test_an_example_of_python_is_python(code: str) -> None:
    assert compile(code, "example", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
