"""The messages that Python sends to the page, as plain data; the page's view.js receives them.

A message with a ``view`` is for that view alone, every other one for all views. Words of a server or of a user are made
harmless before they are sent, and the page shows them as text. Only HTML that `render` has made safe is sent as HTML.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from ..client.known_endpoints import takes_messages, takes_model
from ..client.result import Result
from ..client.usage import Usage
from ..display.live_reasoning import ReasoningState
from ..errors import FalNotebookError
from ..render.answer_style import unstyled, with_fallbacks, without_blank_lines
from ..render.bundles import CUT_NOTE, LONGEST_TEXT, Bundle
from ..render.file_words import size_words
from ..response.updates import Progress
from ..safety.plain_text import one_line, plain_text
from . import suggestions
from .argument_rows import Form, InvalidForm
from .attachments import Attachment, FileRefused
from .entry import Entry
from .export import TYPES, in_all
from .schema_form import InvalidArguments
from .transcript import Transcript

Message = dict[str, Any]
_DATA_URI = ";base64,"
_PLACE = "<fal-words></fal-words>"  # a tag that no words of a model can have
_LONG = ("html", "words", "blocks", "tail", "copy", "file")  # what may be long in a message
_WORTH_PACKING = 2_000  # characters
# For the height of an entry in a page, in pixels: around its words, of a line, and of a picture.
_ROUND_WORDS, _LINE, _PICTURE = 90, 22, 400
_CHARACTERS, _EMPTY_LINE = 110, 0.6  # of a line


def cleared() -> Message:
    """All entries were removed."""
    return {"kind": "cleared"}


def entry(shown: Entry) -> Message:
    """An entry as it is now: the prompt, with the words so far or the ended answer."""
    message: Message = {
        "kind": "entry",
        "id": shown.number,
        "endpoint": one_line(shown.endpoint),
        "prompt": plain_text(shown.prompt),
        **({"files": [each.for_page for each in shown.sent_files]} if shown.files else {}),
    }
    if shown.versions is not None:
        message |= {"version": shown.versions.shown + 1, "versions": len(shown.versions)}
    return message | (shown.words.whole() if shown.result is None else {**_ended(shown), "html": _html(shown)})


def entries(shown: Sequence[Entry]) -> list[Message]:
    """Several entries, in their order. All but the last say that more follow, so that the page draws them together."""
    messages = [entry(each) for each in shown]
    return [*({**each, "more": True} for each in messages[:-1]), *messages[-1:]]


def earlier(places: Sequence[Entry]) -> Message:
    """Entries that a page shows before all others. It keeps a place of about their height for each, and asks for it."""
    return {"kind": "earlier", "entries": [[each.number, _height(each)] for each in places]}


def ending(ended: Entry) -> Message:
    """The end of an answer that has streamed.

    Its words stay where they stand. So their HTML is sent apart from the rest, in which a mark has their place. Where
    the ended answer does not show the words that have streamed, there is only the HTML of the whole.
    """
    html = _html(ended)
    message = {"kind": "done", "id": ended.number, "html": html, **_ended(ended)}
    if ended.result is None or not ended.result.text or len(ended.result.text) != ended.words.length:
        return message
    words = ended.words.html()
    saved = without_blank_lines(with_fallbacks(words))
    return {**message, "html": html.replace(saved, _PLACE, 1), "words": words} if saved in html else message


def delta(number: int, words: Message | None, status: str, elapsed: float) -> Message:
    """New words, if there are any, and the state of the stream."""
    return {"kind": "delta", "id": number, "status": status, "elapsed": round(elapsed, 2), **(words or {})}


def copied(number: int, text: str) -> Message:
    """The words so far of an answer that streams, for the clipboard."""
    return {"kind": "copied", "id": number, "copy": _shown(text)}


def exported(suffix: str, text: str) -> Message:
    """The conversation as a file, which the page offers to save."""
    return {"kind": "exported", "name": f"conversation{suffix}", "type": TYPES[suffix], "file": text}


def total(usage: Usage) -> Message:
    """What all answers together have used: in a few words, and in full."""
    return {"kind": "total", "used": in_all(usage), "title": " · ".join(usage.words)}


def preview(number: int, content_type: str) -> Message:
    """A preview picture. Its bytes are sent as a buffer of the message."""
    return {"kind": "preview", "id": number, "type": content_type}


def progress(number: int, update: Progress) -> Message:
    """The progress of the work."""
    return {"kind": "progress", "id": number, "fraction": update.fraction, "message": one_line(update.message, 80)}


def reasoning(number: int, state: ReasoningState) -> Message:
    """The newest lines of the model's reasoning."""
    return {"kind": "reasoning", "id": number, **state}


def sound(number: int, player_id: str) -> Message:
    """The id of the widget that plays an entry's sound."""
    return {"kind": "sound", "id": number, "model": player_id}


def deleted(number: int) -> Message:
    """An entry was removed."""
    return {"kind": "deleted", "id": number}


