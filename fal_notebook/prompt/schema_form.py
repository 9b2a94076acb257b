"""What the endpoint's schema makes of a box's form: the fields, and the problems beside them.

The schema is looked up on a thread of its own, so that neither the box nor a request waits for it. Until it is there,
and where there is none, the form is rows alone.
"""

import contextlib
import threading
from collections.abc import Callable, Mapping
from typing import Any

from ..client.catalogue import Catalogue, KnownSchema
from ..client.sessions import session
from ..errors import FalNotebookError, InvalidRequest
from ..media.media import Media
from ..wire.environment import fetches_schemas, is_fals
from .suggestions import names_of_gateway

_OWN = ("messages", "model", "prompt", "stream", "system_prompt")
"""The arguments that the box sends from other places than the form's fields."""
WAY_OUT = 'box.chat.check = "off"'
"""What sends the arguments of a box as they are, for the words of an error."""


class InvalidArguments(InvalidRequest):
    """The endpoint is certain to refuse the arguments. Nothing was sent.

    Args:
        doubts: what is wrong, by the name of the argument.
    """

    def __init__(self, doubts: Mapping[str, str]) -> None:
        super().__init__("; ".join(doubts.values()), hint=f"nothing was sent; {WAY_OUT} sends it as it is")
        self.doubts = dict(doubts)


class SchemaForm:
    """The schema of a box's endpoint, and what it says of the arguments.

    Args:
        found: is called, on another thread, when a schema has been found.

    Attributes:
        endpoints: the endpoints of the box's gateway; None if they are not known, or fal is asked.
    """

    def __init__(self, found: Callable[[], object]) -> None:
        self.endpoints: list[str] | None = None
        self._found = found
        self._wanted: tuple[str, str | None] | None = None
        self._known: KnownSchema | None = None

    def look_up(self, endpoint: str, base_url: str | None) -> None:
        """Forget the schema of the endpoint before, and look up this one's in the background."""
        wanted = endpoint.strip().strip("/"), base_url
        if wanted == self._wanted:
            return
        self._wanted, self._known = wanted, None
        if fetches_schemas() and wanted[0]:
            threading.Thread(target=self._find, args=wanted, name="fal_notebook form", daemon=True).start()

    def _find(self, endpoint: str, base_url: str | None) -> None:
        known = None
        with contextlib.suppress(FalNotebookError):  # then the form stays as it is
            if self.endpoints is None and not is_fals(base_url):
                self.endpoints = names_of_gateway(base_url)
            known = session().companion(Catalogue).find(endpoint, base_url)
        if self._wanted == (endpoint, base_url) and (known or self.endpoints):
            self._known = known
            self._found()

    def fields(self, field: str) -> dict[str, Any]:
        """What the page gets of the schema: the fields, that of the model, and whether a system prompt is taken.

        Args:
            field: the argument that takes the prompt.
        """
        if self._known is None:
            return {}
        from . import argument_fields  # imported with the first schema, as what reads it

        schema = self._known.schema
        return {
            "fields": argument_fields.fields_of(schema, (field, *_OWN)),
            "model": argument_fields.model_field(schema),
            "takesPrompt": self._takes(field) or self._takes("messages"),
            "takesSystem": any(schema.argument(each) for each in ("messages", "system_prompt")) or schema.takes_more,
        }

    def may_be_empty(self, field: str, prompt: Mapping[str, Any]) -> bool:
        """Whether a request without a prompt is meant: the endpoint takes none, or need not have one beside others.

        Args:
            field: the argument that takes the prompt.
            prompt: the other arguments, with the files among them.
        """
        if self._known is None:
            return False
        taken = self._known.schema.argument(field)
        return not self._takes(field) or (taken is not None and not taken.required and bool(prompt))

    def _takes(self, name: str) -> bool:
        return self._known is None or self._known.schema.takes_more or self._known.schema.argument(name) is not None

    @property
    def takes_model(self) -> bool:
        """Whether the schema has an argument ``model``."""
        return self._known is not None and self._known.schema.argument("model") is not None

    def doubts(self, arguments: Mapping[str, Any], field: str, *, certain: bool = False) -> dict[str, str]:
        """What is wrong with the arguments, or seems so, by the name of the argument.

        What is missing is told only if it is certain: while someone fills in the form, its mark is enough.

        Args:
            arguments: the arguments without the prompt.
            field: the argument that takes the prompt.
            certain: whether only what the endpoint is certain to refuse is wanted.
        """
        if self._known is None:
            return {}
        from ..schema.checking import check
        from .argument_fields import by_argument

        found = check(self._known.schema, arguments)
        if certain:
            found = [each for each in found if each.is_certain and not self._known.is_old]
        sent = {field, *_OWN} - {"model"}
        doubts = {name: words for name, words in by_argument(found).items() if name not in sent}
        return doubts if certain else {name: words for name, words in doubts.items() if name in arguments}

    def check(self, arguments: Mapping[str, Any], field: str) -> None:
        """Refuse what the endpoint is certain to refuse.

        Raises:
            InvalidArguments: there is something.
        """
        if doubts := self.doubts(arguments, field, certain=True):
            raise InvalidArguments(doubts)

    def takes_several(self, name: str) -> bool:
        """Whether an argument takes a list."""
        if self._known is None:
            return False
        from .argument_fields import takes_several

        argument = self._known.schema.argument(name)
        return argument is not None and takes_several(argument)

    def place(self, media: Media, arguments: Mapping[str, Any]) -> tuple[str, bool]:
        """The argument that takes a file, and whether it takes several.

        Raises:
            InvalidRequest: the endpoint takes no such file.
        """
        kind = media.kind if media.kind in ("image", "audio", "video") else "file"
        if self._known is None:
            return f"{kind}_url", False
        from .argument_fields import file_argument, takes_several

        found = file_argument(self._known.schema, kind, arguments)
        if found is None:
            name, before = media.file_name or "the file", file_argument(self._known.schema, kind, {})
            if before is not None:
                raise InvalidRequest(f"{name}: {before.name} has a file already", hint="remove that one first")
            raise InvalidRequest(f"{name}: the endpoint takes no {kind}", hint="see its arguments")
        return found.name, takes_several(found)


def with_file(arguments: Mapping[str, Any], name: str, media: Media, *, several: bool) -> dict[str, Any]:
    """The arguments with a file as one of them; a list gets it at its end."""
    if not several:
        return {**arguments, name: media}
    before = arguments.get(name)
    return {**arguments, name: [*(before if isinstance(before, list) else []), media]}
