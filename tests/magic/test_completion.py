"""What Tab offers in a real IPython shell, by whichever completion API the installed IPython has."""

from collections.abc import Iterator

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

from fal_notebook.client.known_endpoints import ENDPOINTS
from fal_notebook.magic.completion import OPTIONS, candidates


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    running = InteractiveShell.instance()
    running.run_line_magic("load_ext", "fal_notebook")
    yield running
    running.run_line_magic("unload_ext", "fal_notebook")
    InteractiveShell.clear_instance()


def offered(shell: InteractiveShell, text: str, line: str | None = None) -> list[str]:
    """What Tab offers after the text; ``line`` is the cell's text around it, if there is more."""
    with provisionalcompleter():
        cell = text if line is None else line
        return [each.text for each in shell.Completer.completions(cell, cell.index(text) + len(text))]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("%falstream ", [*ENDPOINTS]),
        ("%falstream fal-ai/flux", ["fal-ai/flux/dev/stream"]),
        ("  %%falstream fal-ai/flux", ["fal-ai/flux/dev/stream"]),
        ("%falstream a/b,fal-ai/flux", ["fal-ai/flux/dev/stream"]),
        ("%falstream a/b --ti", ["--timeout"]),
        ("%falstream -", [*OPTIONS]),
        ("%falstream a/b fal-ai/flux", []),
        ("%falstream", []),
        ("falstream = fal", []),
        ("%%timeit fal", []),
    ],
)
def test_the_last_word_of_a_line_has_candidates(line: str, expected: list[str]) -> None:
    assert candidates(line) == expected


def test_tab_offers_options_and_endpoints(shell: InteractiveShell) -> None:
    assert offered(shell, "%%falstream fal-ai/any-llm --ti") == ["--timeout"]
    assert "fal-ai/any-llm/stream" in offered(shell, "%falstream fal-ai/any")
    assert "fal-ai/flux/dev/stream" in offered(shell, "%falstream fal-ai/any-llm,fal-ai/fl")


def test_tab_is_heard_on_the_line_of_the_magic_alone(shell: InteractiveShell) -> None:
    cell = "%%falstream fal-ai/fl\nsome fal-ai/fl"
    assert "fal-ai/flux/dev/stream" in offered(shell, "%%falstream fal-ai/fl", cell)
    assert "fal-ai/flux/dev/stream" not in offered(shell, cell)


def test_a_reload_offers_each_candidate_once(shell: InteractiveShell) -> None:
    shell.run_line_magic("reload_ext", "fal_notebook")
    assert offered(shell, "%falstream a/b --ti") == ["--timeout"]


def test_what_is_unloaded_offers_nothing_and_leaves_the_others(shell: InteractiveShell) -> None:
    shell.set_hook("complete_command", lambda _, __: ["own words"], str_key="%own")
    shell.run_line_magic("unload_ext", "fal_notebook")
    assert "--timeout" not in offered(shell, "%falstream a/b --ti")
    assert offered(shell, "%own ow") == ["own words"]
    shell.run_line_magic("load_ext", "fal_notebook")
    assert offered(shell, "%falstream a/b --ti") == ["--timeout"]
