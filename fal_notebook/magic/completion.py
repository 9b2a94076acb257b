"""What Tab offers on the line of ``%falstream``: its options, and endpoints that stream."""

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
    "--dry-run",
    "--field",
    "--format",
    "--help",
    "--input",
    "--models",
    "--out",
    "--play",
    "--quiet",
    "--raw",
    "--save",
    "--overwrite",
    "--timeout",
    "--widget",
)
_LINE = re.compile(r"\s*%{1,2}falstream\s")
_COMMANDS = ("%falstream", "%%falstream")


def candidates(line: str) -> list[str]:
    """What the word at the end of a line of the magic may become; the line is what stands before the cursor."""
    word = _word(line)
    return [each for each in _known(line) if each.startswith(word)]


def offer(shell: "InteractiveShell") -> None:
    """Let Tab offer the candidates."""
    withdraw(shell)
    try:
        from IPython.core.completer import context_matcher
    except ImportError:  # before IPython 8.6, which can also keep Python's names out
        for command in _COMMANDS:
            shell.set_hook("complete_command", _complete, str_key=command)
    else:
        shell.Completer.custom_matchers.append(context_matcher()(match_falstream))


def withdraw(shell: "InteractiveShell") -> None:
    """Take the completion away, also one that an earlier import of this module left."""
    matchers = shell.Completer.custom_matchers
    matchers[:] = [matcher for matcher in matchers if matcher.__qualname__ != match_falstream.__qualname__]
    for command in _COMMANDS:
        shell.strdispatchers["complete_command"].strs.pop(command, None)


def match_falstream(context: "CompletionContext") -> "SimpleMatcherResult":
    """Match the word before the cursor, for IPython's matchers."""
    from IPython.core.completer import SimpleCompletion, SimpleMatcherResult

    line = context.line_with_cursor[: context.cursor_position]
    return SimpleMatcherResult(
        completions=[SimpleCompletion(text=each, type="fal") for each in candidates(line)],
        matched_fragment=_word(line),
        suppress=bool(_known(line)),
    )


def _complete(_: "InteractiveShell", event: Any) -> list[str]:
    """The same for IPython's hooks."""
    return candidates(event.text_until_cursor)


def _known(line: str) -> tuple[str, ...]:
    """What can stand at the end of a line: options, or endpoints where the first word stands."""
    if not _LINE.match(line):
        return ()
    last = line.rpartition(" ")[2]
    if last.startswith("-"):
        return OPTIONS
    return ENDPOINTS if len(line.split()) <= 1 + bool(last) else ()


def _word(line: str) -> str:
    """The last word; of several endpoints, the last."""
    return line.rpartition(" ")[2].rpartition(",")[2]
