"""A prompt box in the notebook. Python has the conversation; the page (in the folder ``page``) shows it.

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
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from anywidget import AnyWidget
from IPython.display import DisplayHandle
from traitlets import Bool, Dict, Enum, List, Unicode, observe

from ..client.arguments import encode
from ..client.follower import follow_in_thread
from ..client.interrupts import Interrupts, interruptible
from ..client.result import Result, show_safely, with_show_error
from ..client.sessions import session
from ..client.streaming import Stream, end_of
from ..display.control_channel import CONTROL_SCRIPT, ignore, listen
from ..display.outputs import EMPTY, widget_bundle
from ..errors import FalNotebookError, InvalidRequest
from ..render.bundles import answer_style
from ..response.updates import Update
from ..safety.plain_text import one_line
from . import page_messages, page_requests
from .argument_rows import Form, InvalidForm, Row
from .connection_state import STATES, Attempt, ConnectionState, connected_endpoints
from .conversation import Conversation
from .entry import Entry
from .page_requests import BringTranscript, Clear, Delete, Edited, Hello, Rerun, Run, Stop
from .running_answer import RunningAnswer
from .transcript_outputs import displayed

_PAGE = Path(__file__).with_name("page")
_SCRIPTS = (CONTROL_SCRIPT, *sorted(_PAGE.glob("*.js")))  # in any order: none does anything until all are read


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
    state = Enum(STATES, "idle")
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
        self._conversation = Conversation(self, self._lock)
        self._connection = ConnectionState()
        self._form = Form({})
        self._now = ("idle", "")
        self._follower: threading.Thread | None = None
        self._is_shown = False
        self._control = listen(self._take)
        self._views: list[DisplayHandle] = []
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
            running = self._conversation.running
        if running is not None:
            running.stream.cancel()
            if self._is_shown:
                self.connect()  # stopping has closed the connection

    def clear(self) -> None:
        """Forget the conversation, and stop what streams."""
        self._conversation.clear()  # before it is stopped: an end that comes in between must find nothing to show
        self.stop()
        self._tell_results()
        self._conversation.keep_nothing()

    def connect(self) -> None:
        """Open the connection to the endpoint in the background; `state` tells how it went."""
        try:
            attempt = session().connect(self.endpoint, self._base_url)
        except FalNotebookError as exc:
            self._tell("offline", str(exc))
            return
        with self._lock:
            self._connection.attempt = attempt
        if self._conversation.running is None:
            self._tell(self._connection.before_request(self.endpoint))
        threading.Thread(
            target=self._await_connection, args=(attempt,), name="fal_notebook connect", daemon=True
        ).start()

    def close(self) -> None:
        """Stop, and take the widget out of the page; the transcript stays."""
        views, self._views, self._is_shown = self._views, [], False
        ignore(self._control)
        self.stop()
        self._conversation.silence()
        for view in views:
            view.update(EMPTY, raw=True)
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
        self._views += displayed(widget_bundle(self, repr(self)))
        with self._lock:
            self._conversation.outputs.display()
        self._appear()

    def _appear(self) -> None:
        """Connect when it is first shown, wherever that is; and again where it could not."""
        self._is_shown = True
        if self._conversation.running is None and self.state in ("idle", "offline"):
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
        self.send(page_messages.form(self._form, self.endpoint))

    def _take_rows(self, rows: Sequence[Row], view: str) -> None:
        """Take what someone edited in a view, and bring the others up to it."""
        self._form.take(rows)
        self.send({**page_messages.form(self._form, self.endpoint), "but": view})
        try:
            arguments = self._form.arguments()
        except InvalidForm:
            return  # the page says where; the arguments stay the last good ones
        if encode(arguments) != encode(self.arguments):
            self._change(arguments=arguments)

    @observe("endpoint")
    def _turn_to_endpoint(self, _: object) -> None:
        self.send(page_messages.form(self._form, self.endpoint))
        if self._is_shown and self._conversation.running is None:
            self.connect()

    def _heard(self, _: object, content: Mapping[str, Any], __: object) -> None:
        self._take(content)

    def _take(self, content: Mapping[str, Any]) -> None:
        """Do what the page asks for."""
        try:
            self._do(page_requests.read(content))
        except FalNotebookError as exc:
            self.send(page_messages.refused(exc))

    def _do(self, request: page_requests.Request | None) -> None:
        match request:
            case Hello(view):
                self._show_all(view)
                self._appear()
            case Edited(view, rows):
                self._take_rows(rows, view)
            case Run(view, prompt, rows, endpoint, play):
                if rows is not None:
                    self._take_rows(rows, view)
                self._change(endpoint=endpoint, play=play)
                self.run(prompt)
            case Stop(number):
                if self._conversation.is_newest(number):  # a click can be heard long after it was made
                    self.stop()
            case Rerun(number):
                if entry := self._conversation.entry(number):
                    self._begin(entry.endpoint, entry.arguments, entry.prompt)
            case Delete(number):
                self._delete(number)
            case Clear():
                self.clear()
            case BringTranscript(view, pieces):
                self._conversation.show_transcript(view, pieces)

    def _begin(self, endpoint: str, arguments: dict[str, Any], prompt: str) -> None:
        if not prompt.strip():
            raise InvalidRequest("the prompt is empty")
        with Interrupts():  # what nobody follows would stream for ever
            connected = connected_endpoints()  # before the request opens a connection of its own
            running = self._ask(endpoint, arguments, prompt)
            entry, stream = running.entry, running.stream
            failure: Exception | None = None
            try:
                self._conversation.open(entry, play=self.play)
                is_open = stream.endpoint in connected
                self._tell("streaming" if is_open else self._connection.opening(stream.endpoint))
                self.send(page_messages.form(self._form, self.endpoint))
            except Exception as exc:  # noqa: BLE001 - whatever it is, what was sent is followed
                failure = exc
            try:
                self._follower = follow_in_thread(
                    stream,
                    lambda updates: self._show(running, updates),
                    lambda result: self._finish(entry, with_show_error(result, failure)),
                )
            except RuntimeError as exc:  # there are too many threads
                stream.cancel()
                show_safely(end_of(stream, exc), lambda result: self._finish(entry, result))

    def _ask(self, endpoint: str, arguments: dict[str, Any], prompt: str) -> RunningAnswer:
        asked = {**arguments, self.field: prompt}

        def request() -> Stream:
            stream = session().stream(endpoint, asked, base_url=self._base_url, timeout=self._timeout)
            self._connection.attempt = None
            return stream

        return self._conversation.ask(endpoint, arguments, prompt, request)

    def _show(self, running: RunningAnswer, updates: Sequence[Update]) -> None:
        """Tell the page what is new; on the thread that follows the stream."""
        for piece in running.feed(updates):
            self._conversation.play(running.entry, piece)
        stream = running.stream
        if stream.is_connecting:
            self._tell(self._connection.before_request(stream.endpoint, "streaming"))
        else:
            self._connection.opened(stream.endpoint)
            self._tell("streaming")
        self._conversation.show(running)

    def _finish(self, entry: Entry, result: Result) -> None:
        """Show and keep the answer; on the thread that followed the stream."""
        self._conversation.end(entry, result)
        is_lost = self._connection.is_lost(result)
        try:
            self._conversation.show_end(entry, result)
            self._tell_results()
            self._conversation.keep_answer(entry)
        finally:
            if is_lost:
                self._tell("offline", str(result.error))
            else:
                self._tell_connection(self._connection.attempt)

    def _delete(self, number: int) -> None:
        entry = self._conversation.entry(number)
        if entry is None or entry.result is None:
            return
        self._conversation.delete(entry)
        self._tell_results()
        self._conversation.keep_without(entry)

    def _show_all(self, view: str) -> None:
        """Show the whole conversation to a view that has just been made."""
        with self._lock:
            self._conversation.show_all(
                view,
                page_messages.control(self._control),
                page_messages.form(self._form, self.endpoint),
                page_messages.state(*self._now, self._conversation.status),
            )

    def _await_connection(self, attempt: Attempt) -> None:
        """Tell how an attempt to connect ended, unless a later one or a run has more to tell."""
        concurrent.futures.wait([attempt])
        if attempt is self._connection.attempt and self._conversation.running is None:
            self._tell_connection(attempt)

    def _tell_connection(self, attempt: Attempt | None) -> None:
        """Tell how an attempt to connect stands, if there is one."""
        for state, reason in self._connection.of_attempt(attempt, self.endpoint):
            self._tell(state, reason)

    def _tell(self, state: str, reason: str = "") -> None:
        now = (state, one_line(reason))
        try:
            with self._lock:
                if now == self._now:
                    return
                self.send(page_messages.state(*now, self._conversation.status))
                self._now = now
        finally:
            self._change(reason=now[1], state=state)  # observers run outside of the lock

    def _tell_results(self) -> None:
        """Bring `results` up to the conversation."""
        self._change(results=self._conversation.results)

    def _change(self, **traits: Any) -> None:
        """Set traits, one after the other, whatever the observers of the user's do."""
        for name, value in traits.items():
            try:
                setattr(self, name, value)
            except Exception:  # noqa: BLE001 - it is theirs, and on a thread of ours nobody could catch it
                traceback.print_exc()
