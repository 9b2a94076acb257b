"""Floor 5: prompts and their answers, as a page shows them and as a notebook keeps them.

Whatever is HTML here was made safe by `render`; the page puts it in as it is and makes none of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import Any

from .markdown import lines_html, text_html
from .mathematics import few_formulas
from .page_text import PageText
from .plain import one_line, plain_text
from .previews import NewestPicture
from .render import Bundle
from .result import Result

# A quotation by its tag too, since GitHub takes styles out. The line's colour is no variable, since JupyterLab takes
# those out of a notebook that is not trusted.
_ASKED = (
    "white-space:pre-wrap;overflow-wrap:anywhere;margin:.8em 0 .4em;padding:.3em .7em;border-left:3px solid #2196f3;"
    "color:var(--jp-ui-font-color1,inherit)"
)
_ANSWERED = "overflow:auto hidden"  # no answer covers another, nor a prompt
_LONGEST_WORDS = 20_000  # characters of an answer in a transcript without HTML: what is stored is not stored twice
_FAILED = "color:var(--jp-error-color1,#d32f2f);margin:.35em 0;overflow-wrap:anywhere"


@dataclass(eq=False)
class Entry:
    """One prompt and its answer.

    Attributes:
        number: by which the page knows it.
        endpoint: what is asked.
        arguments: what it is asked with, beside the prompt.
        prompt: the user's words.
        text: the answer's words while they stream.
        pictures: its previews while they stream.
        result: the answer, once it has ended.
    """

    number: int
    endpoint: str
    arguments: dict[str, Any]
    prompt: str
    text: PageText = field(default_factory=PageText)
    pictures: NewestPicture = field(default_factory=NewestPicture)
    result: Result | None = None

    def end(self, result: Result) -> None:
        """Take the answer, or another in its place."""
        self.result = result
        self.__dict__.pop("bundle", None)

    @cached_property
    def bundle(self) -> Bundle:
        """The ended answer, with what went wrong."""
        if self.result is None:
            raise ValueError("the answer has not ended")
        shown = self.result._repr_mimebundle_()
        if self.result.error is None:
            return shown
        words = one_line(f"{type(self.result.error).__name__}: {self.result.error}")
        return {
            "text/plain": f"{shown['text/plain']}\n{words}",
            "text/html": f'{shown["text/html"]}\n<div style="{_FAILED}">{text_html(words)}</div>',
        }

    def opening(self) -> dict[str, Any]:
        """The message that shows the entry on the page as it is now."""
        message = {
            "kind": "entry",
            "id": self.number,
            "endpoint": one_line(self.endpoint),
            "prompt": plain_text(self.prompt),
            "text": self.text.shown,
        }
        return message if self.result is None else {**self.ending(), **message}

    def ending(self) -> dict[str, Any]:
        """The message that puts the ended answer in the place of its words. Those the page has, for the clipboard."""
        if self.result is None:
            raise ValueError("the answer has not ended")
        message = {"kind": "done", "id": self.number, "html": self.bundle["text/html"], "end": _end(self.result)}
        return message if self.result.text else {**message, "copy": self.bundle["text/plain"]}


def transcript(entries: Sequence[Entry], name: str) -> Bundle:
    """The ended answers as one static output.

    Args:
        entries: the conversation.
        name: by which the live widget knows it, and hides it as long as it shows the same.

    Returns:
        The bundle; its HTML is whole, its plain text has of a very long answer the beginning.
    """
    ended = [entry for entry in entries if entry.result is not None]
    if not ended:
        return {"text/plain": "", "text/html": ""}
    title = f"Transcript ({len(ended)} answer{'' if len(ended) == 1 else 's'})"
    answers = "\n".join(f"{_asked(entry)}\n{_answered(entry)}" for entry in ended)
    words = [f"> {plain_text(entry.prompt)}\n\n{_words(entry.bundle['text/plain'])}" for entry in ended]
    return {
        "text/plain": "\n\n".join([title, *words]),
        "text/html": f'<details open data-fal-transcript="{escape(name)}" data-fal-answers="{kept_numbers(entries)}">'
        f"<summary>{title}</summary>\n"
        f"{few_formulas(answers)}\n</details>",
    }


def kept_numbers(entries: Sequence[Entry]) -> str:
    """The numbers of the answers that a transcript of these has."""
    return " ".join(str(entry.number) for entry in entries if entry.result is not None)


def _asked(entry: Entry) -> str:
    return f'<blockquote style="{_ASKED}">{lines_html(plain_text(entry.prompt))}</blockquote>'


def _answered(entry: Entry) -> str:
    return f'<div style="{_ANSWERED}">{entry.bundle["text/html"]}</div>'


def _words(answer: str) -> str:
    """An answer for a reader without HTML, cut where it is very long."""
    if len(answer) <= _LONGEST_WORDS:
        return answer
    return f"{answer[:_LONGEST_WORDS]}\n… cut here: {len(answer):,} characters in all; the HTML beside this has them"


def _end(result: Result) -> str:
    if result.stopped:
        return "stopped"
    return "failed" if result.error is not None else "done"
