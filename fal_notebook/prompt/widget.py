"""A prompt box in the notebook. Python has the conversation; the page (``prompt.js``) shows it.

A run never holds the kernel: a thread follows the stream and tells the page, by messages to this widget, what is
new. So words appear while other cells run, and none lands in another widget. What the page does comes as messages
too, on the thread that the kernel chooses; a lock keeps the two in step.

The answers also stand below the widget as a static output, since a saved widget is lost. The live widget hides it.
Where the widget stands within another, or the page was loaded anew, no display of ours finds its cell: then the page,
which knows it, puts that output there.
"""

import concurrent.futures
import sys
import threading
import traceback
import uuid
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from anywidget import AnyWidget
from IPython.display import DisplayHandle, display
from traitlets import Bool, Dict, Enum, List, Unicode, observe

from ..client.arguments import encode
from ..client.follower import follow_in_thread
from ..client.interrupts import Interrupts, interruptible
from ..client.known_endpoints import ENDPOINTS, MODELS, takes_model
from ..client.result import Result, shown, unshown
from ..client.sessions import session
from ..client.streaming import Stream, end_of
from ..display.control_channel import CONTROL_SCRIPT, ignore, listen
from ..display.outputs import widget_bundle
from ..display.player import PagePlayer
from ..errors import ConnectError, ConnectionLost, FalNotebookError, InvalidRequest
from ..render.bundles import Bundle, answer_style
from ..response.updates import Piece, Preview, Progress, Text, Update
from ..safety.plain_text import one_line
from .argument_rows import Form, InvalidForm, Row
from .conversation import PIECES, Entry, Transcript
from .text_patches import PagePiece

_PAGE = Path(__file__).with_name("page")
_SCRIPTS = (CONTROL_SCRIPT, *sorted(_PAGE.glob("*.js")))  # in any order: none does anything until all are read
_MEDIA = ";base64,"
_NOTHING = {"text/plain": "", "text/html": ""}
_recent_endpoints: list[str] = []  # that this kernel's widgets have asked, the last first
_recent_models: list[str] = []


