"""The result of one request, a value that Jupyter can display, and how it is shown without being lost.

A `Result` holds everything that arrived, complete or not, with the error if there was one. It makes its own MIME
bundles, so that it shows the same as the last value of a cell, from the magic and in the prompt widget.
"""

import contextlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from ..errors import FalNotebookError, NotShown, RequestError
from ..media.media import Media
from ..render import bundles
from ..render.json_view import json_bundle, more_bundle
from ..render.mathematics import marimo_formulas
from ..render.plain_words import is_no_markdown, plain_words_bundle
from ..response.choices import Choice, Source
from ..response.sse import ServerSentEvent
from ..safety.plain_text import one_line, printable
from .choice_bundles import end_of_first, first_heading, links, other_choices
from .facts import Facts
from .file_bundles import MOST_FILES, rest_of, shown_files, size_note, withheld_flags
from .metrics import Metrics

Format = Literal["markdown", "text", "json"]
FORMATS: tuple[Format, ...] = ("markdown", "text", "json")
_LONGEST_MESSAGE = 200  # characters of an error in a repr


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
        tells_error: whether the error is shown below the answer. The magic raises it instead, and it is told once.
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
    tells_error: bool = True

    def __str__(self) -> str:
        return self.text or repr(self)

    def __repr__(self) -> str:
        held = [f"{len(self.text):,} characters"] if self.text else []
        held += [repr(media) for media in self.media]
        held += self._facts.ended
        if self.error is not None and not self.stopped:
            held[-1] = one_line(f"{held[-1]}: {self.error.message}", _LONGEST_MESSAGE)
        return f"<Result {', '.join([self.endpoint, *held])}>"

    def __hash__(self) -> int:
        """A hash of those attributes that are hashable, so that equal results have equal hashes."""
        return hash((self.endpoint, self.request_id, self.text))

    @property
    def status_line(self) -> str:
        """Endpoint, outcome, model, duration, time to first token, usage and request id, on one line."""
        return self._facts.line

    @property
    def short_line(self) -> str:
        """Outcome, endpoint, model, duration, tokens and cost, by short names: the line below an answer in a page."""
        return self._facts.short_line

    def outputs(self, style: Format = "markdown", *, autoplay: bool = False) -> list[bundles.Bundle]:
        """The MIME bundles that Jupyter shows, one for each output; the first has the text.

        Args:
            style: how to show the text; ``json`` shows `data` instead.
            autoplay: whether the first recording plays by itself.
        """
        return bundles.merged([*self.body(style, autoplay=autoplay), self.foot])

    def body(
        self, style: Format = "markdown", *, autoplay: bool = False, html_only: bool = False
    ) -> list[bundles.Bundle]:
        """The MIME bundles without the footer; empty if no answer came.

        Args:
            style: as for `outputs`.
            autoplay: as for `outputs`.
            html_only: whether everything is in one bundle of HTML. Otherwise a single picture, and data, are outputs of
                their own type.
        """
        parts = bundles.merged(self._bundles(style, autoplay=autoplay, native=not html_only))
        note = size_note(parts)
        return bundles.merged([*parts, *note]) if note else parts

    @property
    def foot(self) -> bundles.Bundle:
        """What stands below an answer, as a MIME bundle: the error, and a line about the request that unfolds."""
        (bundle,) = bundles.merged(self._facts.bundles)
        return bundle

    @property
    def short_foot(self) -> bundles.Bundle:
        """The same without what unfolds, for an output that is often replaced."""
        line = {**bundles.small_bundle(self.short_line), "text/plain": self.status_line}
        (bundle,) = bundles.merged([*self._facts.told_error, line])
        return bundle

    @property
    def _facts(self) -> Facts:
        return Facts(**{each.name: getattr(self, each.name) for each in fields(Facts)})

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> bundles.Bundle:
        (bundle,) = bundles.merged([*self.body(html_only=True), self.foot])
        return {**bundle, "text/plain": printable(bundle["text/plain"], sys.stdout)}  # IPython prints it in a terminal

    def _mime_(self) -> tuple[str, str]:
        """What marimo shows (its protocol for objects)."""
        return "text/html", marimo_formulas(self._repr_mimebundle_()["text/html"])

    def _bundles(self, style: Format, *, autoplay: bool, native: bool) -> list[bundles.Bundle]:
        if self.shows_words_only:
            words = [bundles.text_bundle(self.text, "text")] if self.text else []
            return words + [bundles.small_bundle(repr(media)) for media in self.media[:MOST_FILES]]
        parts = first_heading(self.choices) if self._shows_words(style) else []
        parts += [bundles.reasoning_bundle(self.reasoning, self.metrics.thinking, style)] if self.reasoning else []
        return [*parts, *self._answer_bundles(style, autoplay=autoplay, native=native), *self.below_answer(style)]

    def below_answer(self, style: Format = "markdown") -> list[bundles.Bundle]:
        """What is shown below the words of the answer and its files."""
        parts: list[bundles.Bundle] = []
        if self._shows_words(style):
            parts += end_of_first(self.choices, self.finish_reason)
            parts += [*other_choices(self.choices, style), *links(self.sources)]
        if self.note:
            parts.append(bundles.small_bundle(self.note))
        parts += self._rest_of_data(style)
        if True in withheld_flags(self.data):
            parts.append(bundles.small_bundle("a picture was withheld by the endpoint's safety checker"))
        return parts

    def _shows_words(self, style: Format) -> bool:
        """Whether the words are shown, and not the JSON that holds them."""
        return style != "json" or self.data is None

    def _answer_bundles(self, style: Format, *, autoplay: bool, native: bool) -> list[bundles.Bundle]:
        if not self._shows_words(style):
            return [json_bundle(self.data, native=native)]
        parts = [self._words_bundle(style)] if self.text else []
        parts += shown_files(self.media, self.data, native=native, autoplay=autoplay)
        says_more = bool(self.reasoning) or any(choice.text or choice.tool_calls for choice in self.choices)
        shows_data = not (parts or says_more) and self.data is not None and self.error is None
        return [json_bundle(self.data, native=native)] if shows_data else parts

    def _rest_of_data(self, style: Format) -> list[bundles.Bundle]:
        """What a JSON answer says beside its words and files, folded.

        Of a chat's JSON the rest says nothing, and of an answer that did not end it is only what came last.
        """
        is_chat, is_whole = bool(self.choices or self.finish_reason), self.error is None and not self.stopped
        if is_chat or not is_whole or not (self.text or self.media) or not self._shows_words(style):
            return []
        rest = rest_of(self.data, self.text)
        is_told = list(rest) == ["seed"] and any(media.kind == "image" for media in self.media)
        return [more_bundle(rest)] if rest and not is_told else []

    def _words_bundle(self, style: Format) -> bundles.Bundle:
        shown = self.words_format(style)
        if style == "markdown" and shown == "text":
            return plain_words_bundle(self.text, self.headers.get("content-type", ""))
        return bundles.text_bundle(self.text, shown)

    def words_format(self, style: Format) -> Format:
        """How the words are shown: as text if the body is text and its content type is not that of Markdown."""
        is_body = not self.events and self.data is None
        return "text" if is_body and is_no_markdown(self.headers.get("content-type", "")) else style


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
