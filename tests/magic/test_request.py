"""Which requests a run of the magic makes of its line and cell."""

import pytest

from fal_notebook.errors import InvalidRequest
from fal_notebook.magic.magics import FalMagics
from fal_notebook.magic.options import parse
from fal_notebook.magic.request import Request, read_requests


def _read(line: str, cell: str = "x") -> dict[str, Request]:
    options = parse(FalMagics.falstream.parser, line)
    options.field, options.as_text = "prompt", False
    return read_requests(options, cell, {})


def test_one_request_has_its_endpoints_name() -> None:
    assert _read("/a/b/ n:=1") == {"a/b": Request("a/b", {"prompt": "x", "n": 1})}


@pytest.mark.parametrize("word", ["status", "stat", "Stauts", "closed", "stop"])
def test_a_subcommand_is_no_endpoint(word: str) -> None:
    with pytest.raises(InvalidRequest, match=r"did you mean the line %falstream st|%falstream close"):
        _read(word)


def test_a_single_word_is_an_endpoint_of_a_gateway_only(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidRequest, match="predict is no endpoint of fal"):
        _read("predict")
    assert list(_read("predict --base-url ws://127.0.0.1:8000")) == ["predict"]
    monkeypatch.setenv("FAL_NOTEBOOK_URL", "ws://127.0.0.1:8000")
    assert list(_read("predict")) == ["predict"]


def test_an_empty_cell_sends_nothing() -> None:
    options = parse(FalMagics.falstream.parser, "a/b")
    options.field, options.as_text = "prompt", False
    with pytest.raises(InvalidRequest, match=r"the cell is empty \(%falstream a/b sends no arguments\)"):
        read_requests(options, " \n\n", {}, in_cell=True)
    assert read_requests(options, "", {}) == {"a/b": Request("a/b", {})}


def test_each_model_gets_the_same_arguments() -> None:
    assert _read("a/b model=other --models 'one, two/three'") == {
        "one": Request("a/b", {"prompt": "x", "model": "one"}),
        "two/three": Request("a/b", {"prompt": "x", "model": "two/three"}),
    }


def test_each_endpoint_gets_the_same_arguments() -> None:
    assert _read("a/b,c/d/stream n:=1") == {
        "a/b": Request("a/b", {"prompt": "x", "n": 1}),
        "c/d/stream": Request("c/d/stream", {"prompt": "x", "n": 1}),
    }


@pytest.mark.parametrize("names", ["''", ",", "a,", "a,a", "'a, a'"])
def test_names_that_are_empty_or_the_same_are_refused(names: str) -> None:
    with pytest.raises(InvalidRequest, match="different names"):
        _read(f"a/b --models {names}")


@pytest.mark.parametrize("names", ["a/b,a/b", "a/b,c/d,/a/b/"])
def test_endpoints_that_are_the_same_are_refused(names: str) -> None:
    with pytest.raises(InvalidRequest, match="different names"):
        _read(names)


@pytest.mark.parametrize("names", [",", "a/b,", ",a/b", "a/b,,c/d", "a/b, c=d", "a/b,wss://host/c"])
def test_each_of_several_is_an_endpoint_of_its_own(names: str) -> None:
    with pytest.raises(InvalidRequest, match=r"is not an endpoint|is a URL"):
        _read(names)
