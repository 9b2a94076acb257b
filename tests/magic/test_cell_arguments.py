import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fal_notebook.errors import InvalidRequest
from fal_notebook.magic.cell_arguments import from_cell, from_line
from fal_notebook.magic.line import split_line

NAMES = {"n": 7, "topic": "the sea", "d": {"a b": [1, 2]}, "none": None}


def line(text: str, **more: Any) -> dict[str, Any]:
    return from_line(split_line(text), NAMES | more)


def cell(text: str, *, as_text: bool = False) -> dict[str, Any]:
    return from_cell(text, "prompt", NAMES, as_text=as_text)


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("model=google/gemini", {"model": "google/gemini"}),
        ("steps=28", {"steps": "28"}),
        ("steps:=28 fast:=true seed:=null", {"steps": 28, "fast": True, "seed": None}),
        ("size:='{\"w\": 1}' l:=[1,2]", {"size": {"w": 1}, "l": [1, 2]}),
        ("url=https://x?a=b&c:=d", {"url": "https://x?a=b&c:=d"}),
        ("a.b-c_d=1", {"a.b-c_d": "1"}),
        ("prompt=", {"prompt": ""}),
        ("x==1", {"x": "=1"}),
        ("steps={{n}}", {"steps": 7}),
        ("steps:={{n}}", {"steps": 7}),
        ("steps:={{none}}", {"steps": None}),
        ("steps:={{n}}0", {"steps": 70}),
        ("x={{n}}0", {"x": "70"}),
        ('x={{ d["a b"] }}', {"x": [1, 2]}),
        ('x="{{topic}}, {{ d["a b"] }}"', {"x": "the sea, [1, 2]"}),
        (r'system="say \"hi\""', {"system": 'say "hi"'}),
        ('stop:=["a", "b"]', {"stop": ["a", "b"]}),
        ('loras:=[{"path":"x","scale":1}]', {"loras": [{"path": "x", "scale": 1}]}),
        ('x:="two words" y:="[1, 2]" z:="7"', {"x": "two words", "y": "[1, 2]", "z": "7"}),
        ("""x:='{"a": "two words"}' y=1""", {"x": {"a": "two words"}, "y": "1"}),
        ("""'x:=["a", "b"]' "y:=[1, 2]" """, {"x": ["a", "b"], "y": [1, 2]}),
        ('x:={ "a" : [ 1 , {"b": null} ] }\ty=1', {"x": {"a": [1, {"b": None}]}, "y": "1"}),
        (r'x:={"re": "\\d+", "said": "say \"hi\" ]"} y=1', {"x": {"re": r"\d+", "said": 'say "hi" ]'}, "y": "1"}),
        ('größe:={"ä": "☃ 🎈"}', {"größe": {"ä": "☃ 🎈"}}),
        ('x:=[{{n}}, "{{topic}}", "{{d}}"]', {"x": [7, "the sea", "{'a b': [1, 2]}"]}),
        ('x:={"a": "{{topic}}", "b": "{{n}}"}', {"x": {"a": "the sea", "b": 7}}),
        ('x:={{ d["a b"] }} y={{ d["a b"] }}', {"x": [1, 2], "y": [1, 2]}),
        ('x:="{{topic}}" y:="in {{topic}}"', {"x": "the sea", "y": "in the sea"}),
        ('x:={"a": {{ d["a b"] }}} y=1', {"x": {"a": [1, 2]}, "y": "1"}),
        ("x:=-1.5e3 y:=true z:={}", {"x": -1500.0, "y": True, "z": {}}),
    ],
)
def test_a_line_gives_texts_and_json_values(text: str, arguments: dict[str, Any]) -> None:
    assert line(text) == arguments


@pytest.mark.parametrize("text", ["word", "=x", "1x=2", "a b=1", ":=1"])
def test_a_word_that_is_no_assignment_is_told(text: str) -> None:
    with pytest.raises(InvalidRequest, match="is no argument"):
        line(text)


