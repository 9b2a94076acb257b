"""What a result says of itself apart from its answer: as one line of plain text, and as the footer of a page.

The plain line has all that is asked for in support and in comparisons. The page's line has what a reader looks for, and
the rest is folded below it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import FalNotebookError, RequestError, detail_text
from ..render.bundles import Bundle, small_bundle
from ..render.foot import error_bundle, foot_bundle
from ..safety.plain_text import one_line
from .metrics import Metrics
from .usage import Usage, money

LOCAL_MODEL_HEADER = "x-local-model"
"""The header in which a gateway names the model on this machine that answered."""
_FIRST_BAD = 300
_LONGEST_NAME = 44  # characters of an endpoint or a model in the page's line, so that it is one line
_HEADERS = (
    *("retry-after", "location", "x-fal-error-type", "x-fal-retryable", "x-fal-needs-retry"),
    *("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"),
)
"""The headers that help with a failure."""


@dataclass(frozen=True)
class Facts:
    """The attributes of a `Result` of which it speaks; see there."""

    endpoint: str
    text: str
    request_id: str | None
    status: int | None
    headers: Mapping[str, str]
    usage: Mapping[str, Any] | None
    model: str | None
    finish_reason: str | None
    metrics: Metrics
    stopped: bool
    sent_whole: bool
    error: FalNotebookError | None
    shows_words_only: bool
    tells_error: bool

    @property
    def line(self) -> str:
        """Everything on one line of plain text, with the id of the request at its end."""
        parts = [self.endpoint, *self.ended]
        if not self.shows_words_only:
            parts += [f"{self._model_kind} {self._model}"] if self._model else []
        parts += self._times
        if not self.shows_words_only:
            parts += [*Usage.of(self.usage).words, *([f"request {self.request_id}"] if self.request_id else [])]
        return one_line(" · ".join(parts))

    @property
    def ended(self) -> list[str]:
        """How it ended, if it did not end well."""
        if self.stopped:
            return ["stopped" if self.sent_whole else "stopped before it was sent whole"]
        return [f"failed: {type(self.error).__name__}"] if self.error else []

    @property
    def told_error(self) -> list[Bundle]:
        """The error, if there is one that is to be told."""
        if self.error is None or not self.tells_error:
            return []
        plain = f"{type(self.error).__name__}: {self.error.words}"
        return [error_bundle(self.error.headline, self.error.hint, plain)]

    @property
    def bundles(self) -> list[Bundle]:
        """The error that is to be told, and the footer. In plain text its line has everything."""
        if self.shows_words_only:
            return [*self.told_error, small_bundle(self.line)]
        return [*self.told_error, foot_bundle(self.short_line, self.line, self._folded, self._own_words)]

    @property
    def short_line(self) -> str:
        """What a reader looks for: how it ended, who answered, how long it took, and what it used."""
        ended = self.ended
        if self.error and not self.stopped:
            ended = [str(self.status) if (self.status or 0) >= _FIRST_BAD else "failed"]
        endpoint = self.endpoint.removeprefix("fal-ai/").removesuffix("/stream") or self.endpoint
        names = [endpoint, self._model.rpartition("/")[2]]
        seconds = self.metrics.duration
        used = Usage.of(self.usage)
        tokens = (used.tokens_in or 0) + (used.tokens_out or 0)
        parts = [*ended, *(one_line(name, _LONGEST_NAME) for name in names if name)]
        parts += [f"{seconds:.2f} s" if seconds < 1 else f"{seconds:,.1f} s"]
        parts += [f"{tokens:,} tokens"] if tokens else []
        return " · ".join([*parts, *([] if used.cost is None else [money(used.cost, 2)])])

    @property
    def _folded(self) -> list[tuple[str, str]]:
        """All that is known of the request and of how it went, each with a name."""
        received = [f"{self.metrics.bytes:,} bytes"] if self.metrics.bytes else []
        received += [f"{self.metrics.events:,} events"] if self.metrics.events else []
        known = [
            ("error", type(self.error).__name__ if self.error else ""),
            ("status", str(self.status or "")),
            ("endpoint", self.endpoint),
            (self._model_kind, self._model),
            ("request", self.request_id or ""),
            ("time", " · ".join(self._times)),
            ("usage", " · ".join(Usage.of(self.usage).words)),
            ("ended by", self.finish_reason or ""),
            ("received", " · ".join(received)),
        ]
        if self.error is not None:
            headers = getattr(self.error, "headers", None) or self.headers
            known += [(name, str(headers.get(name, ""))) for name in _HEADERS]
        return [(name, value) for name, value in known if value]

    @property
    def _own_words(self) -> str:
        """What the server said of an error, in full, if that is more than the error's own line has."""
        detail = self.error.detail if isinstance(self.error, RequestError) else None
        if not detail or detail_text(detail) == detail:
            return ""
        try:
            return detail if isinstance(detail, str) else json.dumps(detail, ensure_ascii=False, indent=2)
        except (TypeError, ValueError, RecursionError):
            return ""

    @property
    def _times(self) -> list[str]:
        first = self.metrics.time_to_first_byte
        times = [f"{self.metrics.duration:.2f} s"]
        if first is not None:
            times.append(f"first {'token' if self.text else 'byte'} {(self.metrics.connect or 0.0) + first:.2f} s")
        return times

    @property
    def _model(self) -> str:
        return self.headers.get(LOCAL_MODEL_HEADER) or self.model or ""

    @property
    def _model_kind(self) -> str:
        return "local model" if self.headers.get(LOCAL_MODEL_HEADER) else "model"
