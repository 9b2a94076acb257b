"""The form of a box: rows that users edit, what the endpoint's schema makes of them, and the files of the next prompt.

Both the page and Python can change the arguments. The rows stay as the user wrote them while they stand for the
arguments; while one of them is wrong, the last valid arguments stay.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from ..client.arguments import together
from ..client.chat import Chat
from ..errors import InvalidRequest
from . import page_messages, suggestions
from .argument_rows import Form, InvalidForm, Row, are_same
from .page_messages import Message
from .prompt_files import PromptFiles
from .schema_form import SchemaForm

_OF_WIDGETS = ("layout", "tabbable", "tooltip")  # what every widget of ipywidgets has


class Box(Protocol):
    """What the form needs of the widget."""

    @property
    def endpoint(self) -> str:
        """The endpoint of the next run."""
        ...

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of the next run."""
        ...

    @property
    def field(self) -> str:
        """The argument that takes the prompt."""
        ...

    def send(self, content: Message, buffers: list[bytes] | None = None) -> None:
        """Send a message to every view, with binary buffers."""
        ...


class BoxForm:
    """The form of a box. Usable from any thread.

    Args:
        box: the widget.
        lock: the widget's lock.
        base_url: the host of its endpoints; None for the usual one.
        set_arguments: sets the widget's arguments, even if an observer fails.

    Attributes:
        schema: what the endpoint's schema says.
        files: the files that go with the next prompt.
    """

    def __init__(
        self,
        box: Box,
        lock: threading.RLock,
        base_url: str | None,
        set_arguments: Callable[[dict[str, Any]], None],
    ) -> None:
        self.schema = SchemaForm(self.show)
        self.files = PromptFiles(
            lock,
            self.schema,
            form=lambda: (box.endpoint, box.arguments),
            set_arguments=set_arguments,
            send=box.send,
        )
        self._box = box
        self._set_arguments = set_arguments
        self._base_url = base_url
        self._rows = Form({})
        self._chosen_model = ""

    @property
    def rows(self) -> Sequence[Row]:
        """The rows as they stand."""
        return self._rows.rows

    @property
    def now(self) -> tuple[str, dict[str, Any]]:
        """The endpoint and the arguments of the next run.

        Raises:
            InvalidForm: a row is wrong.
        """
        return self._box.endpoint, self._rows.arguments()

    def with_model(self, arguments: Mapping[str, Any], endpoint: str) -> dict[str, Any]:
        """The arguments with the model that was last chosen, or without one, as the endpoint takes it."""
        others, self._chosen_model = suggestions.with_model(arguments, endpoint, self._chosen_model)
        return others

    def use_endpoint(self, *, look_up: bool) -> None:
        """Follow a change of the endpoint; look up its schema if the box is shown."""
        box = self._box
        arguments = self.with_model(box.arguments, box.endpoint)
        if arguments != box.arguments:
            self._set_arguments(arguments)
        if look_up:
            self.look_up()
        self.show()
        self.files.show_if_any()

    def look_up(self) -> None:
        """Look up the endpoint's schema in the background, unless it is known."""
        self.schema.look_up(self._box.endpoint, self._base_url)

    def show_arguments(self) -> None:
        """Show the arguments. If the rows already stand for them, they stay as the user wrote them."""
        try:
            if are_same(self._rows.arguments(), self._box.arguments):
                return
        except InvalidForm:
            pass
        self._rows = Form(self._box.arguments)
        self.show()

    def show(self) -> None:
        """Send the page the form as it is now."""
        self._box.send(self.message())

    def message(self, *, whole: bool = True) -> Message:
        """The form as it is now; the fields of the schema only if it is to be whole."""
        try:
            doubts = self.schema.doubts(self._rows.arguments(), self._box.field)
        except InvalidForm:
            doubts = {}
        fields = self.schema.fields(self._box.field) if whole else None
        return page_messages.form(self._rows, self._box.endpoint, fields, doubts, self.schema.endpoints)

    def take_rows(self, rows: Sequence[Row], view: str) -> None:
        """Take the rows that someone edited in a view, and send them to all other views."""
        self._rows.take(rows)
        self._box.send({**self.message(whole=False), "but": view})
        try:
            arguments = self._rows.arguments()
        except InvalidForm:
            return  # the page marks the wrong row; the last valid arguments stay
        if not are_same(arguments, self._box.arguments):
            self._set_arguments(arguments)


def given(arguments: Mapping[str, Any] | None, more: Mapping[str, Any], chat: Chat | None) -> dict[str, Any]:
    """The arguments with which a box begins.

    Args:
        arguments: those in a dict; None for those of the conversation.
        more: those by name.
        chat: the conversation with which the box goes on.

    Raises:
        InvalidRequest: what stands in the place of the dict is none, or one by name is meant for the widget.
    """
    for name in _OF_WIDGETS:
        if name in more:
            raise InvalidRequest(f"{name} is no argument of the endpoint", hint=f"set it afterwards: box.{name} = …")
    return together(chat.arguments if arguments is None and chat is not None else arguments, more)
