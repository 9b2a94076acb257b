"""Makes the requests of a ``%%falstream`` run from its options and cell, and checks them before anything is sent."""

import difflib
from argparse import Namespace
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..client.arguments import settled
from ..client.catalogue import Catalogue
from ..client.chat import Chat
from ..client.chats import Chats
from ..client.messages import as_messages
from ..client.queue import submit_stream
from ..client.result import Result
from ..client.sessions import session
from ..client.streaming import Stream
from ..errors import InvalidRequest
from ..wire.environment import base_url, is_fal
from ..wire.target import endpoint_name
from .cell_arguments import from_cell, from_line
from .completion_words import SUBCOMMANDS

if TYPE_CHECKING:
    from ..schema.endpoint_schema import EndpointSchema

_PROMPT = "prompt"  # the argument that is the cell, where the line names no other
_NEAR = 0.75  # how like a subcommand a word has to be: ``stat`` is meant as ``status``


@dataclass(frozen=True)
class Request:
    """One request of a run.

    Attributes:
        endpoint: the endpoint.
        arguments: its JSON body; in a conversation, the arguments that are new in it.
        chat: the conversation that the request belongs to.
        prompt: what is said in the conversation.
        system: what the model is told before the conversation from now on; None leaves that as it is.
    """

    endpoint: str
    arguments: dict[str, Any]
    chat: Chat | None = None
    prompt: str = ""
    system: str | None = None

    @property
    def body(self) -> dict[str, Any]:
        """What will be sent."""
        return self.arguments if self.chat is None else self._in(self.chat.fork()).body(self.prompt)

    @property
    def base_url(self) -> str | None:
        """The host that the conversation has; a request outside of one goes where the line says."""
        return None if self.chat is None else self.chat.base_url

    def bodies(self) -> Iterator[dict[str, Any]]:
        """What will be sent, made when it is asked for: in a conversation it is all of it."""
        yield self.body

    def stream(self, *, base_url: str | None, timeout: float | None) -> Stream:
        """Send the request. What it changes of its conversation is changed with it."""
        if self.chat is None:
            return session().stream(self.endpoint, self.arguments, base_url=base_url, timeout=timeout)
        chat = self._in(self.chat)
        chat.base_url, chat.timeout = base_url or chat.base_url, timeout or chat.timeout
        return chat.send([self.prompt], {}, None)

    def queued(self, *, base_url: str | None, timeout: float | None) -> Stream:
        """Put the request into fal's queue, and follow it."""
        return submit_stream(session(), self.endpoint, self.arguments, base_url=base_url, timeout=timeout)

    def noted(self, result: Result) -> Result:
        """The result, with a note of what the conversation left out."""
        return result if self.chat is None else self.chat.noted(result)

    def _in(self, chat: Chat) -> Chat:
        """The conversation with the endpoint, the arguments and the system prompt of this request."""
        chat.endpoint = self.endpoint
        chat.arguments |= self.arguments
        if self.system is not None:
            chat.system = self.system
        return chat


def read_requests(
    options: Namespace, cell: str, namespace: Mapping[str, Any], *, in_cell: bool = False
) -> dict[str, Request]:
    """The requests of a run: one for each endpoint or each model, by its name.

    Args:
        options: what the line says.
        cell: the cell below the line.
        namespace: the variables for ``{{expression}}``.
        in_cell: whether there is a cell at all.

    Raises:
        InvalidRequest: something in the options or the cell cannot be sent.
    """
    names = None if options.raw else namespace
    arguments = settled(
        {
            **_from_variable(options.input, namespace),
            **from_cell(cell, options.field, names, as_text=options.as_text),
            **from_line(options.arguments, names, schema_of_line(options)),
        }
    )
    if options.chat is not None or options.go_on:
        request = _said_in_chat(arguments, options, namespace)
        return {request.endpoint: request}
    if in_cell and not arguments and not cell.strip("\ufeff").strip():
        raise InvalidRequest("the cell is empty", hint=f"%falstream {options.endpoint} sends no arguments")
    endpoints = _checked_names(
        [_endpoint(name, options.base_url) for name in options.endpoint.split(",")], options.endpoint
    )
    asked = {name: arguments if options.as_text else as_messages(name, arguments) for name in endpoints}
    if options.models is None:
        return {name: Request(name, asked[name]) for name in endpoints}
    models = _checked_names([name.strip() for name in options.models.split(",")], f"--models {options.models}")
    return {name: Request(endpoints[0], {**asked[endpoints[0]], "model": name}) for name in models}


