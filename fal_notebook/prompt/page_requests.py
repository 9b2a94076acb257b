"""Reads the requests in the messages that a page sends. A message that is not understood is ignored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .argument_rows import Row
from .attachments import Piece


@dataclass(frozen=True)
class Hello:
    """A view was opened, and needs to be sent everything."""

    view: str


@dataclass(frozen=True)
class Edited:
    """Someone edited the form in a view."""

    view: str
    rows: Sequence[Row]


@dataclass(frozen=True)
class Run:
    """Someone sends a prompt.

    Attributes:
        prompt: the words; None for those of the entry in whose place the prompt is sent.
        rows: the rows of the form; None if the page has not received them yet, because the kernel was busy.
        play: whether sound is to be played.
        system: what the model is told before the conversation; None leaves that as it is.
        remember: whether earlier turns are sent along where an endpoint takes one prompt; None leaves that as it is.
        instead_of: the number of the entry in whose place the prompt is sent; None to send it after all others.
    """

    view: str
    prompt: str | None
    rows: Sequence[Row] | None
    endpoint: str
    play: bool
    system: str | None = None
    remember: bool | None = None
    instead_of: int | None = None


@dataclass(frozen=True)
class Stop:
    """Someone stops the answer with this number."""

    number: int


@dataclass(frozen=True)
class Regenerate:
    """Someone wants another answer to the prompt with this number."""

    number: int


@dataclass(frozen=True)
class ShowVersion:
    """Someone wants to see another version of the entry with this number: the first is version 1."""

    number: int
    version: int


@dataclass(frozen=True)
class Delete:
    """Someone deletes the entry with this number."""

    number: int


@dataclass(frozen=True)
class Copy:
    """Someone copies the words so far of an answer that streams."""

    view: str
    number: int


@dataclass(frozen=True)
class Clear:
    """Someone clears the conversation."""


@dataclass(frozen=True)
class Undo:
    """Someone puts back what was deleted or cleared last."""


@dataclass(frozen=True)
class BringEarlier:
    """A view has time for entries for which it has kept places. Items of the list that are no number are ignored."""

    view: str
    numbers: Sequence[Any]


@dataclass(frozen=True)
class BringTranscript:
    """The notebook lacks pieces of the static transcript. Items of the list that are no piece's number are ignored."""

    view: str
    pieces: Sequence[Any]


@dataclass(frozen=True)
class Attach:
    """Someone attaches a file, of which this is a piece."""

    piece: Piece


@dataclass(frozen=True)
class Detach:
    """Someone removes an attached file."""

    file: str


@dataclass(frozen=True)
class Export:
    """Someone wants the conversation as a file.

    Attributes:
        suffix: how the file's name ends.
    """

    view: str
    suffix: str


_Action = Stop | Regenerate | ShowVersion | Delete | Copy | Clear | Undo
Request = Hello | Edited | Run | Attach | Detach | BringEarlier | BringTranscript | Export | _Action


def read(content: Mapping[str, Any], buffers: Sequence[bytes | memoryview] = ()) -> Request | None:
    """The request in a message with these buffers; None if it has none."""
    match content:
        case {"kind": "hello", "view": str(view)}:
            return Hello(view)
        case {"kind": "edited", "view": str(view), "rows": list(rows)}:
            return Edited(view, rows)
        case {
            "kind": "run",
            "view": str(view),
            "prompt": str() | None as prompt,
            "rows": list() | None as rows,
            "endpoint": endpoint,
            **others,
        }:
            system, remember, number = others.get("system"), others.get("remember"), others.get("id")
            if prompt is None and not isinstance(number, int):
                return None
            return Run(
                view,
                prompt,
                rows,
                str(endpoint),
                play=others.get("play") is True,
                system=system if isinstance(system, str) else None,
                remember=remember if isinstance(remember, bool) else None,
                instead_of=number if isinstance(number, int) else None,
            )
        case {"kind": "earlier", "view": str(view), "numbers": list(numbers)}:
            return BringEarlier(view, numbers)
        case {"kind": "transcript", "view": str(view), "pieces": list(pieces)}:
            return BringTranscript(view, pieces)
        case {"kind": "stop", "id": int(number)}:
            return Stop(number)
        case {"kind": "regenerate", "id": int(number)}:
            return Regenerate(number)
        case {"kind": "version", "id": int(number), "version": int(version)}:
            return ShowVersion(number, version)
        case {"kind": "delete", "id": int(number)}:
            return Delete(number)
        case {"kind": "copy", "view": str(view), "id": int(number)}:
            return Copy(view, number)
        case {"kind": "attach", "id": str(file), "name": str(name), "size": int(size), "at": int(at), **others} if (
            buffers
        ):
            content_type, argument = (str(others.get(each) or "") for each in ("type", "argument"))
            return Attach(Piece(file, name, content_type, size, argument, at, bytes(buffers[0])))
        case {"kind": "detach", "id": str(file)}:
            return Detach(file)
        case {"kind": "export", "view": str(view), "suffix": str(suffix)}:
            return Export(view, suffix)
        case {"kind": "clear"}:
            return Clear()
        case {"kind": "undo"}:
            return Undo()
    return None
