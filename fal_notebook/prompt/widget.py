"""A prompt box in the notebook. Python keeps the conversation; the JavaScript in the folder ``page`` shows it.

A run never blocks the kernel: a thread follows the stream, and sends what is new to the page as messages of the widget.
So words appear while other cells run, and never in the output of another cell. The page's own messages arrive on a
thread that the kernel chooses; a lock keeps the two threads in step.

A saved notebook has no live widget, so the answers are also displayed below it as a static output, which the live
widget hides. If the widget is inside another one, or the page was reloaded, Python cannot display in the right cell.
Then the page, which knows the cell, inserts the static output.
"""

import sys
import threading
import traceback
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from anywidget import AnyWidget
from IPython.display import DisplayHandle
from traitlets import Bool, Dict, Enum, List, Unicode, default, observe

from ..client.arguments import encode
from ..client.chat import Chat
from ..client.result import Result
from ..display.control_channel import ignore, listen
from ..display.front_end import is_terminal
from ..display.outputs import EMPTY, widget_bundle
from ..errors import FalNotebookError
from ..safety.plain_text import one_line
from . import export, page_messages, page_requests, suggestions, visitors
from .answering import Answering, Prompt
from .box_form import BoxForm, given
from .branches import Branches
from .connection import Connection
from .connection_state import STATES
from .conversation import Conversation
from .memory import Memory, begun
from .page_actions import PageActions
from .page_code import SCRIPT, STYLE
from .removal import Removals
from .transcript_outputs import displayed

_NEEDS_A_PAGE = ' needs a page, which a terminal has not: fal.chat("ENDPOINT") talks here, too'


