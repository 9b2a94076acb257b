"""What a visitor gets of a compact box: prompts and answers, and nothing of what answers them or what it costs.

The page of a compact box may belong to someone else than the author of the notebook, as in Voilà, and a visitor can
send any message that a page can send. So what is held back here is held back in the kernel: endpoint, arguments, model
and system prompt are in no message and in no trait of the page, and requests of the page for them are not heard. Each
message is made of a list of what may be in it, so that what is added to a message later stays here until it is listed.
"""

from collections.abc import Mapping
from dataclasses import replace

from ..client.result import Result
from ..errors import ConnectError, ConnectionLost, FalNotebookError, RateLimited, RequestTimeout
from ..render.bundles import Bundle, merged, small_bundle
from ..render.foot import error_bundle
from .page_messages import Message
from .page_requests import (
    BringEarlier,
    BringTranscript,
    Clear,
    Copy,
    Delete,
    Hello,
    Regenerate,
    Request,
    Run,
    ShowVersion,
    Stop,
    Undo,
)

SETTABLE = frozenset({"prompt"})
"""The only trait that the page of a compact box can set."""
HIDDEN = frozenset({"endpoint", "system", "remember", "play"})
"""The traits that the page of a compact box does not have."""
_HEARD = (Hello, Stop, Regenerate, ShowVersion, Delete, Copy, Clear, Undo, BringEarlier, BringTranscript)
"""The requests that are heard as they are. A `Run` is heard for its prompt, and no others at all."""
_WORDS = ("keep", "blocks", "tail", "packed")
_ANSWER = (*_WORDS, "html", "words", "end", "copy")
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "cleared": (),
    "entry": ("id", "prompt", "files", "version", "versions", "still", "more", "fills", *_ANSWER),
    "earlier": ("entries",),
    "left": ("ids",),
    "delta": ("id", "elapsed", "status", *_WORDS),
    "done": ("id", *_ANSWER),
    "copied": ("id", "copy", "packed"),
    "preview": ("id", "type"),
    "progress": ("id", "fraction", "message"),
    "reasoning": ("id", "words", "seconds", "line"),
    "sound": ("id", "model"),
    "deleted": ("id",),
    "undoable": ("what", "final"),
    "state": ("state",),
    "control": ("address",),
    "kept": ("widget", "transcript", "versions"),
    "transcript": ("pieces",),
    "refused": ("message", "problems"),
}
"""What a message of each kind may hold, besides the view that it is for. Other kinds are not sent."""
_FAILURES: tuple[tuple[type[FalNotebookError], str, str], ...] = (
    (RateLimited, "there are too many questions at once", "ask again in a moment"),
    (RequestTimeout, "the answer took too long", "ask again, or ask for less"),
    (ConnectError, "there is no connection", "ask again in a moment"),
    (ConnectionLost, "the connection was lost", "ask again"),
)
_OTHER_FAILURE = ("no answer came", "ask something else, or tell whoever runs this page")
_NEVER_SENT = "this cannot be answered now (tell whoever runs this page)"
_OWN_REFUSALS = frozenset({"the prompt is empty", "an answer is streaming", "the prompt was removed meanwhile"})
"""What is said of the prompt itself, and not of what answers it."""


def message(whole: Message) -> Message | None:
    """A message as the page of a compact box gets it; None if it gets none of this kind."""
    allowed = _FIELDS.get(whole["kind"])
    if allowed is None:
        return None
    shown = {name: value for name, value in whole.items() if name in ("kind", "view", *allowed)}
    if whole["kind"] == "state":
        shown |= {"reason": "there is no connection" if whole.get("reason") else "", "status": ""}
    return shown


def refused(error: FalNotebookError) -> Message:
    """Why a prompt was not sent."""
    words = error.message if error.message in _OWN_REFUSALS else _NEVER_SENT
    return {"kind": "refused", "message": words, "problems": {}}


def request(asked: Request | None) -> Request | None:
    """A request of the page without what a visitor may not ask for."""
    if not isinstance(asked, Run):
        return asked if isinstance(asked, _HEARD) else None
    return Run(asked.view, asked.prompt, None, "", play=False, instead_of=asked.instead_of)


def bundle(result: Result) -> Bundle:
    """An ended answer as an output: its words and files, and how it ended if it did not end well."""
    # An answer that says why it ended has nothing more to unfold, such as the name of the model.
    parts = replace(result, finish_reason=result.finish_reason or "stop", note="").body(html_only=True)
    if result.stopped:
        parts = [*parts, small_bundle("stopped")]
    elif result.error is not None:
        happened, hint = failure(result.error)
        parts = [*parts, error_bundle(happened, hint, f"{happened} ({hint})")]
    return merged(parts or [small_bundle("the answer is empty")])[0]


def failure(error: FalNotebookError) -> tuple[str, str]:
    """What happened, and what a visitor can do."""
    return next(((words, hint) for kind, words, hint in _FAILURES if isinstance(error, kind)), _OTHER_FAILURE)
