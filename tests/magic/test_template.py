from collections.abc import Callable
from typing import Any

import pandas  # type: ignore[import-untyped]  # its stubs are a package of their own
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fal_notebook.errors import InvalidRequest
from fal_notebook.magic.template import RowVariables, fill, slots


def expressions(text: str) -> list[str]:
    return [slot.expression for slot in slots(text)]


@pytest.mark.parametrize("value", [7, 1.5, None, True, [1, "a"], {"a": 1}, b"x", "words", object()])
@pytest.mark.parametrize("text", ["{{x}}", "{{ x }}", " \n{{x}}\n "])
def test_a_text_that_is_one_expression_is_its_value(value: object, text: str) -> None:
    assert fill(text, {"x": value}) is value


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("I have {{n}} cats", "I have 7 cats"),
        ("{{n}}{{n}}", "77"),
        ("{{n}} ", 7),
        ("{{n}}!", "7!"),
        ("{{names[0]}} and {{names[1].upper()}}", "Ann and BOB"),
        ("{{ ', '.join(name for name in names) }}.", "Ann, bob."),
        ("{{f'{n:03}'}}", "007"),
        ("{{ {'a': {'b': n}} }}", {"a": {"b": 7}}),
        ("{{{'a': {'b': n}}}}", {"a": {"b": 7}}),
        ("a {{ {'a': {'b': n}}['a']['b'] }} b", "a 7 b"),
        ('{{ "}}" }}', "}}"),
        ("a {{ '{{' }} b", "a {{ b"),
        ("{{\n  n +\n  1\n}}", None),
        ("{{ (n +\n 1) }}", 8),
        ("{{ [m for m in range(n) if m > 4] }}", [5, 6]),
        ("", ""),
    ],
)
def test_expressions_are_the_users_python(text: str, filled: Any) -> None:
    namespace = {"n": 7, "names": ["Ann", "bob"]}
    if filled is None:
        with pytest.raises(InvalidRequest, match="is not a Python expression"):
            fill(text, namespace)
    else:
        assert fill(text, namespace) == filled


@pytest.mark.parametrize(
    "text",
    [
        "{x} and }} and { {x} }",
        "$x $5 ${x} $HOME",
        r"\frac{a}{b} and \{x\}",
        '{"a": {"b": 1}}',
        "{{ never closed",
        "{{x} }",
        "100% {x!r:>{width}}",
        "%s %(x)s",
    ],
)
def test_other_braces_and_dollars_are_the_prompts_own(text: str) -> None:
    assert fill(text, {"x": 1}) == text


@given(st.text("{} x$'\"\\\n", max_size=30).filter(lambda text: "{{" not in text))
def test_a_text_without_double_braces_is_left_alone(text: str) -> None:
    assert fill(text, {}) == text


def test_what_a_value_holds_is_not_an_expression() -> None:
    assert fill("a {{x}} b", {"x": "{{y}}"}) == "a {{y}} b"


@pytest.mark.parametrize("text", ["{{count()}}", "a {{count()}} b", "{{count()}} {{1}}", "{{ {'a': {'b': count()}} }}"])
def test_an_expression_is_evaluated_once(text: str) -> None:
    calls: list[int] = []

    def count() -> int:
        calls.append(1)
        return len(calls)

    fill(text, {"count": count})
    assert calls == [1]


def test_looking_at_slots_evaluates_nothing() -> None:
    calls: list[int] = []
    assert expressions("{{ calls.append(1) }}") == ["calls.append(1)"]
    assert calls == []


def test_a_name_that_is_not_defined_is_named() -> None:
    with pytest.raises(InvalidRequest, match=r"name 'topic' is not defined in \{\{topic\}\} \(--raw sends braces"):
        fill("Explain {{topic}}", {})


@pytest.mark.parametrize(
    "text", ["{{ hello there }}", "{{}}", "{{ x = 1 }}", "{{ import os }}", "{{ 1 + }}", "{{ x\0 }}"]
)
def test_what_is_not_an_expression_is_told(text: str) -> None:
    with pytest.raises(InvalidRequest, match=r"is not a Python expression \(--raw sends braces"):
        fill(f"a {text} b {{{{x}}}}", {"x": 1})


@pytest.mark.parametrize(
    ("expression", "words"),
    [("1 / 0", "ZeroDivisionError: division by zero"), ("x['k']", "KeyError: 'k'"), ("x.y", "AttributeError")],
)
def test_an_expression_that_fails_tells_why(expression: str, words: str) -> None:
    with pytest.raises(InvalidRequest, match="failed: " + words):
        fill(f"a {{{{ {expression} }}}}", {"x": {}})


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_gets_through(stop: type[BaseException]) -> None:
    def interrupted() -> None:
        raise stop

    namespace: dict[str, Callable[[], None]] = {"f": interrupted}
    with pytest.raises(stop):
        fill("{{f()}}", namespace)


def test_the_namespace_stays_as_it_is() -> None:
    namespace: dict[str, Any] = {"x": 1}
    assert fill("{{ (y := x + 1) }}", namespace) == 2
    assert namespace == {"x": 1}


def test_slots_tell_where_they_stand() -> None:
    text = "a {{x}} b {{ y }} c {{ no good }}"
    assert [text[slot.start : slot.end] for slot in slots(text)] == ["{{x}}", "{{ y }}", "{{ no good }}"]
    assert [slot.code is not None for slot in slots(text)] == [True, True, False]


def test_a_text_full_of_braces_is_read_slot_by_slot() -> None:
    assert len(list(slots("{{ a b }} " * 5_000))) == 5_000


def test_a_table_within_a_text_has_all_of_its_rows() -> None:
    table = pandas.DataFrame({"n": range(100)})
    text = fill("Of these:\n{{table}}\nwhich is the largest?", {"table": table})
    assert text == "Of these:\nn\n" + "\n".join(map(str, range(100))) + "\nwhich is the largest?"


def test_a_picture_within_a_text_is_refused_with_the_way_out() -> None:
    picture = Image.new("RGB", (1, 1))
    with pytest.raises(InvalidRequest, match=r"\{\{picture\}\} is a Image, .* such as image_url=\{\{picture\}\}"):
        fill("What is {{picture}}?", {"picture": picture})
    assert fill(" {{picture}} ", {"picture": picture}) is picture


def test_in_a_row_what_is_missing_has_no_words_and_any_column_s_name_is_an_expression() -> None:
    row = RowVariables({"x": None, "Review text": "good", "a-b": 1, "class": "c", "a": 9, "b": 4})
    assert fill("<{{x}}>{{Review text}} {{a-b}} {{class}} {{a - b}}", row) == "<>good 1 c 5"
    assert fill("{{x}}", row) is None
    assert fill("<{{x}}>", {"x": None}) == "<None>"
    with pytest.raises(InvalidRequest, match="is not a Python expression"):
        fill("{{Reviw text}}!", row)
