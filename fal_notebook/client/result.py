"""The result of one request, a value that Jupyter can display, and how it is shown without being lost.

A `Result` holds everything that arrived, complete or not, with the error if there was one. It makes its own MIME
bundles, so that it shows the same as the last value of a cell, from the magic and in the prompt widget.
"""

import contextlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ..errors import FalNotebookError, NotShown, RequestError
from ..media.media import Media, drawable
from ..render import bundles
from ..response.choices import Choice, Source
from ..response.files_in_json import files_in
from ..response.sse import ServerSentEvent
from ..safety.plain_text import one_line, printable
from .choice_bundles import end_of_first, first_heading, links, other_choices

Format = Literal["markdown", "text", "json"]
FORMATS: tuple[Format, ...] = ("markdown", "text", "json")
_MOST_PLAUSIBLE = 10**12  # a greater token count or cost must be a mistake, and is not shown
_TOKENS_IN = ("prompt_tokens", "input_tokens", "promptTokenCount", "prompt_eval_count")
_TOKENS_OUT = ("completion_tokens", "output_tokens", "candidatesTokenCount", "eval_count")
"""The names of the same counts in OpenAI's two APIs, Anthropic's, Gemini's and Ollama's."""
_MOST_FILES = 100  # that are shown: a page with thousands of pictures freezes
LOCAL_MODEL_HEADER = "x-local-model"
"""The header in which a gateway names the model on this machine that answered."""


@dataclass(frozen=True)
class Metrics:
    """How long a request took and how much came, in seconds and bytes.

    Attributes:
        connect: from the call until the arguments were sent: the wait for a free connection, or for a new one.
        time_to_first_byte: from the sending of the arguments until the first byte of the body.
        server_time_to_first_byte: the server's own measure of this time, from the end metadata.
        duration: from the call to the end of the response.
        bytes: the size of the body.
        events: the number of server-sent events in the body.
        thinking: from the first piece of the model's reasoning until the answer's first words or file; None if the
            endpoint sends no reasoning, or sends it together with the answer.
    """

    connect: float | None = None
    time_to_first_byte: float | None = None
    server_time_to_first_byte: float | None = None
    duration: float = 0.0
    bytes: int = 0
    events: int = 0
    thinking: float | None = None


