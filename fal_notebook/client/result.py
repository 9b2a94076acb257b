"""The answer to one request, as a value that can be kept, asked and shown."""

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
from .beneath import end_of_first, first_heading, links, other_choices

Format = Literal["markdown", "text", "json"]
FORMATS: tuple[Format, ...] = ("markdown", "text", "json")
_MOST = 10**12  # that a count or a cost can be meant to be: what is more is not said
_TOKENS_IN = ("prompt_tokens", "input_tokens", "promptTokenCount", "prompt_eval_count")
_TOKENS_OUT = ("completion_tokens", "output_tokens", "candidatesTokenCount", "eval_count")
"""What OpenAI's two ways of asking, Anthropic, Gemini and Ollama call the same counts."""
_MOST_FILES = 100  # that are shown: a page that holds thousands of pictures halts
LOCAL_MODEL_HEADER = "x-local-model"
"""The header by which a gateway says that a model on this machine answered, and which."""


@dataclass(frozen=True)
class Metrics:
    """How long a request took and how much came, in seconds and bytes.

    Attributes:
        connect: from the call until the arguments were sent: waiting for a connection, or opening one.
        time_to_first_byte: from then until the first byte of the body.
        server_time_to_first_byte: the same as the server measured it and said in the end metadata.
        duration: from the call to the end of the response.
        bytes: of the body.
        events: server-sent events in it.
    """

    connect: float | None = None
    time_to_first_byte: float | None = None
    server_time_to_first_byte: float | None = None
    duration: float = 0.0
    bytes: int = 0
    events: int = 0


