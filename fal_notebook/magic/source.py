"""What surrounds the magic in a cell's source: comments above it, a question mark behind it, a name that it goes to.

IPython knows ``%%`` in the first line of a cell only, takes ``prompt=Why?`` for a call of its help, and shows what a
magic returns, even if the magic has shown it already.
"""

import dis
import re
import sys
from tokenize import TokenInfo
from types import CodeType, FrameType

from IPython.core.inputtransformer2 import TokenTransformBase
from IPython.core.interactiveshell import InteractiveShell

_CELL_MAGIC = re.compile(r"%%falstream\b")
_NOT_ABOVE = re.compile(r"\s*(?:#.*)?$")
_LINE_MAGIC = "%falstream"
_DROPS = {"POP_TOP", "PRINT_EXPR", "CALL_INTRINSIC_1"}
"""The steps of Python that drop or show the value of an expression."""


def register_source(shell: InteractiveShell) -> None:
    """Let cells of this shell have comments above ``%%falstream``, and arguments that end in a question mark."""
    unregister_source(shell)
    shell.input_transformer_manager.cleanup_transforms.append(without_comments_above)
    shell.input_transformer_manager.token_transformers.append(Question)


def unregister_source(shell: InteractiveShell) -> None:
    """Undo `register_source`, also one of an earlier import of this module."""
    manager = shell.input_transformer_manager
    for transforms, ours in (
        (manager.cleanup_transforms, without_comments_above),
        (manager.token_transformers, Question),
    ):
        transforms[:] = [each for each in transforms if getattr(each, "__qualname__", "") != ours.__qualname__]


def without_comments_above(lines: list[str]) -> list[str]:
    """The lines of a cell without comments and blank lines above ``%%falstream``."""
    first = next((number for number, line in enumerate(lines) if not _NOT_ABOVE.match(line)), 0)
    return lines[first:] if first and _CELL_MAGIC.match(lines[first]) else lines


class Question(TokenTransformBase):
    """A line of ``%falstream`` whose last argument ends in a question mark, such as ``prompt=Why?``."""

    priority = 1  # IPython's help has 5

    @classmethod
    def find(cls, tokens_by_line: list[list[TokenInfo]]) -> "Question | None":
        """The first such line."""
        for tokens in tokens_by_line:
            if len(tokens) > 2 and tokens[-2].string == "?" and _before_and_line(tokens[-2].line):
                return cls((tokens[-2].start[0], 0))
        return None

    def transform(self, lines: list[str]) -> list[str]:
        """The lines with a call of the magic in the place of that line."""
        found = _before_and_line(lines[self.start_line])
        if found is None:
            raise SyntaxError(lines[self.start_line])
        before, line = found
        call = f"{before}get_ipython().run_line_magic('falstream', {line!r})\n"
        return [*lines[: self.start_line], call, *lines[self.start_line + 1 :]]


def _before_and_line(source: str) -> tuple[str, str] | None:
    """What stands before the magic, an indentation or ``name =``, and its line; None if this is no such line."""
    before, _, line = source.rstrip().partition(_LINE_MAGIC)
    is_magic = not before.strip() or (before.rstrip().endswith("=") and before.count("=") == 1)
    is_question = line[:1] in (" ", "\t") and "=" in line and line.endswith("?")
    return (before, line.strip()) if is_magic and is_question else None


def caller_of(code: CodeType) -> FrameType | None:
    """The frame that called a function of IPython's further up, such as ``run_cell_magic``."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_code is not code:
        frame = frame.f_back
    return frame and frame.f_back


def is_used(frame: FrameType | None) -> bool:
    """Whether a frame uses the value of the call that it makes, as in ``x = %falstream …``."""
    if frame is None:
        return False
    following = (step.opname for step in dis.get_instructions(frame.f_code) if step.offset > frame.f_lasti)
    return next(following, "POP_TOP") not in _DROPS
