"""One prompt and its answer, both while the answer streams and after it has ended.

Both the streamed words and the bundle of the ended answer are HTML, which `render` has made safe.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..client.result import Result
from ..display.growing_words import GrowingWords
from ..display.player import with_player_name
from ..display.preview_pictures import NewestPicture
from ..media.media import Media
from ..render.bundles import Bundle


@dataclass(eq=False)
class Entry:
    """One prompt and its answer.

    Attributes:
        number: the id by which the page knows the entry.
        endpoint: the endpoint that the prompt is sent to.
        arguments: the arguments other than the prompt.
        prompt: the text of the prompt.
        words: the words of the answer so far.
        pictures: the newest preview of the answer.
        player_name: the name of the static player that takes over from the page's; empty if none does.
        files: the files that go with the prompt in a message.
        result: the answer, once it has ended.
        show: makes an output of the ended answer.
    """

    number: int
    endpoint: str
    arguments: dict[str, Any]
    prompt: str
    words: GrowingWords = field(default_factory=GrowingWords)
    pictures: NewestPicture = field(default_factory=NewestPicture)
    player_name: str = ""
    files: Sequence[Media] = ()
    result: Result | None = None
    show: Callable[[Result], Bundle] = Result._repr_mimebundle_

    def end(self, result: Result) -> None:
        """Store the result, in place of an earlier one if there is one."""
        self.result = result
        self.__dict__.pop("bundle", None)

    @cached_property
    def bundle(self) -> Bundle:
        """The ended answer as an output, with its error if it has one."""
        if self.result is None:
            raise ValueError("the answer has not ended")
        return with_player_name(self.show(self.result), self.player_name)
