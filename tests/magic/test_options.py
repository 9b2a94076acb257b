import time
from pathlib import Path

import pytest
from IPython.core.error import UsageError
from IPython.core.magic_arguments import MagicArgumentParser

from fal_notebook.errors import InvalidRequest
from fal_notebook.magic.magics import FalMagics
from fal_notebook.magic.options import parse

PARSER: MagicArgumentParser = FalMagics.falstream.parser
ENDPOINT = "fal-ai/any-llm/stream"


def test_a_line_has_an_endpoint_arguments_and_options() -> None:
    options = parse(PARSER, f'{ENDPOINT} model=m prompt="two words" -o answer --timeout 2.5 -q --raw')
    assert (options.endpoint, options.arguments) == (ENDPOINT, ["model=m", "prompt=two words"])
    assert (options.out, options.timeout, options.quiet, options.raw) == ("answer", 2.5, True, True)
    assert (options.format, options.field, options.input, options.save) == (None, None, None, None)
    assert not options.autoplay
    assert not options.dry_run


@pytest.mark.parametrize("line", [f"-o x {ENDPOINT} a=1 b=2", f"{ENDPOINT} -o x a=1 b=2", f"{ENDPOINT} a=1 -o x b=2"])
def test_options_stand_anywhere(line: str) -> None:
    options = parse(PARSER, line)
    assert (options.endpoint, options.out, options.arguments) == (ENDPOINT, "x", ["a=1", "b=2"])


def test_values_may_hold_dashes_and_expressions() -> None:
    options = parse(PARSER, f'{ENDPOINT} a=--raw b=-1 c={{{{ d["x y"] }}}}')
    assert options.arguments == ["a=--raw", "b=-1", 'c={{ d["x y"] }}']


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("--time", "--timeout"),
        ("--tiemout", "--timeout"),
        ("--time-out=3", "--timeout"),
        ("--qiet", "--quiet"),
        ("--autoply", "--autoplay"),
    ],
)
def test_an_unknown_option_names_the_nearest(word: str, near: str) -> None:
    with pytest.raises(InvalidRequest, match=rf"unknown option {word} \(did you mean {near}\? arguments"):
        parse(PARSER, f"{ENDPOINT} {word}")


def test_an_option_like_no_other_names_the_help() -> None:
    with pytest.raises(InvalidRequest, match=r"unknown option --xyzzy \(%%falstream\? lists them; arguments"):
        parse(PARSER, f"{ENDPOINT} --xyzzy")


@pytest.mark.parametrize(
    ("word", "argument"),
    [("--model x", "model=…"), ("--temperature=0.5", "temperature=0.5"), ("--image-size x", "image_size=…")],
)
def test_an_argument_with_dashes_is_told_without(word: str, argument: str) -> None:
    with pytest.raises(InvalidRequest, match=rf"arguments of the endpoint have no dashes: {argument}\)$"):
        parse(PARSER, f"{ENDPOINT} {word}")


@pytest.mark.parametrize(
    ("line", "seconds", "out"),
    [
        (f"{ENDPOINT} \u2014timeout 5 \u2013o answer", 5, "answer"),
        (f"{ENDPOINT} --timeout={{{{2 + 3}}}} -o {{{{name}}}}", 5, "answer"),
        (f"{ENDPOINT} --timeout {{{{ 2+3 }}}} --out '{{{{name}}}}'", 5, "answer"),
    ],
)
def test_options_may_have_long_dashes_and_expressions(line: str, seconds: float, out: str) -> None:
    options = parse(PARSER, line, {"name": "answer"})
    assert (options.timeout, options.out) == (seconds, out)


def test_the_endpoint_may_be_an_expression_and_raw_leaves_braces_alone() -> None:
    assert parse(PARSER, "{{name}} a={{name}}", {"name": "a/b"}).endpoint == "a/b"
    assert parse(PARSER, "{{name}} a={{name}}", {"name": "a/b"}).arguments == ["a={{name}}"]
    assert parse(PARSER, "a/b --save {{x}} --raw", {"x": "y"}).save == "{{x}}"