@pytest.mark.parametrize(
    ("text", "typed", "wrong"),
    [
        ("x:=word y=1", "x:=word", "Expecting value at character 1"),
        ("x:=", "x:=", "Expecting value at character 1"),
        ("x:='{a: 1}'", "x:='{a: 1}'", "Expecting property name enclosed in double quotes at character 2"),
        ("x:={'a': b c} y=1", "x:={'a': b c}", "Expecting property name enclosed in double quotes at character 2"),
        ('x:=["a", b] y=1', 'x:=["a", b]', "Expecting value at character 7"),
        ('x:=["a" "b"] y=1', 'x:=["a" "b"]', "Expecting ',' delimiter at character 6"),
        ('x:=["a", "b" y=1', 'x:=["a", "b" y=1', "Expecting ',' delimiter at character 11"),
        ('x:={"a": "b} y=1', 'x:={"a": "b} y=1', "Unterminated string starting at at character 7"),
        ('x:=["a", "b"]; y=1', 'x:=["a", "b"];', "Extra data at character 11"),
        ('x:="a"b y=1', 'x:="a"b', "Extra data at character 4"),
        ("x:=NaN", "x:=NaN", "NaN is no JSON value"),
        ("x:=[1, -Infinity]", "x:=[1, -Infinity]", "-Infinity is no JSON value"),
        ("x:=1 2", "2", "is no argument"),
        ("x:={{topic}}", "x:={{topic}}", "Expecting value at character 1 of 'the sea'"),
        ('x:=[1, "{{ topic }}" y', 'x:=[1, "{{ topic }}" y', "Expecting ',' delimiter at character 15"),
        ('"two words" x=1', '"two words"', "is no argument"),
        (r"""'a "b\' c'""", r"""'a "b\' c'""", "is no argument"),
    ],
)
def test_what_is_wrong_is_told_in_the_words_that_were_typed(text: str, typed: str, wrong: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        line(text)
    assert caught.value.message.startswith(f"{typed} ")
    assert wrong in caught.value.message


def test_a_value_that_is_no_json_can_be_sent_as_text() -> None:
    with pytest.raises(InvalidRequest, match=r'x:=word is not JSON: .* \(x="…" sends text\)'):
        line("x:=word")


def test_a_long_value_that_is_no_json_leaves_room_for_what_is_wrong() -> None:
    with pytest.raises(InvalidRequest, match=r"^x:=\[111.*… is not JSON: Expecting ',' delimiter at character 1003 \("):
        line(f"x:=[{'1' * 1000} 2]")
    with pytest.raises(InvalidRequest, match=r"is not JSON: .*digits"):
        line(f"x:={'1' * 10_000}")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("x:=True", True),
        ("x:=None", None),
        ("x:={'a': 'b c', 'd': (1, 2)}", {"a": "b c", "d": [1, 2]}),
    ],
)
def test_a_value_may_be_written_as_python_writes_it(text: str, value: Any) -> None:
    assert line(text) == {"x": value}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("prompt=Hello there", 'prompt="Hello there …"'),
        ("a=1 b", 'a="1 b …"'),
        ("there", "write key=text or key:=JSON; the prompt is the cell"),
    ],
)
def test_words_without_quotes_around_them_are_told_with_quotes(text: str, words: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        line(text)
    assert caught.value.hint.endswith(words)


def test_an_at_sign_names_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my cat.png").write_bytes(b"x")
    assert line('a=@"my cat.png"')["a"].data == b"x"
    assert line('a="@{{folder}}/my cat.png"', folder=tmp_path)["a"].data == b"x"
    assert line("a=@@ada b=x@y") == {"a": "@ada", "b": "x@y"}
    with pytest.raises(InvalidRequest, match=r"there is no file my cap\.png \(did you mean my cat\.png\?\)"):
        line('a=@"my cap.png"')


def test_a_second_magic_in_a_cell_is_told_and_can_be_sent_as_text() -> None:
    text = "One.\n%%falstream a/b\nTwo."
    with pytest.raises(InvalidRequest, match="it needs a cell of its own"):
        cell(text)
    assert cell(text, as_text=True) == {"prompt": text}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON, st.sampled_from([(", ", ": "), (",", ":"), (" ,\t", " : ")]), st.booleans())
