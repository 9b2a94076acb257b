import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import fal_notebook

HOUSE = Path(fal_notebook.__file__).parent
MODULES = sorted(path.stem for path in HOUSE.glob("*.py") if path.stem != "__init__")
APART = sorted((HOUSE / "local").glob("*.py"))
HEAVY = ("anywidget", "websockets", "ipywidgets", "httpx", "fal_client", "IPython")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def module(name: str) -> Path:
    return HOUSE / f"{name}.py"


def floor(name: str) -> int:
    match = re.match(r"Floor (\d+)[,:]", ast.get_docstring(tree(module(name))) or "")
    assert match, f"the head of {name}.py names no floor"
    return int(match[1])


def running(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run: all but those under ``if TYPE_CHECKING``."""
    yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for other in child.orelse:
                yield from running(other)
        else:
            yield from running(child)


def imported(path: Path) -> set[str]:
    """The full names that a module imports, at its top or within its functions."""
    package = ".".join(path.relative_to(HOUSE.parent).parent.parts)
    names: set[str] = set()
    for node in running(tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package.split(".")[: package.count(".") + 2 - node.level]) if node.level else ""
            source = ".".join(filter(None, [base, node.module]))
            names |= {f"{source}.{alias.name}" for alias in node.names}
    return names


def house_imports(path: Path) -> set[str]:
    """The modules of the house that a file imports."""
    names = {name.split(".")[1] for name in imported(path) if name.startswith("fal_notebook.")}
    return {name for name in names if name in MODULES or name == "local"}


def packages(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imported(path)}


def reads_environment(path: Path) -> bool:
    names = {node.attr for node in ast.walk(tree(path)) if isinstance(node, ast.Attribute)}
    return bool(names & {"environ", "getenv", "environb"}) or bool(
        imported(path) & {"os.environ", "os.getenv", "os.environb"}
    )


def test_imports_are_seen_wherever_they_stand() -> None:
    assert house_imports(module("protocol")) >= {"errors"}
    assert house_imports(module("result")) >= {"errors", "media", "render", "sse"}
    assert "options" in house_imports(module("magic"))
    assert "result" not in house_imports(module("errors"))
    assert "fal_notebook.local.gateway.HTTPOverWebSocket" in imported(HOUSE / "local" / "cli.py")


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_only_from_floors_below_its_own(name: str) -> None:
    own = floor(name)
    assert {other: floor(other) for other in house_imports(module(name)) if floor(other) >= own} == {}


@pytest.mark.parametrize("path", APART, ids=lambda path: path.stem)
def test_the_folder_apart_imports_nothing_of_the_house(path: Path) -> None:
    assert house_imports(path) <= {"local"}


@pytest.mark.parametrize("name", [*MODULES, "__init__"])
def test_nothing_in_the_house_imports_the_folder_apart(name: str) -> None:
    assert "local" not in house_imports(module(name))


def test_only_one_module_knows_websockets() -> None:
    assert [name for name in MODULES if "websockets" in packages(module(name))] == ["websocket"]


def test_only_the_target_and_the_screen_read_the_environment() -> None:
    assert [name for name in MODULES if reads_environment(module(name))] == ["screen", "target"]


@pytest.mark.parametrize(
    "name", [name for name in MODULES if "sans-I/O" in (ast.get_docstring(tree(module(name))) or "")]
)
def test_what_is_sans_io_imports_no_io(name: str) -> None:
    assert not packages(module(name)) & {"asyncio", "threading", "socket", "selectors", "websockets", "IPython"}


def test_the_public_names_are_those_that_are_promised() -> None:
    assert {name for name in fal_notebook.__all__ if not hasattr(fal_notebook, name)} == set()
    assert dir(fal_notebook) == sorted(fal_notebook.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = fal_notebook.nothing


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, json, fal_notebook; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)
    loaded = set(json.loads(done.stdout))
    assert "fal_notebook" in loaded
    assert loaded & set(HEAVY) == set()
