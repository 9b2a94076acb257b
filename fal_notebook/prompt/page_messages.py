"""The messages to the page: what is told to every view, or, where ``view`` is in a message, to that one alone.

They are plain data. Words of a model and of a user are made harmless here, if they are not yet; the page shows them as
text. Its part is in the folder `page`, mostly in view.js.
"""

import zlib
from collections.abc import Sequence
from typing import Any

from ..client.known_endpoints import takes_model
from ..client.result import Result
from ..errors import FalNotebookError
from ..render.bundles import Bundle
from ..response.updates import Progress
from ..safety.plain_text import one_line, plain_text
from . import suggestions
from .argument_rows import Form, InvalidForm
from .entry import Entry
from .text_patches import PagePiece
from .transcript import Transcript

Message = dict[str, Any]
_MEDIA = ";base64,"


def cleared() -> Message:
    """There is no entry any more."""
    return {"kind": "cleared"}


def entry(shown: Entry) -> Message:
    """An entry as it is now: a prompt with the words so far, or with the ended answer."""
    message = {
        "kind": "entry",
        "id": shown.number,
        "endpoint": one_line(shown.endpoint),
        "prompt": plain_text(shown.prompt),
        "text": shown.text.shown,
    }
    return message if shown.result is None else {**ending(shown), **message}


def ending(ended: Entry) -> Message:
    """The ended answer, in the place of its words. Those the page has, for the clipboard."""
    if ended.result is None:
        raise ValueError("the answer has not ended")
    message = {"kind": "done", "id": ended.number, "html": ended.bundle["text/html"], "end": _end(ended.result)}
    return message if ended.result.text else {**message, "copy": ended.bundle["text/plain"]}


def delta(number: int, piece: PagePiece | None, status: str, elapsed: float) -> Message:
    """New words, or none, and what else is known of the stream."""
    message = {"kind": "delta", "id": number, "status": status, "elapsed": round(elapsed, 2)}
    return message if piece is None else {**message, "offset": piece.offset, "new": piece.new}


def preview(number: int, content_type: str) -> Message:
    """A picture, whose bytes go beside the message."""
    return {"kind": "preview", "id": number, "type": content_type}


def progress(number: int, update: Progress) -> Message:
    """How far the work is."""
    return {"kind": "progress", "id": number, "fraction": update.fraction, "message": one_line(update.message, 80)}


def sound(number: int, player: str) -> Message:
    """The player of an entry's sound, which is a widget of its own."""
    return {"kind": "sound", "id": number, "model": player}


def deleted(number: int) -> Message:
    """An entry is gone."""
    return {"kind": "deleted", "id": number}


def form(rows: Form, endpoint: str) -> Message:
    """What stands in the form, and what can be chosen there."""
    return {
        "kind": "form",
        "rows": rows.rows,
        "takesModel": takes_model(endpoint.strip().strip("/")),
        "endpoints": suggestions.endpoints.names,
        "models": suggestions.models.names,
    }


def state(name: str, reason: str, status: str) -> Message:
    """How the connection stands."""
    return {"kind": "state", "state": name, "reason": reason, "status": status}


def control(address: str) -> Message:
    """Where the kernel hears the page while a cell blocks it."""
    return {"kind": "control", "address": address}


def kept(widget: str, transcript: Transcript) -> Message:
    """What the static transcript has by now, for a page that may find it missing."""
    return {
        "kind": "kept",
        "widget": widget,
        "transcript": transcript.name,
        "versions": list(transcript.versions),
    }


def transcript_pieces(pieces: Sequence[tuple[int, Bundle]]) -> Message:
    """Pieces of the static transcript, for a page that has found them missing."""
    return {"kind": "transcript", "pieces": list(pieces)}


def refused(error: FalNotebookError) -> Message:
    """Why nothing was done, and what is wrong in which row of the form."""
    problems = error.problems if isinstance(error, InvalidForm) else {}
    return {"kind": "refused", "message": str(error), "problems": problems}


def packed(message: Message) -> tuple[Message, list[bytes] | None]:
    """A message as it goes out, and the bytes beside it.

    HTML goes packed, for it repeats words that the page has. Media would gain nothing by it.
    """
    html = message.get("html")
    if html is None or _MEDIA in html:
        return message, None
    return {**message, "html": ""}, [zlib.compress(html.encode())]


def _end(result: Result) -> str:
    if result.stopped:
        return "stopped"
    return "failed" if result.error is not None else "done"
