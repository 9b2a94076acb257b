"""Tab completion on the magic's line, by whichever way the installed IPython has for it.

On this line nothing but our own words is offered: not IPython's files, nor Python's names.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.completer import CompletionContext, SimpleMatcherResult
    from IPython.core.interactiveshell import InteractiveShell

    from .completion_words import Offer

_MARK = "_fal_notebook"
"""The attribute by which our functions are known again after a reload of this module."""


def register_completion(shell: "InteractiveShell") -> None:
    """Make Tab complete the magic's line in this shell."""
    unregister_completion(shell)
    try:
        from IPython.core.completer import context_matcher
    except ImportError:
        _wrap(shell)
        return
    matcher = context_matcher(identifier="falstream")(lambda context: _match(context, shell))
    setattr(matcher, _MARK, True)
    shell.Completer.custom_matchers.append(matcher)


def unregister_completion(shell: "InteractiveShell") -> None:
    """Remove the completion, including one that an earlier import of this module registered."""
    matchers = shell.Completer.custom_matchers
    matchers[:] = [matcher for matcher in matchers if not hasattr(matcher, _MARK)]
    if hasattr(vars(shell.Completer).get("_complete"), _MARK):
        del shell.Completer._complete


class _Nothing(list[Any]):
    """No completions, which suppress those of others all the same: IPython asks for their number."""

    def __len__(self) -> int:
        return 1


def _match(context: "CompletionContext", shell: "InteractiveShell") -> "SimpleMatcherResult":
    """Complete the word before the cursor, as one of the matchers of IPython 8.6 and newer."""
    from IPython.core.completer import SimpleCompletion, SimpleMatcherResult

    found = _offer(context.line_with_cursor[: context.cursor_position], shell)
    if found is None:
        return SimpleMatcherResult(completions=[], suppress=False)
    words = [SimpleCompletion(text=each, type="fal") for each in found.words]
    return SimpleMatcherResult(
        completions=words or _Nothing(), matched_fragment=found.fragment, suppress=True, ordered=True
    )


def _wrap(shell: "InteractiveShell") -> None:
    """Complete in place of the completer of an IPython before 8.6, whose hooks can neither suppress nor replace more.

    The method that is replaced is private, but those versions are past, and do not change any more.
    """
    theirs: Callable[..., Any] = shell.Completer._complete

    def complete(**where: Any) -> Any:
        text, row, column = where.get("full_text"), where.get("cursor_line", 0), where.get("cursor_pos")
        line = where.get("line_buffer") or (text.split("\n")[row] if text else where.get("text")) or ""
        found = _offer(line[:column], shell)
        if found is None:
            return theirs(**where)
        return found.fragment, list(found.words), ["falstream"] * len(found.words), ()

    setattr(complete, _MARK, True)
    shell.Completer._complete = complete  # type: ignore[method-assign]  # see above


def _offer(line: str, shell: "InteractiveShell") -> "Offer | None":
    if "falstream" not in line:
        return None
    from .completion_words import offer

    return offer(line, shell)
