"""The form's suggestions: first the recently used names, then the known ones, each once."""

from typing import Any

import pytest

from fal_notebook.prompt.suggestions import Suggestions


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
