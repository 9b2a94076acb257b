"""Tab completion on the line of ``%falstream``: its options, and known endpoints."""

import re
from typing import TYPE_CHECKING, Any

from ..client.known_endpoints import ENDPOINTS

if TYPE_CHECKING:
    from IPython.core.completer import CompletionContext, SimpleMatcherResult
    from IPython.core.interactiveshell import InteractiveShell

OPTIONS = (
    "--autoplay",
    "--background",
    "--base-url",
    "--budget",
    "--chat",
    "--continue",
    "--dry-run",
    "--each",
    "--field",
    "--format",
    "--help",
    "--inline",
    "--input",
    "--models",
    "--no-check",
    "--out",
    "--play",
    "--queue",
    "--quiet",
    "--raw",
    "--save",
    "--overwrite",
    "--timeout",
    "--to",
    "--unique",
    "--upload",
    "--widget",
)
_LINE = re.compile(r"\s*%{1,2}falstream\s")
_COMMANDS = ("%falstream", "%%falstream")


def candidates(line: str) -> list[str]:
    """The completions of the last word. ``line`` is the part of the magic's line before the cursor."""
    word = _last_word(line)
    return [each for each in _possible_words(line) if each.startswith(word)]


def register_completion(shell: "InteractiveShell") -> None:
    """Make Tab complete the magic's line in this shell."""
    unregister_completion(shell)
    try:
        from IPython.core.completer import context_matcher
    except ImportError:  # before IPython 8.6; such hooks cannot suppress Python's own names
        for command in _COMMANDS:
            shell.set_hook("complete_command", _complete_by_hook, str_key=command)
    else:
        shell.Completer.custom_matchers.append(context_matcher()(match_falstream))


def unregister_completion(shell: "InteractiveShell") -> None:
    """Remove the completion, including one that an earlier import of this module registered."""
    matchers = shell.Completer.custom_matchers
    matchers[:] = [matcher for matcher in matchers if matcher.__qualname__ != match_falstream.__qualname__]
    for command in _COMMANDS:
        shell.strdispatchers["complete_command"].strs.pop(command, None)


def match_falstream(context: "CompletionContext") -> "SimpleMatcherResult":
    """Complete the word before the cursor, as one of IPython's matchers."""
    from IPython.core.completer import SimpleCompletion, SimpleMatcherResult

    line = context.line_with_cursor[: context.cursor_position]
    return SimpleMatcherResult(
        completions=[SimpleCompletion(text=each, type="fal") for each in candidates(line)],
        matched_fragment=_last_word(line),
        suppress=bool(_possible_words(line)),
    )


def _complete_by_hook(_: "InteractiveShell", event: Any) -> list[str]:
    """Complete the word before the cursor, as a hook of older IPython."""
    return candidates(event.text_until_cursor)


def _possible_words(line: str) -> tuple[str, ...]:
    """The words that the last word may become: options if it begins with ``-``, endpoints if it is the first."""
    if not _LINE.match(line):
        return ()
    last = line.rpartition(" ")[2]
    if last.startswith("-"):
        return OPTIONS
    return ENDPOINTS if len(line.split()) <= 1 + bool(last) else ()


def _last_word(line: str) -> str:
    """The last word of the line; in a list of endpoints with commas, the last endpoint."""
    return line.rpartition(" ")[2].rpartition(",")[2]
