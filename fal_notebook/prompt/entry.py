"""One prompt and its answer, while it streams and when it has ended.

The words that stream are harmless text; the bundle of the ended answer has HTML that was made safe by `render`.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..client.result import Result
from ..display.preview_pictures import NewestPicture
from ..render.bundles import Bundle
from ..render.markdown import text_html
from ..safety.plain_text import one_line
from .text_patches import PageText

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