def test_any_json_value_comes_back_as_itself(value: Any, separators: tuple[str, str], ascii_only: bool) -> None:  # noqa: FBT001
    written = json.dumps(value, separators=separators, ensure_ascii=ascii_only)
    words = split_line(f"a/b x:={written} --save 'my file.png' y:={written}\tz=1")
    assert words[:1] + words[2:4] + words[5:] == ["a/b", "--save", "my file.png", "z=1"]
    assert from_line([words[1], words[4]], None) == {"x": value, "y": value}


def test_an_error_about_a_value_of_two_lines_is_one_line() -> None:
    with pytest.raises(InvalidRequest) as caught:
        from_line(["x:={{ words }}"], {"words": "a\nb\x1b[2J"})
    assert len(str(caught.value).splitlines()) == 1
    assert "\x1b" not in str(caught.value)


def test_braces_are_left_alone_without_a_namespace() -> None:
    assert from_line(["x={{n}}"], None) == {"x": "{{n}}"}
    assert from_cell("{{n}} cats", "prompt", None, as_text=False) == {"prompt": "{{n}} cats"}


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("", {}),
        (" \n\t\n", {}),
        ("Explain {{topic}}.\n", {"prompt": "Explain the sea."}),
        ("\n  indented\n\n", {"prompt": "  indented"}),
        ("\r\none\r\ntwo\r\n", {"prompt": "one\ntwo"}),
        ('\ufeff{"a": 1}', {"a": 1}),
        ('{"a": 1, "b": ["{{n}}", {"c": "{{topic}}!"}]}', {"a": 1, "b": [7, {"c": "the sea!"}]}),
        ('\n {\n  "a": null\n }\n', {"a": None}),
        ("{}", {}),
        ("{a} is a set", {"prompt": "{a} is a set"}),
        ("{'a': 1, 'b': (True, None)}", {"a": 1, "b": [True, None]}),
        ('{"a": True}', {"a": True}),
        ("{'a', 'b'}", {"prompt": "{'a', 'b'}"}),
        ("{'a': b}", {"prompt": "{'a': b}"}),
        ("{'tis: the season}", {"prompt": "{'tis: the season}"}),
        ("[1, 2]", {"prompt": "[1, 2]"}),
        ("7", {"prompt": "7"}),
        ("{{n}}", {"prompt": 7}),
        ("$5 and \\frac{a}{b}", {"prompt": "$5 and \\frac{a}{b}"}),
    ],
)
def test_a_cell_is_a_json_object_or_text(text: str, arguments: dict[str, Any]) -> None:
    assert cell(text) == arguments


@pytest.mark.parametrize("text", ['{"a": 1', "{", '{"a": 1} and words', '{"a"}'])
def test_a_cell_that_begins_as_json_and_is_none_is_told(text: str) -> None:
    with pytest.raises(InvalidRequest, match=r"the cell is not JSON: .* \(--field prompt sends it as text\)"):
        cell(text)


@pytest.mark.parametrize("text", ['{"a": 1}', '{"a": 1', "{}"])
def test_a_cell_is_text_when_asked(text: str) -> None:
    assert cell(text, as_text=True) == {"prompt": text}


def test_the_cells_field_has_any_name() -> None:
    assert from_cell("Hi", "text", {}, as_text=False) == {"text": "Hi"}


def test_json_that_is_nested_too_deeply_is_refused() -> None:
    deep = '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}"
    with pytest.raises(InvalidRequest, match="not JSON"):
        from_cell(deep, "prompt", None, as_text=False)
    with pytest.raises(InvalidRequest):
        from_line([f"a:={deep}"], None)


@pytest.mark.parametrize("line", ["x=1 x=2", "x=1 x:=1", "x:=1 y=2 x:=1"])
def test_a_name_that_stands_twice_on_the_line_is_refused(line: str) -> None:
    with pytest.raises(InvalidRequest, match="the line has x twice"):
        from_line(split_line(line), {})


@pytest.mark.parametrize("cell", ['\ufeff{"a": 1}', '\ufeff\n{"a": 1}\n'])
def test_a_byte_order_mark_before_json_is_none_of_it(cell: str) -> None:
    assert from_cell(cell, "prompt", {}, as_text=False) == {"a": 1}


def test_a_byte_order_mark_before_words_is_none_of_them() -> None:
    assert from_cell("\ufeffa cat", "prompt", {}, as_text=False) == {"prompt": "a cat"}