def test_quotes_of_a_web_page_are_quotes() -> None:
    assert parse(PARSER, 'a/b model=“x y” b=\u2018it\u2019s\u2019 c="“d”"').arguments == [
        "model=x y",
        "b=it\u2019s",
        "c=“d”",
    ]


@pytest.mark.parametrize("line", ["", "-q", "-o x"])
def test_a_line_without_an_endpoint_is_told(line: str) -> None:
    with pytest.raises(InvalidRequest, match="no endpoint"):
        parse(PARSER, line)


@pytest.mark.parametrize("line", ["-h", "--help"])
def test_help_needs_no_endpoint(line: str) -> None:
    assert parse(PARSER, line).help


@pytest.mark.parametrize("name", ["1x", "a-b", "a.b", "class", "None", "a b", "x[0]"])
def test_a_name_that_no_variable_can_have_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest, match="that is no name for a variable"):
        parse(PARSER, f"{ENDPOINT} -o '{name}'")


@pytest.mark.parametrize("name", ["answer", "_", "größe", "match"])
def test_a_name_that_a_variable_can_have_is_taken(name: str) -> None:
    assert parse(PARSER, f"{ENDPOINT} --out {name}").out == name


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "-inf"])
def test_a_timeout_is_above_zero(seconds: str) -> None:
    with pytest.raises(InvalidRequest, match="it is a number of seconds above 0"):
        parse(PARSER, f"{ENDPOINT} --timeout={seconds}")


@pytest.mark.parametrize("line", ["--timeout soon", "--format html", "-o", "--raw=1"])
def test_argparse_has_its_own_words_for_wrong_values(line: str) -> None:
    with pytest.raises(UsageError):
        parse(PARSER, f"{ENDPOINT} {line}")


def test_files_are_saved_in_folders_that_exist(tmp_path: Path) -> None:
    assert parse(PARSER, f"{ENDPOINT} --save '{tmp_path}/cat.png'").save == f"{tmp_path}/cat.png"
    with pytest.raises(InvalidRequest, match="there is no such folder"):
        parse(PARSER, f"{ENDPOINT} --save '{tmp_path}/none/cat.png'")


def test_a_home_folder_may_be_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert parse(PARSER, f"{ENDPOINT} --save ~/cat.png").save == "~/cat.png"


@pytest.mark.parametrize(
    ("line", "beside"), [("a/b", False), ("a/b,c/d", True), ("a/b --models x,y", True), ("a/b --models x", True)]
)
def test_several_models_or_endpoints_stand_side_by_side(line: str, beside: bool) -> None:  # noqa: FBT001
    assert parse(PARSER, line).side_by_side is beside


@pytest.mark.parametrize("option", ["--background", "--save x", "--play", "--widget"])
@pytest.mark.parametrize("several", ["a/b,c/d", "a/b --models x,y"])
def test_what_cannot_be_had_side_by_side_is_told(several: str, option: str) -> None:
    with pytest.raises(InvalidRequest, match=f"side by side go without {option.split()[0]}"):
        parse(PARSER, f"{several} {option}")


def test_a_line_without_end_is_refused_at_once() -> None:
    began = time.thread_time()
    with pytest.raises(InvalidRequest, match="more than 1,000 words"):
        parse(PARSER, f"{ENDPOINT} " + "--raw " * 170_000)
    assert time.thread_time() - began < 5


def test_models_go_with_one_endpoint() -> None:
    with pytest.raises(InvalidRequest, match="--models goes with one endpoint"):
        parse(PARSER, "a/b,c/d --models x,y")


def test_sound_that_plays_while_it_comes_is_not_for_the_background() -> None:
    with pytest.raises(InvalidRequest, match="--play goes without --background"):
        parse(PARSER, f"{ENDPOINT} --play --background")