def left(numbers: Sequence[int]) -> Message:
    """Entries gave way to another version of the first of them. What follows takes their place."""
    return {"kind": "left", "ids": list(numbers)}


_NOTHING: Mapping[str, Any] = MappingProxyType({})


def form(
    rows: Form,
    endpoint: str,
    fields: Mapping[str, Any] | None = None,
    doubts: Mapping[str, str] = _NOTHING,
    endpoints: Sequence[str] | None = None,
) -> Message:
    """The form, and the endpoints and models that it suggests.

    Args:
        rows: the rows.
        endpoint: the endpoint.
        fields: what the page gets of the endpoint's schema, as `SchemaForm.fields` has it; None if it has that.
        doubts: what the schema says against arguments, by their names.
        endpoints: the endpoints of a gateway, which are suggested in place of fal's; None if they are not known.
    """
    name = endpoint.strip().strip("/")
    return {
        "kind": "form",
        "rows": rows.rows,
        **({} if fields is None else {"fields": [], "model": None, "takesSystem": True, "takesPrompt": True, **fields}),
        "doubts": dict(doubts),
        "takesModel": takes_model(name),
        "takesMessages": takes_messages(name),
        "endpoints": suggestions.endpoints.names if endpoints is None else suggestions.endpoints.beside(endpoints),
        "models": suggestions.models.names,
    }


def attached(files: Sequence[tuple[str, Attachment]], places: Mapping[str, str]) -> tuple[Message, list[bytes]]:
    """The files that go with the next prompt, and small pictures of them as buffers.

    Args:
        files: the files, each with its id.
        places: the argument that each goes into, by the id; empty for the message itself.
    """
    buffers: list[bytes] = []
    shown = []
    for name, each in files:
        words = [size_words(each.first.size), *([places[name]] if places.get(name) else [])]
        file: Message = {"id": name, "name": one_line(each.first.name, 80) or "file", "words": " · ".join(words)}
        if each.picture is not None and each.picture.data is not None:
            file |= {"type": each.picture.content_type, "picture": len(buffers)}
            buffers.append(each.picture.data)
        shown.append(file)
    return {"kind": "attached", "files": shown}, buffers


def doubts(found: Mapping[str, str]) -> Message:
    """What the schema says against arguments, by their names."""
    return {"kind": "doubts", "doubts": dict(found)}


def past_prompts() -> Message:
    """The prompts that the widgets of this kernel have sent, oldest first."""
    return {"kind": "prompts", "prompts": [plain_text(prompt) for prompt in suggestions.prompts.prompts]}


def undoable(what: str) -> Message:
    """What someone has just done and can undo, in a word; empty if there is nothing."""
    return {"kind": "undoable", "what": what}


def final(words: str) -> Message:
    """That a removal cannot be undone any more, although its time is not over, and why."""
    return {"kind": "undoable", "what": "", "final": words}


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
    wrong = error.doubts if isinstance(error, InvalidArguments) else {}
    of_file = {"file": True} if isinstance(error, FileRefused) else {}
    return {"kind": "refused", "message": str(error), "problems": problems, "wrong": wrong, **of_file}


def packed(message: Message) -> tuple[Message, list[bytes] | None]:
    """A message as it is sent, and its buffers.

    What is long is compressed, since the HTML at the end repeats words that the page already has. HTML with media is
    not; it would not shrink.
    """
    long = {name: message[name] for name in _LONG if name in message}
    if _DATA_URI in long.get("html", ""):
        del long["html"]
    encoded = json.dumps(long, ensure_ascii=False)
    if len(encoded) < _WORTH_PACKING:
        return message, None
    rest = {name: value for name, value in message.items() if name not in long}
    return {**rest, "packed": True}, [zlib.compress(encoded.encode())]


def _ended(entry: Entry) -> Message:
    """How an answer has ended, and the text that its Copy button copies."""
    result = entry.result
    if result is None:
        raise ValueError("the answer has not ended")
    return {"end": _end(result), "copy": _shown(result.text) if result.text else entry.bundle["text/plain"]}


def _height(entry: Entry) -> int:
    """About how high an ended entry is in a page, in pixels."""
    result = entry.result
    if result is None:
        return _ROUND_WORDS
    text = f"{entry.prompt[:LONGEST_TEXT]}\n{result.text[:LONGEST_TEXT]}"
    lines = sum(1 + len(line) // _CHARACTERS if line else _EMPTY_LINE for line in text.split("\n"))
    return _ROUND_WORDS + round(_LINE * lines) + _PICTURE * len(result.media)


def _html(entry: Entry) -> str:
    """An ended answer without its style, which the page has."""
    return unstyled(entry.bundle["text/html"])


def _shown(text: str) -> str:
    return plain_text(text[:LONGEST_TEXT]) + (CUT_NOTE if len(text) > LONGEST_TEXT else "")


def _end(result: Result) -> str:
    if result.stopped:
        return "stopped"
    return "failed" if result.error is not None else "done"