@dataclass(frozen=True, repr=False)
class Result:
    """What one request brought, whole or as far as it came.

    Attributes:
        endpoint: what was asked.
        text: the answer's words, or nothing.
        reasoning: the model's reasoning, where the endpoint gives it.
        data: the JSON value: the body, or the last event.
        media: the files, as bytes or as URLs.
        events: the server-sent events.
        note: what is to be known of how it was read, such as that JSON which is too large was kept as text.
        request_id: the id that fal gave to the request.
        status: the HTTP status; None where no response came.
        headers: the response headers, in any case.
        usage: tokens and cost, where the endpoint tells.
        model: the model that answered, where the endpoint tells.
        finish_reason: why the answer ended, in the endpoint's own word: ``stop``, ``length``, ``content_filter``,
            ``tool_calls``, …; None where it does not tell.
        sources: the `Source` of each web page that the answer cites, where the endpoint tells.
        choices: the answers, where the endpoint gives them as such: each a `Choice` with its own words, reasoning,
            reason to end and tool calls. `text` is the words of the first.
        metrics: how long it took and how much came.
        stopped: whether the caller stopped it.
        sent_whole: whether the arguments went out whole; where they did not, the endpoint has never had the request.
        error: what went wrong, or None.
        shows_words_only: whether it shows no more than its words, since the rest could not be shown.
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
        return f"<Result {', '.join([self.endpoint, *held, *self._end()])}>"

    def __hash__(self) -> int:
        """By what can be hashed of it: equal results have equal hashes."""
        return hash((self.endpoint, self.request_id, self.text))

    @property
    def status_line(self) -> str:
        """Endpoint, duration, time to first token, usage and request id, on one line."""
        facts = [] if self.shows_words_only else [*self._use(), *self._origin()]
        return one_line(" · ".join([self.endpoint, *self._end(), *self._times(), *facts]))

    def outputs(self, style: Format = "markdown", *, autoplay: bool = False) -> list[bundles.Bundle]:
        """What Jupyter shows of it: a list of bundles, each one output, the first with the words.

        Args:
            style: how to show words; ``json`` shows `data` in their place.
            autoplay: whether the first sound plays by itself.
        """
        return bundles.merged([*self.body(style, autoplay=autoplay), self.foot])

    def body(self, style: Format = "markdown", *, autoplay: bool = False) -> list[bundles.Bundle]:
        """The same without the last line; empty where no answer came."""
        return bundles.merged(self._parts(style, autoplay=autoplay))

    @property
    def foot(self) -> bundles.Bundle:
        """The line that stands below an answer."""
        return bundles.small_bundle(self.status_line)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> bundles.Bundle:
        parts = [*self._parts("markdown", autoplay=False), self.foot]
        (bundle,) = bundles.merged(bundles.as_html(part) for part in parts)
        return {**bundle, "text/plain": printable(bundle["text/plain"], sys.stdout)}  # which a terminal prints

    def _mime_(self) -> tuple[str, str]:
        """What marimo shows (its protocol for objects): its pages have no style for an answer."""
        return "text/html", bundles.styled_html(self._repr_mimebundle_()["text/html"])

    def _parts(self, style: Format, *, autoplay: bool) -> list[bundles.Bundle]:
        if self.shows_words_only:
            words = [bundles.text_bundle(self.text, "text")] if self.text else []
            return words + [bundles.small_bundle(repr(media)) for media in self.media[:_MOST_FILES]]
        parts = first_heading(self.choices) if self._shows_words(style) else []
        parts += [bundles.reasoning_bundle(self.reasoning)] if self.reasoning else []
        return [*parts, *self._body(style, autoplay=autoplay), *self.beneath(style)]

    def beneath(self, style: Format = "markdown") -> list[bundles.Bundle]:
        """What stands beneath the words of the answer and its files."""
        parts: list[bundles.Bundle] = []
        if self._shows_words(style):
            parts += end_of_first(self.choices, self.finish_reason)
            parts += [*other_choices(self.choices, style), *links(self.sources)]
        if self.note:
            parts.append(bundles.small_bundle(self.note))
        if True in self._flags():
            parts.append(bundles.small_bundle("a picture was withheld by the endpoint's safety checker"))
        return parts

    def _shows_words(self, style: Format) -> bool:
        """Whether what it says is shown, and not the JSON that says it."""
        return style != "json" or self.data is None

    def _body(self, style: Format, *, autoplay: bool) -> list[bundles.Bundle]:
        if not self._shows_words(style):
            return [bundles.json_bundle(self.data)]
        parts = [bundles.text_bundle(self.text, style)] if self.text else []
        shown = self.media[:_MOST_FILES]
        others = [media for media in shown if media.kind != "image"]
        parts += self._pictures(shown)
        first = next((number for number, media in enumerate(others) if media.kind == "audio"), None)
        for number, media in enumerate(others):
            parts.append(bundles.media_bundle(media, autoplay=autoplay and number == first))
        if len(self.media) > len(shown):
            parts.append(bundles.small_bundle(f"… and {len(self.media) - len(shown):,} files more, in its media"))
        says_more = any(choice.text or choice.tool_calls for choice in self.choices)
        shows_data = not (parts or says_more) and self.data is not None and self.error is None
        return [bundles.json_bundle(self.data)] if shows_data else parts

    def _pictures(self, shown: Sequence[Media]) -> list[bundles.Bundle]:
        pictures = [media for media in shown if media.kind == "image"]
        withheld = self._withheld()
        notes = [self._note(media, withheld=number in withheld) for number, media in enumerate(pictures)]
        places = [number for number, media in enumerate(shown) if media.kind == "image"]
        noted = list(zip(pictures, notes, drawable(pictures), places, strict=True))
        drawn = [(media, note) for media, note, is_drawn, _ in noted if is_drawn]
        undrawn = [(media, f"media[{place}]", note) for media, note, is_drawn, place in noted if not is_drawn]
        return [*bundles.pictures_bundles(drawn), *(bundles.undrawn_bundle(*each) for each in undrawn)]

    def _note(self, picture: Media, *, withheld: bool) -> str:
        """What the caption of a picture says beside its size: the seed, and whether it was withheld."""
        said = self._fact("seed") if picture.seed is None else picture.seed
        seed = [f"seed {said}"] if isinstance(said, int) and not isinstance(said, bool) else []
        return " · ".join([*seed, *(["withheld by the safety checker"] if withheld else [])])

    def _flags(self) -> list[bool]:
        """For each picture of ``images``, whether it was replaced by a black one (fal's docs of image endpoints)."""
        flags = self._fact("has_nsfw_concepts")
        return [flag is True for flag in flags] if isinstance(flags, list) else []

    def _withheld(self) -> list[int]:
        """Which pictures were replaced, none where that is not clear: a mask or an input has no flag of its own."""
        flags, pictures = self._flags(), [media for media in self.media if media.kind == "image"]
        if True not in flags or len(pictures) > _MOST_FILES:
            return []
        if len(flags) == len(pictures):
            start: int | None = 0
        else:
            judged = list(files_in({"images": self._fact("images")}))
            starts = (at for at in range(len(pictures)) if judged and pictures[at : at + len(judged)] == judged)
            start = next(starts, None)
        return [] if start is None else [start + number for number, flag in enumerate(flags) if flag]

    def _fact(self, name: str) -> Any:
        return self.data.get(name) if isinstance(self.data, dict) else None

    def _end(self) -> list[str]:
        if self.stopped:
            return ["stopped" if self.sent_whole else "stopped before it was sent whole"]
        return [f"failed: {type(self.error).__name__}"] if self.error else []

    def _times(self) -> list[str]:
        first = self.metrics.time_to_first_byte
        times = [f"{self.metrics.duration:.2f} s"]
        if first is not None:
            times.append(f"first {'token' if self.text else 'byte'} {(self.metrics.connect or 0.0) + first:.2f} s")
        return times

    def _use(self) -> list[str]:
        used: list[str] = []
        for names, word in ((_TOKENS_IN, "in"), (_TOKENS_OUT, "out")):
            counts = (count for count in map((self.usage or {}).get, names) if type(count) is int)
            count = next(counts, _MOST)
            used += [f"{count:,} tokens {word}"] if abs(count) < _MOST else []
        cost = (self.usage or {}).get("cost")
        return used + ([f"${cost:.6g}"] if isinstance(cost, int | float) and abs(cost) < _MOST else [])

    def _origin(self) -> list[str]:
        local = self.headers.get(LOCAL_MODEL_HEADER)
        named = [f"local model {local}"] if local else [f"model {self.model}"] if self.model else []
        return named + ([f"request {self.request_id}"] if self.request_id else [])


def shown(result: Result, show: Callable[[Result], object]) -> Result:
    """Show a result, and return it as it is to be kept. Where it cannot be shown, its words are, and that is its error.

    Args:
        result: what has come.
        show: shows it; called a second time where the first fails.
    """
    try:
        show(result)
    except Exception as exc:  # noqa: BLE001 - whatever it is, the answer is kept and nobody waits for ever
        result = unshown(replace(result, shows_words_only=True), exc)
        if isinstance(result.error, RequestError):
            result.error.result = result
        with contextlib.suppress(Exception):
            show(result)
    return result


def unshown(result: Result, failure: Exception | None) -> Result:
    """The result with what failed while it was shown as its error, unless there was no failure, or has an error."""
    if failure is None or result.error is not None:
        return result
    message = f"the answer of {result.endpoint} could not be shown: {type(failure).__name__}"
    error = NotShown(message, status=result.status, request_id=result.request_id, headers=result.headers)
    error.result = result = replace(result, error=error)
    return result