class PromptWidget(AnyWidget):
    """A prompt box for an endpoint, with the conversation above it. A run does not block the kernel.

    Args:
        endpoint: the endpoint with its sub-path. If none is named, it is one that remembers where there is a key for
            fal or a gateway that serves it, else ``fal-ai/any-llm/stream``.
        arguments: its arguments other than the prompt; ``model`` has a separate field in the page.
        field: the argument that takes the prompt.
        base_url: another host: ``wss://host`` or ``ws://127.0.0.1:8000``.
        timeout: seconds for a request; None for no limit.
        play: whether to play sound while it is being generated.
        system: what the model is told before the conversation.
        remember: whether an endpoint that takes one prompt gets the earlier turns before it. Endpoints that take
            ``messages``, as OpenAI's chat completions do, always get them.
        chat: a conversation to go on with, a `Chat`, of `fal.chat` or another box. Endpoint and arguments are its own
            unless others are given.
        messages: a conversation to go on with, in OpenAI's form, as ``export("….json")`` has written it.
        enter_sends: whether Enter sends and Shift+Enter makes a line, or the other way round.
        compact: whether the page has prompts and answers alone, as for Voilà or teaching: whoever uses the page can
            neither see nor change the endpoint, its arguments, the model and the system prompt.
        more: further arguments of the endpoint by name, as ``temperature=0.5``.

    Attributes:
        endpoint: the endpoint of the next run.
        arguments: the arguments of the next run; both the page and Python can change them.
        prompt: the text in the box.
        play: whether the next run plays sound while it is being generated; the page has a switch for it.
        system: what the model is told before the conversation.
        remember: see above; the page has a switch for it.
        enter_sends: see above.
        chat: the conversation, a `Chat`. Its messages are what the next prompt is sent with.
        results: the answers, oldest first, including those that were stopped or failed.
        state: ``idle`` (not shown yet), ``connecting``, ``reconnecting`` (an earlier connection was lost or closed),
            ``ready``, ``streaming`` or ``offline``.
        reason: why it is offline.

    These are traits. ``observe`` reports their changes, which may be made on a thread of the widget. If an observer
    fails, its traceback is printed, and the widget works on.
    """

    _esm = SCRIPT
    _css = STYLE

    endpoint = Unicode().tag(sync=True)
    prompt = Unicode().tag(sync=True)
    play = Bool().tag(sync=True)
    system = Unicode().tag(sync=True)
    remember = Bool().tag(sync=True)
    enter_sends = Bool(True).tag(sync=True)  # noqa: FBT003 - the trait's default
    compact = Bool(read_only=True).tag(sync=True)
    field = Unicode("prompt")
    arguments: "Dict[str, Any]" = Dict()
    results: "List[Result]" = List()
    state = Enum(STATES, "idle")
    reason = Unicode()

    def __init__(
        self,
        endpoint: str | None = None,
        arguments: Mapping[str, Any] | None = None,
        field: str = "prompt",
        *,
        base_url: str | None = None,
        timeout: float | None = None,
        play: bool = False,
        system: str | None = None,
        remember: bool | None = None,
        chat: Chat | None = None,
        messages: Iterable[Mapping[str, Any]] = (),
        enter_sends: bool = True,
        compact: bool = False,
        **more: Any,
    ) -> None:
        self._is_compact = compact
        self._lock = threading.RLock()
        if endpoint is None:
            endpoint = suggestions.default_endpoint(base_url) if chat is None else chat.endpoint
        arguments = given(arguments, more, chat)
        options = {"system": system, "remember": remember, "base_url": base_url, "timeout": timeout}
        self.chat = begun(chat, endpoint, list(messages), **options)
        base_url = self.chat.base_url
        self.chat.field = field
        memory = Memory(self.chat)
        show = visitors.bundle if compact else Result._repr_mimebundle_
        self._conversation = Conversation(self, self._lock, show)
        branches = Branches(self._lock, self._conversation, memory)
        self._form = BoxForm(self, self._lock, base_url, lambda arguments: self._set_traits(arguments=arguments))
        self._connection = Connection(
            self._lock,
            base_url,
            is_streaming=lambda: self._conversation.running is not None,
            tell=lambda state, reason: self.send(page_messages.state(state, reason, self._conversation.status)),
            note=lambda state, reason: self._set_traits(reason=reason, state=state),
        )
        self._answering = Answering(
            self._conversation,
            memory,
            branches,
            self._connection,
            sent=lambda: self.send(self._form.message(whole=False)),
            changed=self._note_answer,
        )
        self._conversation.restore(memory.entries())
        self._removals = Removals(self._lock, self._conversation, memory, self.send, self._update_results)
        self._actions = PageActions(
            self,
            self._form,
            self._conversation,
            branches,
            self._removals,
            self._answering,
            show_all=self._show_all,
            forget=self._forget,
            set_traits=self._set_traits,
            changed=self._update_results,
            is_compact=compact,
        )
        self._is_shown = False
        self._control = listen(self._handle)
        self._views: list[DisplayHandle] = []
        self.set_trait("compact", compact)
        others = self._form.with_model(arguments, endpoint)
        prompt = others.pop(field, "")
        super().__init__(
            endpoint=endpoint,
            field=field,
            prompt=prompt if isinstance(prompt, str) else encode(prompt),
            play=play,
            system=self.chat.system,
            remember=self.chat.remember,
            enter_sends=enter_sends,
        )
        self.arguments = others
        self._update_results()
        self.on_msg(self._receive)

    def run(self, prompt: str | None = None) -> None:
        """Send a prompt, by default the text in the box, and return at once. The answer will be added to `results`.

        Raises:
            InvalidRequest: an answer is still streaming, or endpoint, arguments or prompt cannot be used.
            CredentialsError: no key was found.
        """
        self._actions.begin(Prompt(*self._form.now, self.prompt if prompt is None else prompt))

    def wait(self) -> None:
        """Wait until the running answer has ended and is in `results`. An interrupt ends the wait, not the answer."""
        self._answering.wait()

    def stop(self) -> None:
        """Stop the running answer, if there is one, and keep what has come."""
        with self._lock:
            running = self._conversation.running
        if running is not None:
            running.stream.cancel()
            if self._is_shown:
                self.connect()  # since stopping closes the connection

    def clear(self) -> None:
        """Remove all entries, forget what was said, and stop the running answer. In the page this can be undone."""
        self._forget()
        self._removals.settle()
        self._conversation.keep_nothing()

    def _forget(self) -> None:
        """Remove all entries from page and memory. They stay in the transcript."""
        self._conversation.clear()  # first, so that the end of the stopped answer is not shown
        self.stop()
        self.chat.drop(message for message in self.chat.messages if message["role"] != "system")
        self._update_results()

    def export(self, path: str | Path) -> Path:
        """Write the conversation into a file, and return its path. An existing file is replaced.

        Args:
            path: a name that ends in ``.md`` for what the box shows, as Markdown, or in ``.json`` for the messages in
                OpenAI's form, with which ``PromptWidget(messages=…)`` and ``Chat.load`` go on.

        Raises:
            InvalidRequest: the name ends otherwise.
            OSError: the file could not be written.
        """
        return export.write(path, self._conversation.entries, self.chat.messages, self.chat.usage)

    def connect(self) -> None:
        """Open the connection to the endpoint in the background; `state` shows the outcome."""
        self._connection.open(self.endpoint)

    def close(self) -> None:
        """Stop the running answer, and remove the widget from the page. The transcript stays."""
        views, self._views, self._is_shown = self._views, [], False
        ignore(self._control)
        self._removals.settle()
        self.stop()
        self._conversation.silence()
        for view in views:
            view.update(EMPTY, raw=True)
        self.layout.close()
        super().close()

    def __del__(self) -> None:
        # ipywidgets updates outputs, which needs an import, and imports fail while the interpreter shuts down.
        if not sys.is_finalizing() and self.comm is not None:
            super().__del__()

    def __repr__(self) -> str:
        count = len(self.results)
        return self._words(f", {count} answer{'' if count == 1 else 's'}")

    def _words(self, more: str = "") -> str:
        name = "" if self._is_compact else f" {one_line(self.endpoint)}"
        return f"<PromptWidget{name}{more}>{_NEEDS_A_PAGE if is_terminal() else ''}"

    def _ipython_display_(self) -> None:
        self._views += displayed(widget_bundle(self, self._words()))  # an export has no number of this moment's answers
        self._conversation.display()
        self._connect_when_shown()

    def _connect_when_shown(self) -> None:
        """Connect when the widget is first shown, and try again at each later display while it is offline."""
        self._is_shown = True
        self._form.look_up()
        if self._conversation.running is None and self.state in ("idle", "offline"):
            self.connect()

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take the traits that a page sets. The page of a compact box can set only the prompt."""
        taken = visitors.SETTABLE if self._is_compact else set(self.keys) - {"compact"}
        super().set_state({name: value for name, value in sync_data.items() if name in taken})

    def send(self, content: Any, buffers: Any = None) -> None:
        """Send a message to the page; to that of a compact box, only what a visitor may know."""
        if self._is_compact and (content := visitors.message(content)) is None:
            return
        super().send(content, buffers)

    @default("keys")
    def _synced(self) -> list[str]:
        hidden = visitors.HIDDEN if self._is_compact else ()
        return [name for name in self.traits(sync=True) if name not in hidden]

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> Any:  # noqa: FBT001, FBT002 - as in ipywidgets
        """The state for the page. The complete state has the answers' words too, for marimo offers it as ``value``."""
        state = super().get_state(key, drop_defaults)
        return state if key is not None else {**state, "answers": [result.text for result in self.results]}

    @observe("arguments")
    def _show_arguments(self, _: object) -> None:
        self._form.show_arguments()

    @observe("endpoint")
    def _use_endpoint(self, _: object) -> None:
        self._form.use_endpoint(look_up=self._is_shown)
        if self._is_shown and self._conversation.running is None:
            self.connect()

    @observe("system", "remember")
    def _use_memory(self, _: object) -> None:
        self.chat.remember = self.remember
        if self.system != self.chat.system:
            self.chat.system = self.system

    def _receive(self, _: object, content: Mapping[str, Any], buffers: Sequence[bytes | memoryview] = ()) -> None:
        self._handle(content, buffers)

    def _handle(self, content: Mapping[str, Any], buffers: Sequence[bytes | memoryview] = ()) -> None:
        """Do what a message of the page asks for, or tell the page why not."""
        try:
            request = page_requests.read(content, buffers)
            self._actions.perform(visitors.request(request) if self._is_compact else request)
        except FalNotebookError as exc:
            self.send(visitors.refused(exc) if self._is_compact else page_messages.refused(exc))

    def _show_all(self, view: str) -> None:
        """Send a new view everything that it shows."""
        with self._lock:
            self._conversation.show_all(
                view,
                page_messages.control(self._control),
                self._form.message(),
                page_messages.state(*self._connection.reported, self._conversation.status),
                page_messages.past_prompts(),
                page_messages.total(self.chat.usage),
            )
            self._form.files.show_if_any(view)
        self._connect_when_shown()

    def _update_results(self) -> None:
        """Set `results` to the answers of the conversation."""
        self._set_traits(results=self._conversation.results)

    def _note_answer(self) -> None:
        """Set `results`, and tell the page what all answers together have used."""
        self._update_results()
        self.send(page_messages.total(self.chat.usage))

    def _set_traits(self, **traits: Any) -> None:
        """Set traits one after the other, even if the user's observers fail."""
        for name, value in traits.items():
            try:
                setattr(self, name, value)
            except Exception:  # noqa: BLE001 - it is the user's, and nobody could catch it on the widget's thread
                traceback.print_exc()
