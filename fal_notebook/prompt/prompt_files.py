"""The files that go with the next prompt of a box: taken from the page, placed among the arguments, told to the page.

At an endpoint that takes ``messages`` they are parts of the message. At any other, each goes into the argument that the
schema has for it.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..client.known_endpoints import takes_messages
from ..errors import InvalidRequest
from ..media.media import Media
from . import page_messages
from .attachments import Attachments, FileRefused, Piece
from .schema_form import SchemaForm, with_file


@dataclass
class PromptFiles:
    """The files of a box. Usable from any thread.

    Attributes:
        lock: the widget's lock.
        schema: what the endpoint's schema says.
        form: returns the endpoint and the arguments of the next run.
        set_arguments: is called with the arguments once a file has become one of them.
        send: sends a message to the page.
    """

    lock: threading.RLock
    schema: SchemaForm
    form: Callable[[], tuple[str, Mapping[str, Any]]]
    set_arguments: Callable[[dict[str, Any]], object]
    send: Callable[..., object]
    _files: Attachments = field(default_factory=Attachments)

    @property
    def media(self) -> list[Media]:
        """The files that are here, for the next prompt."""
        return self._files.media

    def take(self, piece: Piece) -> None:
        """Take a piece of a file that a page sends: for an argument, or else for the next prompt.

        Raises:
            FileRefused: the file did not arrive whole, is empty or too large, or the endpoint takes none of its kind.
        """
        with self.lock:
            whole = self._files.take(piece)
            if whole is None or whole.media is None:
                return
            if piece.argument:
                self._files.remove(piece.file)
        if piece.argument:
            _, arguments = self.form()
            several = isinstance(arguments.get(piece.argument), list) or self.schema.takes_several(piece.argument)
            self.set_arguments(with_file(arguments, piece.argument, whole.media, several=several))
            return
        try:
            self._places()
        except InvalidRequest as exc:
            self._files.remove(piece.file)
            raise FileRefused(exc.message, hint=exc.hint) from None
        finally:
            self.show()

    def remove(self, file: str) -> None:
        """Remove a file, if it is there, and tell the page."""
        with self.lock:
            self._files.remove(file)
        self.show()

    def clear(self) -> None:
        """Remove the files, which have been sent, and tell the page."""
        with self.lock:
            self._files.clear()
        self.show()

    def show(self, view: str | None = None) -> None:
        """Send the page, or one view of it, the files that go with the next prompt."""
        try:
            places = self._places()
        except InvalidRequest:
            places = {}
        message, buffers = page_messages.attached(self._files.whole, places)
        self.send(message if view is None else {**message, "view": view}, buffers)

    def show_if_any(self, view: str | None = None) -> None:
        """`show`, if there are files."""
        if self._files.whole:
            self.show(view)

    def among(self, arguments: dict[str, Any], files: Sequence[Any]) -> dict[str, Any]:
        """The arguments with these files among them, for an endpoint that takes no messages.

        Raises:
            InvalidRequest: the endpoint takes no such file.
        """
        for media in files:
            if not isinstance(media, Media):
                raise InvalidRequest("this endpoint takes no message", hint="attach the file to a new prompt")
            name, several = self.schema.place(media, arguments)
            arguments = with_file(arguments, name, media, several=several)
        return arguments

    def _places(self) -> dict[str, str]:
        """The argument that each file goes into, by the file's id; none where the message takes them."""
        endpoint, given = self.form()
        if takes_messages(endpoint.strip().strip("/")):
            return {}
        places, arguments = {}, dict(given)
        for name, each in self._files.whole:
            if each.media is not None:
                places[name], several = self.schema.place(each.media, arguments)
                arguments = with_file(arguments, places[name], each.media, several=several)
        return places
