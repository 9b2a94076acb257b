"""Does what a page of a box asks for. What is asked for is read by `page_requests`."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

from ..client.argument_check import checked
from ..client.chat import Chat
from ..client.known_endpoints import takes_messages
from ..errors import InvalidRequest
from . import export, page_messages
from .answering import Answering, Prompt
from .box_form import BoxForm
from .branches import Branches
from .conversation import Conversation
from .entry import Entry
from .page_messages import Message
from .page_requests import (
    Attach,
    BringEarlier,
    BringTranscript,
    Clear,
    Copy,
    Delete,
    Detach,
    Edited,
    Export,
    Hello,
    Regenerate,
    Request,
    Run,
    ShowVersion,
    Stop,
    Undo,
)
from .removal import Removals


class Box(Protocol):
    """What the actions need of the widget."""

    chat: Chat

    @property
    def field(self) -> str:
        """The argument that takes the prompt."""
        ...

    @property
    def play(self) -> bool:
        """Whether the next run plays sound."""
        ...

    def stop(self) -> None:
        """Stop the running answer, if there is one."""
        ...

    def send(self, content: Message, buffers: list[bytes] | None = None) -> None:
        """Send a message to every view, with binary buffers."""
        ...


@dataclass
class PageActions:
    """The actions of a page, and the sending of prompts, which Python asks for too. Usable from any thread.

    Attributes:
        box: the widget.
        form: its form.
        conversation: its conversation.
        branches: the versions of its turns.
        removals: what can be undone.
        answering: sends prompts.
        show_all: sends a new view everything that it shows.
        forget: removes all entries from page and memory.
        set_traits: sets traits of the widget, even if an observer fails.
        changed: is called when the answers of the conversation have changed.
        is_compact: whether the page can change prompts alone.
    """

    box: Box
    form: BoxForm
    conversation: Conversation
    branches: Branches
    removals: Removals
    answering: Answering
    show_all: Callable[[str], None]
    forget: Callable[[], None]
    set_traits: Callable[..., None]
    changed: Callable[[], None]
    is_compact: bool

    def perform(self, request: Request | None) -> None:
        """Do what a message of the page asks for.

        Raises:
            FalNotebookError: why it cannot be done.
        """
        match request:
            case Hello(view):
                self.show_all(view)
            case Edited(view, rows):
                self.form.take_rows(rows, view)
            case Run():
                self._run(request)
            case Attach(piece):
                self.form.files.take(piece)
            case Detach(file):
                self.form.files.remove(file)
            case Stop(number):
                if self.conversation.is_newest(number):  # a click may arrive long after it was made
                    self.box.stop()
            case Clear():
                with self.removals.undoable("Cleared.", self.conversation.entries):
                    self.forget()
            case Undo():
                self.removals.undo()
            case Copy(view, number):
                self.conversation.copy(view, number)
            case Export(view, suffix):
                self._export(view, suffix)
            case BringEarlier(view, numbers):
                self.conversation.show_earlier(view, numbers)
            case BringTranscript(view, pieces):
                self.conversation.show_transcript(view, pieces)
            case Regenerate(number) | ShowVersion(number) | Delete(number):
                if entry := self.conversation.entry(number):
                    self._change(entry, request)

    def begin(self, prompt: Prompt, instead_of: Entry | None = None) -> None:
        """Send a prompt: after all others, or in the place of an earlier one.

        Raises:
            InvalidRequest: an answer is still streaming, or endpoint, arguments or prompt cannot be used.
            CredentialsError: no key was found.
        """
        is_message = takes_messages(prompt.endpoint.strip().strip("/"))
        if not is_message:
            prompt = replace(prompt, placed=self.form.files.among(dict(prompt.arguments), prompt.files))
        if not prompt.words.strip() and not self._may_be_empty(prompt, is_message=is_message):
            raise InvalidRequest("the prompt is empty")
        chat = self.box.chat
        if checked(chat.check) != "off":
            self.form.schema.check(prompt.sent, self.box.field)
        self.set_traits(system=chat.system)  # which Python may have changed there
        chat.field = self.box.field
        self.answering.begin(prompt, instead_of, play=self.box.play)
        if instead_of is not None:
            self.removals.settle_after(instead_of)

    def _may_be_empty(self, prompt: Prompt, *, is_message: bool) -> bool:
        """Whether a prompt without words can be meant."""
        return bool(prompt.files) if is_message else self.form.schema.may_be_empty(self.box.field, prompt.sent)

    def _run(self, request: Run) -> None:
        """Send a prompt of the page. One in the place of an earlier one keeps the files of that."""
        if request.rows is not None:
            self.form.take_rows(request.rows, request.view)
        memory = {"system": request.system, "remember": request.remember}
        given: dict[str, Any] = {name: value for name, value in memory.items() if value is not None}
        if not self.is_compact:
            self.set_traits(endpoint=request.endpoint, play=request.play, **given)
        if request.instead_of is None:
            self.begin(Prompt(*self.form.now, request.prompt or "", self.form.files.media))
            self.form.files.clear()
            return
        entry = self.conversation.entry(request.instead_of)
        if entry is None:
            raise InvalidRequest("the prompt was removed meanwhile", hint="send it as a new one")
        words = entry.prompt if request.prompt is None else request.prompt
        self.begin(Prompt(*self.form.now, words, entry.files), entry)

    def _change(self, entry: Entry, request: Regenerate | ShowVersion | Delete) -> None:
        match request:
            case Regenerate():
                sent = (entry.endpoint, entry.arguments) if entry.was_sent else self.form.now
                self.begin(Prompt(*sent, entry.prompt, entry.files), entry)
            case ShowVersion():
                self.branches.walk(entry, request.version - 1)
                self.removals.settle_after(entry)
                self.changed()
            case Delete():
                if entry.result is not None:
                    self.removals.delete(entry)

    def _export(self, view: str, suffix: str) -> None:
        chat = self.box.chat
        text = export.exported(suffix, self.conversation.entries, chat.messages, chat.usage)
        message, buffers = page_messages.packed(page_messages.exported(suffix, text))
        self.box.send({**message, "view": view}, buffers)
