"""Rules of the architecture that import-linter's contracts (see pyproject.toml) cannot express."""

import ast
import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import fal_notebook

HOUSE = Path(fal_notebook.__file__).parent
MODULES = sorted(path for path in HOUSE.rglob("*.py") if path.parent.name != "local")
HEAVY = ("anywidget", "websockets", "ipywidgets", "httpx", "fal_client", "IPython")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def name(path: Path) -> str:
    return str(path.relative_to(HOUSE).with_suffix(""))


def packages(path: Path) -> set[str]:
    """The third-party packages that a module imports, at its top or within its functions."""
    names: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(str(node.module).partition(".")[0])
    return names


def reads_environment(path: Path) -> bool:
    asked = {node.attr for node in ast.walk(tree(path)) if isinstance(node, ast.Attribute)}
    imported = {alias.name for node in ast.walk(tree(path)) if isinstance(node, ast.ImportFrom) for alias in node.names}
    return bool((asked | imported) & {"environ", "getenv", "environb"})


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(tree(path))


def test_only_three_modules_know_websockets() -> None:
    known = ["wire/compression", "wire/upgrade", "wire/websocket"]
    assert [name(path) for path in MODULES if "websockets" in packages(path)] == known


def test_only_one_module_reads_the_environment() -> None:
    assert [name(path) for path in MODULES if reads_environment(path)] == ["wire/environment"]


@pytest.mark.parametrize(
    "path", [path for path in MODULES if "ans-I/O" in (ast.get_docstring(tree(path)) or "")], ids=name
)
def test_what_is_sans_io_imports_no_io(path: Path) -> None:
    assert not packages(path) & {"asyncio", "threading", "socket", "selectors", "websockets", "IPython"}


def test_the_public_names_are_those_that_are_promised() -> None:
    assert {each for each in fal_notebook.__all__ if not hasattr(fal_notebook, each)} == set()
    assert dir(fal_notebook) == sorted(fal_notebook.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = fal_notebook.nothing


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, json, fal_notebook; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)
    loaded = set(json.loads(done.stdout))
    assert "fal_notebook" in loaded
    assert loaded & set(HEAVY) == set()