class PromptWidget(AnyWidget):
    """A prompt box for one endpoint, with the conversation above it. Runs leave the kernel free.

    Args:
        endpoint: the endpoint with its sub-path.
        arguments: its arguments beside the prompt; a ``model`` has a field of its own.
        field: the argument that takes the prompt.
        base_url: another host: ``wss://host`` or ``ws://127.0.0.1:8000``.
        timeout: seconds for a request; None for as long as it takes.
        play: play sound while it is being made.

    Attributes:
        endpoint: what a run asks.
        arguments: what it is asked with; changed on the page and from Python.
        prompt: what stands in the box.
        play: whether sound is played while it is being made, from the next run on; the page has a switch for it.
        results: the answers, oldest first, those that were stopped or failed included.
        state: ``idle`` (not shown yet), ``connecting``, ``reconnecting`` (the connection that was open is lost or
            closed), ``ready``, ``streaming`` or ``offline``.
        reason: why it is offline.

    These are traits: ``observe`` tells of changes, which may come from a thread of the widget's own. An observer
    that fails stops nothing; its traceback is printed.
    """

    # A path would be watched, and keep every widget alive.
    _esm = "".join(path.read_text(encoding="utf-8") for path in _SCRIPTS)
    _css = (_PAGE / "prompt.css").read_text(encoding="utf-8") + answer_style()

    endpoint = Unicode().tag(sync=True)
    prompt = Unicode().tag(sync=True)
    play = Bool().tag(sync=True)
    field = Unicode("prompt")
    arguments: "Dict[str, Any]" = Dict()
    results: "List[Result]" = List()
    state = Enum(("idle", "connecting", "reconnecting", "ready", "streaming", "offline"), "idle")
    reason = Unicode()

    def __init__(
        self,
        endpoint: str = "fal-ai/any-llm/stream",
        arguments: Mapping[str, Any] | None = None,
        field: str = "prompt",
        *,
        base_url: str | None = None,
        timeout: float | None = None,
        play: bool = False,
    ) -> None:
        self._lock = threading.RLock()
        self._base_url, self._timeout = base_url, timeout
        self._entries: list[Entry] = []
        self._count = 0
        self._stream: Stream | None = None
        self._now = ("idle", "")
        self._status = ""
        self._progress: Progress | None = None
        self._player: PagePlayer | None = None
        self._connecting: concurrent.futures.Future[None] | None = None
        self._connected_to = ""
        self._follower: threading.Thread | None = None
        self._form = Form({})
        self._is_shown = False
        self._transcript = Transcript(uuid.uuid4().hex)
        self._control = listen(self._take)
        self._views: list[DisplayHandle] = []
        self._pieces: list[list[DisplayHandle]] = [[] for _ in range(PIECES)]  # where each of the transcript stands
        others = dict(arguments or {})
        prompt = others.pop(field, "")
        super().__init__(
            endpoint=endpoint,
            field=field,
            prompt=prompt if isinstance(prompt, str) else encode(prompt),
            play=play,
        )
        self.arguments = others
        self.on_msg(self._heard)

    def run(self, prompt: str | None = None) -> None:
        """Send a prompt, else what stands in the box, and return at once; the answer comes to `results`.

        Raises:
            InvalidRequest: an answer is still streaming, or endpoint, arguments or prompt cannot be used.
            CredentialsError: no key was found.
        """
        self._begin(self.endpoint, self._form.arguments(), self.prompt if prompt is None else prompt)

    def wait(self) -> None:
        """Wait until the answer that is streaming has ended and is among the `results`; an interrupt leaves it be."""
        if self._follower is not None:
            with interruptible():
                self._follower.join()

    def stop(self) -> None:
        """Stop the answer that is streaming; what has come stays. Without one it does nothing."""
        with self._lock:
            stream = self._stream
        if stream is not None:
            stream.cancel()
            if self._is_shown:
                self.connect()  # stopping has closed the connection

    def clear(self) -> None:
        """Forget the conversation, and stop what streams."""
        with self._lock:  # before it is stopped: an end that comes in between must find nothing to show
            self._entries, self._status = [], ""
            self._silence()
            self.send({"kind": "cleared"})
        self.stop()
        self._keep(self._transcript.clear)

    def connect(self) -> None:
        """Open the connection to the endpoint in the background; `state` tells how it went."""
        try:
            future = session().connect(self.endpoint, self._base_url)
        except FalNotebookError as exc:
            self._tell("offline", str(exc))
            return
        with self._lock:
            self._connecting = future
        if self._stream is None:
            self._tell(self._connection_state(self.endpoint))
        threading.Thread(
            target=self._await_connection, args=(future,), name="fal_notebook connect", daemon=True
        ).start()

    def close(self) -> None:
        """Stop, and take the widget out of the page; the transcript stays."""
        views, self._views, self._is_shown = self._views, [], False
        ignore(self._control)
        self.stop()
        with self._lock:
            self._silence()
        for view in views:
            view.update(_NOTHING, raw=True)
        self.layout.close()
        super().close()

    def __del__(self) -> None:
        # At the interpreter's end nothing can be imported any more, which an update of an output would need.
        if not sys.is_finalizing() and self.comm is not None:
            super().__del__()

    def __repr__(self) -> str:
        count = len(self.results)
        return f"<PromptWidget {one_line(self.endpoint)}, {count} answer{'' if count == 1 else 's'}>"

    def _ipython_display_(self) -> None:
        self._views += _display(widget_bundle(self, repr(self)))
        with self._lock:
            for piece, handles in enumerate(self._pieces):
                handles += _display(self._transcript.bundle(piece))
        self._appear()

    def _appear(self) -> None:
        """Connect when it is first shown, wherever that is; and again where it could not."""
        self._is_shown = True
        if self._stream is None and self.state in ("idle", "offline"):
            self.connect()

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> Any:  # noqa: FBT001, FBT002 - ipywidgets' own
        """The state for the page; whole, it has the words of the answers too, for marimo's ``value`` is the state."""
        state = super().get_state(key, drop_defaults)
        return state if key is not None else {**state, "answers": [result.text for result in self.results]}

    @observe("arguments")
    def _show_arguments(self, _: object) -> None:
        """Bring the form up to the arguments, unless it already means them: then it stays as it was written."""
        wanted = encode(self.arguments)
        try:
            if encode(self._form.arguments()) == wanted:
                return
        except InvalidForm:
            pass
        self._form = Form(self.arguments)
        self.send(self._form_message())

    def _take_rows(self, rows: Sequence[Row], view: str) -> None:
        """Take what someone edited in a view, and bring the others up to it."""
        self._form.take(rows)
        self.send({**self._form_message(), "but": view})
        try:
            arguments = self._form.arguments()
        except InvalidForm:
            return  # the page says where; the arguments stay the last good ones
        if encode(arguments) != encode(self.arguments):
            self._change(arguments=arguments)

    def _form_message(self) -> dict[str, Any]:
        """What stands in the form, and what can be chosen there."""
        return {
            "kind": "form",
            "rows": self._form.rows,
            "takesModel": takes_model(self.endpoint.strip().strip("/")),
            "endpoints": list(dict.fromkeys([*_recent_endpoints, *ENDPOINTS])),
            "models": list(dict.fromkeys([*_recent_models, *MODELS])),
        }

    @observe("endpoint")
    def _turn_to_endpoint(self, _: object) -> None:
        self.send(self._form_message())
        if self._is_shown and self._stream is None:
            self.connect()

    def _heard(self, _: object, content: Mapping[str, Any], __: object) -> None:
        self._take(content)

    def _take(self, content: Mapping[str, Any]) -> None:
        """Do what the page asks for."""
        try:
            match content:
                case {"kind": "hello", "view": str(view)}:
                    self._show_all(view)
                    self._appear()
                case {"kind": "edited", "view": str(view), "rows": list(rows)}:
                    self._take_rows(rows, view)
                case {"kind": "run", "view": str(view), "prompt": str(prompt), "rows": list() | None as rows, **others}:
                    if rows is not None:  # else the page asks before it has been told them: the kernel was busy
                        self._take_rows(rows, view)
                    self._change(endpoint=str(others["endpoint"]), play=others.get("play") is True)
                    self.run(prompt)
                case {"kind": "transcript", "view": str(view), "pieces": list(pieces)}:
                    self._send_transcript(view, pieces)
                case {"kind": "stop", "id": int(number)}:
                    self._stop_answer(number)
                case {"kind": "clear"}:
                    self.clear()
                case {"kind": "rerun", "id": int(number)}:
                    self._rerun(number)
                case {"kind": "delete", "id": int(number)}:
                    self._delete(number)
        except FalNotebookError as exc:
            problems = exc.problems if isinstance(exc, InvalidForm) else {}
            self.send({"kind": "refused", "message": str(exc), "problems": problems})

    def _begin(self, endpoint: str, arguments: dict[str, Any], prompt: str) -> None:
        if not prompt.strip():
            raise InvalidRequest("the prompt is empty")
        with Interrupts():  # what nobody follows would stream for ever
            connected = _connected_endpoints()  # before the request opens a connection of its own
            entry, stream = self._ask(endpoint, arguments, prompt)
            failure: Exception | None = None
            try:
                self._open(entry)
                self._tell("streaming" if stream.endpoint in connected else self._opening_state(stream.endpoint))
                self.send(self._form_message())
            except Exception as exc:  # noqa: BLE001 - whatever it is, what was sent is followed
                failure = exc
            try:
                self._follower = follow_in_thread(
                    stream,
                    lambda updates: self._show(entry, stream, updates),
                    lambda result: self._finish(entry, unshown(result, failure)),
                )
            except RuntimeError as exc:  # there are too many threads
                stream.cancel()
                shown(end_of(stream, exc), lambda result: self._finish(entry, result))

    def _ask(self, endpoint: str, arguments: dict[str, Any], prompt: str) -> tuple[Entry, Stream]:
        with self._lock:
            if self._stream is not None:
                raise InvalidRequest("an answer is streaming", hint="stop it first, or open another widget")
            asked = {**arguments, self.field: prompt}
            entry = Entry(self._count + 1, endpoint, arguments, prompt)
            stream = session().stream(endpoint, asked, base_url=self._base_url, timeout=self._timeout)
            self._stream, self._connecting, self._status, self._progress = stream, None, "", None
            entry.endpoint = stream.endpoint
            self._count = entry.number
            self._entries.append(entry)
        return entry, stream

    def _open(self, entry: Entry) -> None:
        """Show a prompt whose answer will come."""
        with self._lock:
            self._silence()
            self._player = PagePlayer() if self.play else None
            self._send_answer(entry.opening())
        _remember(entry.endpoint, _recent_endpoints)
        _remember(entry.arguments.get("model"), _recent_models)

    def _show(self, entry: Entry, stream: Stream, updates: Sequence[Update]) -> None:
        """Tell the page what is new; on the thread that follows the stream."""
        for update in updates:
            if isinstance(update, Text):
                entry.text.feed(update)
            elif isinstance(update, Preview):
                entry.pictures.feed(update)
            elif isinstance(update, Progress):
                self._progress = update
            elif isinstance(update, Piece):
                self._sound(entry, update)
        if stream.is_connecting:
            self._tell(self._connection_state(stream.endpoint, "streaming"))
        else:
            self._connected_to = stream.endpoint
            self._tell("streaming")
        with self._lock:
            if entry not in self._entries:
                return  # it was cleared away
            piece = entry.text.take(last=stream.is_done)
            status = _status(stream)
            if piece or (status != self._status and not stream.is_done):
                self._status = status
                self.send(_delta(entry, piece, status, stream.elapsed))
            if not stream.is_done:
                self._show_work(entry)

    def _show_work(self, entry: Entry) -> None:
        """Tell the page of a new preview, and how far the work is."""
        if picture := entry.pictures.take():
            content_type, data = picture
            self.send({"kind": "preview", "id": entry.number, "type": content_type}, [data])
        if self._progress is not None:
            message = one_line(self._progress.message, 80)
            self.send({"kind": "progress", "id": entry.number, "fraction": self._progress.fraction, "message": message})
            self._progress = None

    def _sound(self, entry: Entry, piece: Piece) -> None:
        """Play new bytes; the first that can be heard bring the player to the page."""
        with self._lock:
            player = self._player
            if player is None:
                return
            was_silent = not player.has_sound
            player.feed(piece.data, piece.content_type)
            if was_silent and player.has_sound:
                self.send(_sounding(entry, player))

    def _silence(self) -> None:
        """Take away the player of the last answer, whose sound may go on for a while after its end."""
        player, self._player = self._player, None
        if player is not None:
            try:
                player.stop()
            finally:
                player.close()

    def _finish(self, entry: Entry, result: Result) -> None:
        """Show and keep the answer; on the thread that followed the stream."""
        with self._lock:
            self._stream = None
            entry.end(result)
        lost = isinstance(result.error, (ConnectError, ConnectionLost)) or _found_no_connection(result)
        try:
            with self._lock:
                if self._player is not None:
                    (self._player.stop if result.stopped else self._player.end)()
                if entry in self._entries:
                    self._status = result.status_line.removeprefix(f"{result.endpoint} · ")
                    self._send_answer({**entry.ending(), "status": self._status})
            self._keep(lambda: self._transcript.add(entry) if entry in self._entries else [])
        finally:
            self._tell_end(result, lost=lost)

    def _tell_end(self, result: Result, *, lost: bool) -> None:
        """Tell that nothing streams any more, and how the connection stands."""
        if lost:
            self._tell("offline", str(result.error))
        else:
            self._tell_connection(self._connecting)

    def _connection_state(self, endpoint: str, open_state: str = "connecting") -> str:
        """What to say before a request is on its way: whether the connection for it has to be opened anew."""
        return open_state if endpoint in _connected_endpoints() else self._opening_state(endpoint)

    def _opening_state(self, endpoint: str) -> str:
        return "reconnecting" if endpoint == self._connected_to else "connecting"

    def _await_connection(self, future: "concurrent.futures.Future[None]") -> None:
        """Tell how an attempt to connect ended, unless a later one or a run has more to tell."""
        concurrent.futures.wait([future])
        if future is self._connecting and self._stream is None:
            self._tell_connection(future)

    def _tell_connection(self, future: "concurrent.futures.Future[None] | None") -> None:
        """Tell how an attempt to connect stands, if there is one."""
        if future is None:
            self._tell("ready")
            return
        if not future.done():
            self._tell(self._connection_state(self.endpoint))
            if not future.done():
                return  # what awaits it will tell
        state, reason = "ready", ""
        try:
            future.result()
        except FalNotebookError as exc:
            state, reason = "offline", str(exc)
        except concurrent.futures.CancelledError:
            state, reason = "offline", "the session was closed"
        else:
            self._connected_to = self.endpoint
        self._tell(state, reason)

    def _stop_answer(self, number: int) -> None:
        """Stop this answer and no later one: a click can be heard long after it was made."""
        if number == self._count:
            self.stop()

    def _rerun(self, number: int) -> None:
        entry = self._entry(number)
        if entry is not None:
            self._begin(entry.endpoint, entry.arguments, entry.prompt)

    def _delete(self, number: int) -> None:
        entry = self._entry(number)
        if entry is None or entry.result is None:
            return
        with self._lock:
            if entry is self._entries[-1]:
                self._silence()
            self._entries.remove(entry)
            self.send({"kind": "deleted", "id": number})
        self._keep(lambda: self._transcript.remove(entry))

    def _entry(self, number: int) -> Entry | None:
        return next((entry for entry in self._entries if entry.number == number), None)

    def _show_all(self, view: str) -> None:
        """Show the whole conversation to a view that has just been made."""
        with self._lock:
            entries = [entry.opening() for entry in self._entries]
            control = {"kind": "control", "address": self._control}
            for message in (
                {"kind": "cleared"},
                *entries,
                control,
                self._form_message(),
                self._stand(*self._now),
                self._kept(),
            ):
                self._send_answer({**message, "view": view})
            if entries and self._stream is not None and self._player is not None and self._player.has_sound:
                self.send({**_sounding(self._entries[-1], self._player), "view": view})

    def _keep(self, change: Callable[[], Iterable[int]]) -> None:
        """Bring `results` up to the conversation, and the static transcript by this change, which tells its pieces."""
        with self._lock:
            entries = list(self._entries)
        self._change(results=[entry.result for entry in entries if entry.result is not None])
        with self._lock:
            pieces = change()
            if threading.main_thread().is_alive():  # else the program has ended, and the shell with its outputs is gone
                for piece in pieces:
                    bundle = self._transcript.bundle(piece)
                    for handle in self._pieces[piece]:
                        handle.update(bundle, raw=True)
            self.send(self._kept())

    def _send_transcript(self, view: str, pieces: list[Any]) -> None:
        with self._lock:
            bundles = [(piece, self._transcript.bundle(piece)) for piece in range(PIECES) if piece in pieces]
            self.send({"kind": "transcript", "view": view, "pieces": bundles})

    def _kept(self) -> dict[str, Any]:
        """What the static transcript has by now, for a page that may find it missing."""
        return {
            "kind": "kept",
            "widget": self.model_id,
            "transcript": self._transcript.name,
            "versions": list(self._transcript.versions),
        }

    def _tell(self, state: str, reason: str = "") -> None:
        now = (state, one_line(reason))
        try:
            with self._lock:
                if now == self._now:
                    return
                self.send(self._stand(*now))
                self._now = now
        finally:
            self._change(reason=now[1], state=state)  # observers run outside of the lock

    def _change(self, **traits: Any) -> None:
        """Set traits, one after the other, whatever the observers of the user's do."""
        for name, value in traits.items():
            try:
                setattr(self, name, value)
            except Exception:  # noqa: BLE001 - it is theirs, and on a thread of ours nobody could catch it
                traceback.print_exc()

    def _send_answer(self, message: dict[str, Any]) -> None:
        """Send a message; HTML goes packed, for it repeats words that the page has. Media would gain nothing by it."""
        html = message.get("html")
        if html is None or _MEDIA in html:
            self.send(message)
        else:
            self.send({**message, "html": ""}, [zlib.compress(html.encode())])

    def _stand(self, state: str, reason: str) -> dict[str, Any]:
        return {"kind": "state", "state": state, "reason": reason, "status": self._status}


