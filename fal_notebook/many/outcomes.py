"""Sans-I/O: what an answer means: how its row ended, what it says, what it cost."""

from dataclasses import replace
from typing import Any

from ..client.usage import Usage
from ..errors import FalNotebookError, StatusError, detail_text, status_error
from ..media.media import Media
from ..response.content import Content
from ..safety.plain_text import excerpt
from .stored import Answer, Outcome

REQUEST_ID = "x-fal-request-id"
"""The header with fal's id of a request."""
_LONGEST_ERROR = 500  # characters


def header(answer: Answer, name: str) -> str | None:
    """The header of this name, in whatever case it came."""
    return next((value for key, value in answer.headers.items() if key.lower() == name), None)


def output(answer: Answer) -> Any:
    """What an answer says: its words; if it has none, its JSON; if it is a file, the file."""
    content, failure = _read(answer)
    if failure is not None:  # it is not what its label says
        return content.text or None
    if content.is_file:
        return next(iter(content.media), None)
    return content.text or ("" if _has_no_words(content.data) else content.data)


def shown(answer: Answer) -> str:
    """What an answer says, in a few words: files by their kind."""
    content, _ = _read(answer)
    if content.text or not content.media:
        return content.text or ("" if content.data is None or _has_no_words(content.data) else repr(content.data))
    return ", ".join(map(_file_words, content.media))


def files_of(answer: Answer, gateway: str | None = None) -> list[Media]:
    """The files of an answer, as bytes or as URLs.

    Args:
        answer: what came.
        gateway: the host that answered, if it is this machine or in a private network: it may name files on itself.
    """
    found = _read(answer)[0].media
    return [replace(each, gateway=gateway) if gateway and each.url else each for each in found]


def outcome_of(answer: Answer, endpoint: str, seconds: float | None = None) -> Outcome:
    """How a row ended, of its answer.

    Args:
        answer: what came.
        endpoint: what was asked.
        seconds: how long it took.
    """
    content, failure = _read(answer)
    cost = Usage.of(content.usage).cost
    error = _error(answer, content, failure, endpoint)
    return Outcome(
        answer.number,
        "done" if error is None else "failed",
        error=error,
        seconds=seconds,
        cost=None if cost is None else max(0.0, cost),
        request_id=header(answer, REQUEST_ID),
        status=answer.status,
    )


def refusal_of(answer: Answer, endpoint: str) -> StatusError:
    """The error of an answer whose status is not one of success."""
    content, _ = _read(answer)
    return status_error(answer.status or 0, _detail(content), endpoint=endpoint, headers=answer.headers)


def _has_no_words(data: Any) -> bool:
    """Whether an answer is one in words, of which it has none."""
    return isinstance(data, dict) and "" in (data.get("output"), data.get("text"))


def _file_words(media: Media) -> str:
    pixels = media.pixels
    return f"{media.content_type} {pixels[0]}×{pixels[1]}" if pixels else media.content_type


def _read(answer: Answer) -> tuple[Content, FalNotebookError | None]:
    content = Content(header(answer, "content-type"))
    try:
        content.feed(answer.body)
        content.finish()
    except FalNotebookError as exc:
        return content, exc
    return content, None


def _error(answer: Answer, content: Content, failure: FalNotebookError | None, endpoint: str) -> str | None:
    if answer.status is not None and answer.status >= 300:
        return refusal_of(answer, endpoint).message
    if failure is not None:
        return failure.message
    if content.error is not None:
        return f"{endpoint} answered with an error: {detail_text(content.error)}"[:_LONGEST_ERROR]
    return None


def _detail(content: Content) -> Any:
    data = content.data
    if data is None:
        return excerpt(content.text)
    return (data.get("detail") or data.get("error") or data) if isinstance(data, dict) else data