def _endpoint(name: str, base: str | None) -> str:
    """The endpoint's name. A single word is one only on a gateway of the user's own, and if it is no subcommand.

    Raises:
        InvalidRequest: it is none.
    """
    endpoint = endpoint_name(name)
    if "/" in endpoint:
        return endpoint
    near = difflib.get_close_matches(endpoint.lower(), SUBCOMMANDS, n=1, cutoff=_NEAR)
    if near:
        takes = {"info": " ENDPOINT", "find": " WORDS", "attach": " ENDPOINT REQUEST_ID"}
        meant = f"{near[0]}{takes.get(near[0], '')}"
        raise InvalidRequest(f"{endpoint} is no endpoint", hint=f"did you mean the line %falstream {meant}?")
    if not base and is_fal(base_url()):
        raise InvalidRequest(f"{endpoint} is no endpoint of fal", hint="it is like fal-ai/any-llm/stream")
    return endpoint


def _said_in_chat(arguments: dict[str, Any], options: Namespace, namespace: Mapping[str, Any]) -> Request:
    """The request that goes on with a conversation, or begins one.

    Arguments of the line and the cell stay with the conversation; ``system`` is what the model is told before it.
    """
    endpoint = None if options.endpoint is None else _endpoint(options.endpoint, options.base_url)
    chat = _chat(options, namespace, endpoint)
    prompt = arguments.pop(options.field, "")
    if not isinstance(prompt, str) or not prompt.strip():
        raise InvalidRequest("the cell has no prompt", hint="what is said in a conversation is the cell")
    if "messages" in arguments:
        raise InvalidRequest("messages are what the conversation sends", hint="edit them in the variable's .messages")
    system = arguments.pop("system") if isinstance(arguments.get("system"), str) else None
    return Request(endpoint or chat.endpoint, arguments, chat, prompt, system)


def _chat(options: Namespace, namespace: Mapping[str, Any], endpoint: str | None) -> Chat:
    if options.go_on:
        last: Chat | None = session().companion(Chats).last
        if last is None:
            raise InvalidRequest("--continue: there is no conversation yet", hint="--chat NAME begins one")
        return last
    found = namespace.get(options.chat)
    found = getattr(found, "chat", found)  # a prompt widget has its conversation there
    if isinstance(found, Chat):
        return found
    if options.chat in namespace:
        raise InvalidRequest(f"--chat {options.chat}: that variable is no conversation", hint="choose another name")
    if endpoint is None:
        raise InvalidRequest(f"--chat {options.chat}: a new conversation needs an endpoint")
    return Chat(endpoint)


def _checked_names(names: list[str], shown: str) -> list[str]:
    if not all(names) or len(set(names)) < len(names):
        raise InvalidRequest(f"{shown}: different names with commas and no spaces between them are wanted")
    return names


def _from_variable(name: str | None, namespace: Mapping[str, Any]) -> dict[str, Any]:
    if name is None:
        return {}
    if name not in namespace:
        raise InvalidRequest(f"--input {name}: no such variable")
    value = namespace[name]
    if not isinstance(value, Mapping):
        raise InvalidRequest(f"--input {name}: a dict is wanted, this is a {type(value).__name__}")
    return {str(key): each for key, each in value.items()}


def schema_of_line(options: Namespace) -> "EndpointSchema | None":
    """The schema of the line's endpoint, of the first one if there are several; None if none is known yet."""
    if options.check == "off" or not options.endpoint:
        return None
    try:
        endpoint = endpoint_name(options.endpoint.partition(",")[0])
        known = session().companion(Catalogue).known(endpoint, options.base_url or None)
    except InvalidRequest:  # said when the request is made
        return None
    return None if known is None else known.schema
