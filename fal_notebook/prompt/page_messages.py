"""The messages that Python sends to the page, as plain data; the page's view.js receives them.

A message with a ``view`` is for that view alone, every other one for all views. Words of a model or of a user are made
harmless before they are sent, and the page shows them as text. Only HTML that `render` has made safe is sent as HTML.
"""

import zlib
from collections.abc import Sequence
from typing import Any

from ..client.known_endpoints import takes_model
from ..client.result import Result
from ..errors import FalNotebookError
from ..render.answer_style import unstyled
from ..render.bundles import Bundle
from ..response.updates import Progress
from ..safety.plain_text import one_line, plain_text
from . import suggestions
from .argument_rows import Form, InvalidForm
from .entry import Entry
from .text_patches import TextPatch
from .transcript import Transcript

Message = dict[str, Any]
_DATA_URI = ";base64,"


def cleared() -> Message:
    """All entries were removed."""
    return {"kind": "cleared"}


def entry(shown: Entry) -> Message:
    """An entry as it is now: the prompt, with the words so far or the ended answer."""
    message = {
        "kind": "entry",
        "id": shown.number,
        "endpoint": one_line(shown.endpoint),
        "prompt": plain_text(shown.prompt),
        "text": shown.text.shown,
    }
    return message if shown.result is None else {**ending(shown), **message}


def ending(ended: Entry) -> Message:
    """The ended answer as HTML. The page copies the streamed words; an answer without words gets a text to copy."""
    if ended.result is None:
        raise ValueError("the answer has not ended")
    html = unstyled(ended.bundle["text/html"])  # the page has the style
    message = {"kind": "done", "id": ended.number, "html": html, "end": _end(ended.result)}
    return message if ended.result.text else {**message, "copy": ended.bundle["text/plain"]}


def delta(number: int, patch: TextPatch | None, status: str, elapsed: float) -> Message:
    """New words, if there are any, and the state of the stream."""
    message = {"kind": "delta", "id": number, "status": status, "elapsed": round(elapsed, 2)}
    return message if patch is None else {**message, "offset": patch.offset, "new": patch.new}


def preview(number: int, content_type: str) -> Message:
    """A preview picture. Its bytes are sent as a buffer of the message."""
    return {"kind": "preview", "id": number, "type": content_type}


def progress(number: int, update: Progress) -> Message:
    """The progress of the work."""
    return {"kind": "progress", "id": number, "fraction": update.fraction, "message": one_line(update.message, 80)}


def sound(number: int, player_id: str) -> Message:
    """The id of the widget that plays an entry's sound."""
    return {"kind": "sound", "id": number, "model": player_id}


def deleted(number: int) -> Message:
    """An entry was removed."""
    return {"kind": "deleted", "id": number}


def form(rows: Form, endpoint: str) -> Message:
    """The rows of the form, and the endpoints and models that it suggests."""
    return {
        "kind": "form",
        "rows": rows.rows,
        "takesModel": takes_model(endpoint.strip().strip("/")),
        "endpoints": suggestions.endpoints.names,
        "models": suggestions.models.names,
    }


def state(name: str, reason: str, status: str) -> Message:
    """The state of the connection, and what is known about the newest answer."""
    return {"kind": "state", "state": name, "reason": reason, "status": status}


def control(address: str) -> Message:
    """The address at which the kernel receives messages on its control channel, even while a cell runs."""
    return {"kind": "control", "address": address}


def transcript_versions(widget: str, transcript: Transcript) -> Message:
    """The current versions of the transcript's pieces. The page compares them with those in its notebook."""
    return {
        "kind": "kept",
        "widget": widget,
        "transcript": transcript.name,
        "versions": list(transcript.versions),
    }


def transcript_pieces(pieces: Sequence[tuple[int, Bundle]]) -> Message:
    """Pieces of the static transcript that a page has found missing."""
    return {"kind": "transcript", "pieces": list(pieces)}


def refused(error: FalNotebookError) -> Message:
    """Why a request of the page was refused, and which rows of the form are wrong."""
    problems = error.problems if isinstance(error, InvalidForm) else {}
    return {"kind": "refused", "message": str(error), "problems": problems}


def packed(message: Message) -> tuple[Message, list[bytes] | None]:
    """A message as it is sent, and its buffers.

    HTML is compressed, since it repeats words that the page already has. HTML with media is not; it would not shrink.
    """
    html = message.get("html")
    if html is None or _DATA_URI in html:
        return message, None
    return {**message, "html": ""}, [zlib.compress(html.encode())]


def _end(result: Result) -> str:
    if result.stopped:
        return "stopped"
    return "failed" if result.error is not None else "done"