def _display(bundle: Bundle) -> list[DisplayHandle]:
    """The handle of what is displayed, if there is one."""
    handle = display(bundle, raw=True, display_id=True)
    return [handle] if handle is not None else []


def _found_no_connection(result: Result) -> bool:
    """Whether a request failed before it was sent, and no connection is open: the handshake was refused, or slow."""
    never_sent = result.error is not None and result.metrics.connect is None
    return never_sent and result.endpoint not in _connected_endpoints()


def _connected_endpoints() -> set[str]:
    return {each.endpoint for each in session().connections}


def _delta(entry: Entry, piece: PagePiece | None, status: str, elapsed: float) -> dict[str, Any]:
    message = {"kind": "delta", "id": entry.number, "status": status, "elapsed": round(elapsed, 2)}
    return message if piece is None else {**message, "offset": piece.offset, "new": piece.new}


def _sounding(entry: Entry, player: PagePlayer) -> dict[str, Any]:
    return {"kind": "sound", "id": entry.number, "model": player.widget.model_id}


def _status(stream: Stream) -> str:
    """What is known of a stream beside its time, which the page counts itself."""
    first, request = stream.first_byte_after, stream.request_id
    parts = ["" if first is None else f"first token {first:.2f} s"]
    parts += [f"{stream.bytes:,} bytes" if stream.bytes else "", f"request {request}" if request else ""]
    return one_line(" · ".join(filter(None, parts)))


def _remember(name: Any, recent: list[str]) -> None:
    """Put a name at the head of those that were used last."""
    if not isinstance(name, str) or not name:
        return
    if name in recent:
        recent.remove(name)
    recent.insert(0, name)
    del recent[10:]