@dataclass(frozen=True, repr=False)
class Result:
    """The result of one request: the whole answer, or what had arrived when the request failed or was stopped.

    Attributes:
        endpoint: the endpoint that was asked.
        text: the answer's text, or an empty string.
        reasoning: the model's reasoning, if the endpoint sends it.
        data: the JSON value: that of the body, or of the last event.
        media: the files, as bytes or as URLs.
        events: the server-sent events.
        note: a remark on how the answer was read, such as that JSON was too large and was kept as text.
        request_id: fal's id for the request.
        status: the HTTP status; None if no response came.
        headers: the response headers, whose names are case-insensitive.
        usage: tokens and cost, if the endpoint reports them.
        model: the model that answered, if the endpoint reports it.
        finish_reason: why the answer ended, in the endpoint's own word: ``stop``, ``length``, ``content_filter``,
            ``tool_calls``, …; None if the endpoint does not report it.
        sources: a `Source` for each web page that the answer cites, if the endpoint reports them.
        choices: a `Choice` for each answer, if the endpoint sends them as choices: with its own text, reasoning, finish
            reason and tool calls. `text` is that of the first.
        metrics: how long the request took and how much arrived.
        stopped: whether the caller stopped it.
        sent_whole: whether all of the arguments were sent; if not, the endpoint never got the request.
        error: what went wrong, or None.
        shows_words_only: whether only the text is shown, because showing the rest failed.
    """

    endpoint: str
    text: str = ""
    reasoning: str = ""
    data: Any = None
    media: list[Media] = field(default_factory=list)
    events: Sequence[ServerSentEvent] = field(default_factory=list)
    note: str = ""
    request_id: str | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    usage: Mapping[str, Any] | None = None
    model: str | None = None
    finish_reason: str | None = None
    sources: list[Source] = field(default_factory=list)
    choices: list[Choice] = field(default_factory=list)
    metrics: Metrics = field(default_factory=Metrics)
    stopped: bool = False
    sent_whole: bool = True
    error: FalNotebookError | None = None
    shows_words_only: bool = False

    def __str__(self) -> str:
        return self.text or repr(self)

    def __repr__(self) -> str:
        held = [f"{len(self.text):,} characters"] if self.text else []
        held += [repr(media) for media in self.media]
        return f"<Result {', '.join([self.endpoint, *held, *self._outcome_words()])}>"

    def __hash__(self) -> int:
        """A hash of those attributes that are hashable, so that equal results have equal hashes."""
        return hash((self.endpoint, self.request_id, self.text))

    @property
    def status_line(self) -> str:
        """Endpoint, duration, time to first token, usage and request id, on one line."""
        facts = [] if self.shows_words_only else [*self._usage_words(), *self._origin_words()]
        return one_line(" · ".join([self.endpoint, *self._outcome_words(), *self._time_words(), *facts]))

    def outputs(self, style: Format = "markdown", *, autoplay: bool = False) -> list[bundles.Bundle]:
        """The MIME bundles that Jupyter shows, one for each output; the first has the text.

        Args:
            style: how to show the text; ``json`` shows `data` instead.
            autoplay: whether the first recording plays by itself.
        """
        return bundles.merged([*self.body(style, autoplay=autoplay), self.foot])

    def body(self, style: Format = "markdown", *, autoplay: bool = False) -> list[bundles.Bundle]:
        """The MIME bundles without the status line; empty if no answer came."""
        return bundles.merged(self._bundles(style, autoplay=autoplay))

    @property
    def foot(self) -> bundles.Bundle:
        """The status line below an answer, as a MIME bundle."""
        return bundles.small_bundle(self.status_line)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> bundles.Bundle:
        parts = [*self._bundles("markdown", autoplay=False), self.foot]
        (bundle,) = bundles.merged(bundles.as_html(part) for part in parts)
        return {**bundle, "text/plain": printable(bundle["text/plain"], sys.stdout)}  # IPython prints it in a terminal

    def _mime_(self) -> tuple[str, str]:
        """What marimo shows (its protocol for objects)."""
        return "text/html", self._repr_mimebundle_()["text/html"]

    def _bundles(self, style: Format, *, autoplay: bool) -> list[bundles.Bundle]:
        if self.shows_words_only:
            words = [bundles.text_bundle(self.text, "text")] if self.text else []
            return words + [bundles.small_bundle(repr(media)) for media in self.media[:_MOST_FILES]]
        parts = first_heading(self.choices) if self._shows_words(style) else []
        parts += [bundles.reasoning_bundle(self.reasoning, self.metrics.thinking, style)] if self.reasoning else []
        return [*parts, *self._answer_bundles(style, autoplay=autoplay), *self.below_answer(style)]

    def below_answer(self, style: Format = "markdown") -> list[bundles.Bundle]:
        """What is shown below the words of the answer and its files."""
        parts: list[bundles.Bundle] = []
        if self._shows_words(style):
            parts += end_of_first(self.choices, self.finish_reason)
            parts += [*other_choices(self.choices, style), *links(self.sources)]
        if self.note:
            parts.append(bundles.small_bundle(self.note))
        if True in self._withheld_flags():
            parts.append(bundles.small_bundle("a picture was withheld by the endpoint's safety checker"))
        return parts

    def _shows_words(self, style: Format) -> bool:
        """Whether the words are shown, and not the JSON that holds them."""
        return style != "json" or self.data is None

    def _answer_bundles(self, style: Format, *, autoplay: bool) -> list[bundles.Bundle]:
        if not self._shows_words(style):
            return [bundles.json_bundle(self.data)]
        parts = [bundles.text_bundle(self.text, style)] if self.text else []
        shown = self.media[:_MOST_FILES]
        others = [media for media in shown if media.kind != "image"]
        parts += self._picture_bundles(shown)
        first = next((number for number, media in enumerate(others) if media.kind == "audio"), None)
        for number, media in enumerate(others):
            parts.append(bundles.media_bundle(media, autoplay=autoplay and number == first))
        if len(self.media) > len(shown):
            parts.append(bundles.small_bundle(f"… and {len(self.media) - len(shown):,} files more, in its media"))
        says_more = any(choice.text or choice.tool_calls for choice in self.choices)
        shows_data = not (parts or says_more) and self.data is not None and self.error is None
        return [bundles.json_bundle(self.data)] if shows_data else parts

    def _picture_bundles(self, shown: Sequence[Media]) -> list[bundles.Bundle]:
        pictures = [media for media in shown if media.kind == "image"]
        withheld = self._withheld_pictures()
        notes = [self._caption(media, withheld=number in withheld) for number, media in enumerate(pictures)]
        places = [number for number, media in enumerate(shown) if media.kind == "image"]
        noted = list(zip(pictures, notes, drawable(pictures), places, strict=True))
        drawn = [(media, note) for media, note, is_drawn, _ in noted if is_drawn]
        undrawn = [(media, f"media[{place}]", note) for media, note, is_drawn, place in noted if not is_drawn]
        return [*bundles.pictures_bundles(drawn), *(bundles.undrawn_bundle(*each) for each in undrawn)]

    def _caption(self, picture: Media, *, withheld: bool) -> str:
        """The caption of a picture apart from its size: its seed, and whether it was withheld."""
        said = self._from_data("seed") if picture.seed is None else picture.seed
        seed = [f"seed {said}"] if isinstance(said, int) and not isinstance(said, bool) else []
        return " · ".join([*seed, *(["withheld by the safety checker"] if withheld else [])])

    def _withheld_flags(self) -> list[bool]:
        """Whether fal's safety checker replaced a picture by a black one, for each picture of ``images``."""
        flags = self._from_data("has_nsfw_concepts")
        return [flag is True for flag in flags] if isinstance(flags, list) else []

    def _withheld_pictures(self) -> list[int]:
        """The numbers of the pictures that were replaced by black ones.

        The flags count only the pictures of ``images``; a mask or an input has none. Where it is not clear which
        pictures they mean, no numbers are returned.
        """
        flags, pictures = self._withheld_flags(), [media for media in self.media if media.kind == "image"]
        if True not in flags or len(pictures) > _MOST_FILES:
            return []
        if len(flags) == len(pictures):
            start: int | None = 0
        else:
            judged = list(files_in({"images": self._from_data("images")}))
            starts = (at for at in range(len(pictures)) if judged and pictures[at : at + len(judged)] == judged)
            start = next(starts, None)
        return [] if start is None else [start + number for number, flag in enumerate(flags) if flag]

    def _from_data(self, name: str) -> Any:
        return self.data.get(name) if isinstance(self.data, dict) else None

    def _outcome_words(self) -> list[str]:
        if self.stopped:
            return ["stopped" if self.sent_whole else "stopped before it was sent whole"]
        return [f"failed: {type(self.error).__name__}"] if self.error else []

    def _time_words(self) -> list[str]:
        first = self.metrics.time_to_first_byte
        times = [f"{self.metrics.duration:.2f} s"]
        if first is not None:
            times.append(f"first {'token' if self.text else 'byte'} {(self.metrics.connect or 0.0) + first:.2f} s")
        return times

    def _usage_words(self) -> list[str]:
        used: list[str] = []
        for names, word in ((_TOKENS_IN, "in"), (_TOKENS_OUT, "out")):
            counts = (count for count in map((self.usage or {}).get, names) if type(count) is int)
            count = next(counts, _MOST_PLAUSIBLE)
            used += [f"{count:,} tokens {word}"] if abs(count) < _MOST_PLAUSIBLE else []
        cost = (self.usage or {}).get("cost")
        return used + ([f"${cost:.6g}"] if isinstance(cost, int | float) and abs(cost) < _MOST_PLAUSIBLE else [])

    def _origin_words(self) -> list[str]:
        local = self.headers.get(LOCAL_MODEL_HEADER)
        named = [f"local model {local}"] if local else [f"model {self.model}"] if self.model else []
        return named + ([f"request {self.request_id}"] if self.request_id else [])


def show_safely(result: Result, show: Callable[[Result], object]) -> Result:
    """Show a result, and return the result that is to be kept.

    If showing it fails, only its text is shown, and the failure becomes the error of a result that had none.

    Args:
        result: the result to show.
        show: shows a result. If it fails, it is called once more, with a result that shows only its text.
    """
    try:
        show(result)
    except Exception as exc:  # noqa: BLE001 - no failure may lose the answer, or leave someone waiting for it
        result = with_show_error(replace(result, shows_words_only=True), exc)
        if isinstance(result.error, RequestError):
            result.error.result = result
        with contextlib.suppress(Exception):
            show(result)
    return result


def with_show_error(result: Result, failure: Exception | None) -> Result:
    """The result with a failure to show it as its error; unchanged if nothing failed, or if it has an error already."""
    if failure is None or result.error is not None:
        return result
    message = f"the answer of {result.endpoint} could not be shown: {type(failure).__name__}"
    error = NotShown(message, status=result.status, request_id=result.request_id, headers=result.headers)
    error.result = result = replace(result, error=error)
    return result
