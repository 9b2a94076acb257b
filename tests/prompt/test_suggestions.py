"""The form's suggestions: first the recently used names, then the known ones, each once."""

from typing import Any

import pytest

from fal_notebook.prompt.suggestions import PastPrompts, Suggestions


def test_recently_used_names_come_first_and_no_name_comes_twice() -> None:
    suggestions = Suggestions(("known", "other"))
    for name in ("one", "two", "one", "other"):
        suggestions.remember(name)
    assert suggestions.names == ["other", "one", "two", "known"]


@pytest.mark.parametrize("name", ["", None, 7, ["a"]])
def test_a_value_that_is_not_a_name_is_ignored(name: Any) -> None:
    suggestions = Suggestions(("known",))
    suggestions.remember(name)
    assert suggestions.names == ["known"]


def test_only_the_last_ten_are_remembered() -> None:
    suggestions = Suggestions(())
    for number in range(30):
        suggestions.remember(str(number))
    assert suggestions.names == [str(number) for number in range(29, 19, -1)]
    for _ in range(30):
        suggestions.remember("again")
    assert suggestions.names == ["again", *(str(number) for number in range(29, 20, -1))]


def test_past_prompts_are_kept_once_in_order_and_neither_very_long_nor_very_many() -> None:
    past = PastPrompts()
    for prompt in ("one", "two", "one", "x" * 5_000):
        past.remember(prompt)
    assert past.prompts == ["two", "one"]
    for number in range(60):
        past.remember(str(number))
    assert past.prompts == [str(number) for number in range(10, 60)]
