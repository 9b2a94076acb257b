"""One prompt and its answer, both while the answer streams and after it has ended.

Both the streamed words and the bundle of the ended answer are HTML, which `render` has made safe.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..client.result import Result
from ..display.growing_words import GrowingWords
from ..display.player import with_player_name
from ..display.preview_pictures import NewestPicture
from ..media.media import Media
from ..render.bundles import Bundle
from .sent_files import SentFile, sent_file
from .versions import Versions


@dataclass(eq=False)
class Entry:
    """One prompt and its answer.

    Attributes:
        number: the id by which the page knows the entry.
        endpoint: the endpoint that the prompt is sent to.
        arguments: the arguments other than the prompt.
        prompt: the text of the prompt.
        files: the files that go with the prompt; those of a stored conversation are parts in OpenAI's form.
        was_sent: whether this widget has sent the prompt. That of a stored conversation has no arguments.
        words: the words of the answer so far.
        pictures: the newest preview of the answer.
        player_name: the name of the static player that takes over from the page's; empty if none does.
        result: the answer, once it has ended.
        versions: the versions of this turn, if there are several. All of them have the same object.
        show: makes an output of the ended answer.
    """

    number: int
    endpoint: str
    arguments: dict[str, Any]
    prompt: str
    files: Sequence[Media | Mapping[str, Any]] = ()
    was_sent: bool = True
    words: GrowingWords = field(default_factory=GrowingWords)
    pictures: NewestPicture = field(default_factory=NewestPicture)
    player_name: str = ""
    result: Result | None = None
    versions: Versions[Any] | None = None
    show: Callable[[Result], Bundle] = Result._repr_mimebundle_

    @cached_property
    def sent_files(self) -> list[SentFile]:
        """The files of the prompt, as they stand in the conversation."""
        return [sent_file(each) for each in self.files]

    @property
    def asked(self) -> str:
        """The prompt as it is shown: its words, and what its files are called."""
        files = f"({', '.join(each.name for each in self.sent_files)})" if self.files else ""
        return "\n\n".join(filter(None, [self.prompt, files]))

    @property
    def has_come(self) -> bool:
        """Whether the answer ended well, or something of it came."""
        result = self.result
        return result is not None and bool(result.error is None or result.text or result.media or result.reasoning)

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
