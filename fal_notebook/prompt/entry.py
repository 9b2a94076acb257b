"""One prompt and its answer, both while the answer streams and after it has ended.

The streamed words are shown as plain text. The bundle of the ended answer has HTML, which `render` has made safe.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..client.result import Result
from ..display.preview_pictures import NewestPicture
from ..render.bundles import Bundle
from .text_patches import PageText


@dataclass(eq=False)
class Entry:
    """One prompt and its answer.

    Attributes:
        number: the id by which the page knows the entry.
        endpoint: the endpoint that the prompt is sent to.
        arguments: the arguments other than the prompt.
        prompt: the text of the prompt.
        text: the words of the answer so far.
        pictures: the newest preview of the answer.
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
        """Store the result, in place of an earlier one if there is one."""
        self.result = result
        self.__dict__.pop("bundle", None)

    @cached_property
    def bundle(self) -> Bundle:
        """The ended answer as an output, with its error if it has one."""
        if self.result is None:
            raise ValueError("the answer has not ended")
        return self.result._repr_mimebundle_()
