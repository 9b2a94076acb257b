"""What Tab offers on the magic's line, by the place of the cursor.

Subcommands and endpoints come first on the line, then the endpoint's arguments with their choices, options with theirs,
variables within ``{{``, files behind ``@``. What a word has in any part is offered, what begins with it first. A schema
that is not in memory is waited for a moment only, and names from a server are offered only if they are plain.
"""

import contextlib
import json
import re
from argparse import Action
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from IPython.core.interactiveshell import InteractiveShell

from .begun_line import BegunLine, read_begun_line
from .completion_files import files

if TYPE_CHECKING:
    from ..schema.endpoint_schema import Argument, EndpointSchema

SUBCOMMANDS = ("status", "stop", "close", "info", "find", "attach")
"""What the line form does without a request."""
PATIENCE = 0.5
"""Seconds for which Tab waits for a schema, or for a gateway's list of endpoints."""
_MOST = 200  # words that are offered
_LONGEST = 200  # characters of one
_ENDPOINT = re.compile(r"[\w.~-]+(?:/[\w.~-]+)*", re.ASCII)
_ARGUMENT = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)
_ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z_][\w.-]*)(?P<sign>:?=)(?P<value>.*)", re.DOTALL)
_PLAIN = re.compile(r"[\w./:+-]+", re.ASCII)
_NAME = re.compile(r"(?<![\w.])[A-Za-z_][\w.]*$")


@dataclass(frozen=True)
class Offer:
    """What Tab offers.

    Attributes:
        fragment: the end of the line that each of the words replaces.
        words: the words, the best first.
    """

    fragment: str
    words: Sequence[str] = ()


def offer(line: str, shell: InteractiveShell) -> Offer | None:
    """What Tab offers at the end of a line; None if it is not the magic's."""
    begun = read_begun_line(line)
    return None if begun is None else _Tab(begun, shell).offer()


class _Tab:
    """One press of the key."""

    def __init__(self, begun: BegunLine, shell: InteractiveShell) -> None:
        self._line, self._shell = begun, shell
        self._magic: Any = shell.magics_manager.magics["line"]["falstream"]
        self._actions: list[Action] = self._magic.parser._actions
        self._given: dict[str, str] = {}  # options with their values
        self._others: list[str] = []  # words that belong to no option
        self._open = self._read(begun.words)

    def _read(self, words: Sequence[str]) -> Action | None:
        """Read the whole words, and return the option whose value the begun word is."""
        waiting: Action | None = None
        for word in words:
            if waiting is not None:
                self._given[waiting.dest] = word
                waiting = None
            elif word.startswith("-"):
                name, _, value = word.partition("=")
                action = self._option(name)
                self._given |= {action.dest: value} if action else {}
                waiting = action if action and action.nargs != 0 and not value else None
            else:
                self._others.append(word)
        return waiting

    def _option(self, name: str) -> Action | None:
        return next((each for each in self._actions if name in each.option_strings), None)

    def offer(self) -> Offer:
        word = self._line.word
        if self._line.slot is not None:
            return self._variables_in(self._line.slot)
        if self._open is not None:
            return self._value_of(self._open, word)
        if word.startswith("-"):
            name, sign, value = word.partition("=")
            action = self._option(name) if sign else None
            return self._value_of(action, value) if action else _chosen(word, self._options())
        if not self._others and "=" not in word and not self._is_in_conversation:
            return self._endpoints(word, () if self._line.is_cell or "," in word else SUBCOMMANDS)
        if self._others in (["info"], ["attach"]) and not self._line.is_cell:
            return self._endpoints(word)
        if self._others[:1] and self._others[0] in SUBCOMMANDS and not self._line.is_cell:
            return Offer(word)
        match = _ASSIGNMENT.fullmatch(word)
        return self._value(match["name"], match["sign"], match["value"]) if match else self._arguments(word)

    def _options(self) -> list[str]:
        return [name for each in self._actions for name in each.option_strings if name.startswith("--")]

    def _value_of(self, action: Action, typed: str) -> Offer:
        """The values of an option, by its choices or by what it calls its value."""
        if action.choices:
            return _chosen(typed, map(str, action.choices))
        if action.metavar in ("PATH", "FILE", "FOLDER"):
            return Offer(typed, files(typed))
        if action.metavar == "A,B":
            last = typed.rpartition(",")[2]
            return _chosen(last, self._models(None))
        if action.dest == "field":
            return _chosen(typed, self._argument_names())
        if action.metavar == "NAME":
            kind: Callable[[Any], bool] = {"input": _is_mapping, "chat": _is_chat}.get(action.dest, lambda _: True)
            return _chosen(typed, [name for name, value in self._namespace.items() if kind(value)])
        return Offer(typed)

    def _endpoints(self, typed: str, subcommands: Iterable[str] = ()) -> Offer:
        from ..client.endpoint_names import EndpointNames
        from ..client.sessions import session
        from ..client.used_names import UsedNames
        from ..errors import InvalidRequest

        last = typed.rpartition(",")[2]
        used = session().companion(UsedNames).endpoints
        names = [*used]
        with contextlib.suppress(InvalidRequest):  # the base URL is none
            names += [each.endpoint for each in session().companion(EndpointNames).soon(PATIENCE, self._base_url)]
        begun = [each for each in subcommands if each.startswith(last)]
        found = _chosen(last, [each for each in names if _ENDPOINT.fullmatch(each)], first=used)
        return Offer(last, [*begun, *found.words])

    def _arguments(self, typed: str) -> Offer:
        given = {match["name"] for each in self._others if (match := _ASSIGNMENT.fullmatch(each))}
        given |= {self._given.get("field") or self._magic.__self__.field} if self._line.is_cell else set()
        names = [each for each in self._argument_names() if each not in given]
        return _chosen(typed, [f"{each}=" for each in names])

    def _argument_names(self) -> list[str]:
        schema = self._schema
        arguments = sorted(schema.arguments, key=lambda each: (not each.required, each.hidden)) if schema else []
        return [each.name for each in arguments if _ARGUMENT.fullmatch(each.name)]

    def _value(self, name: str, sign: str, typed: str) -> Offer:
        if typed.startswith("@") and not typed.startswith("@@") and sign == "=":
            return Offer(typed[1:], files(typed[1:]))
        schema = self._schema
        argument = schema.argument(name) if schema else None
        values = _choices(argument)
        values += self._models(argument) if name == "model" else []
        return _chosen(typed, [_as_written(each, sign) for each in values], of_value=True)

    def _models(self, argument: "Argument | None") -> list[str]:
        from ..client.known_endpoints import MODELS
        from ..client.sessions import session
        from ..client.used_names import UsedNames

        if argument is not None and argument.choices:
            return []
        examples = [each for each in (argument.examples if argument else ()) if isinstance(each, str)]
        return [*session().companion(UsedNames).models, *examples, *MODELS]

    def _variables_in(self, slot: str) -> Offer:
        match = _NAME.search(slot)
        typed = match[0] if match else ""
        if "." not in typed:
            return _chosen(typed, self._namespace)
        found: Iterable[str] = ()
        completer = self._shell.Completer
        line = getattr(completer, "line_buffer", "")
        try:
            completer.line_buffer = typed  # IPython 8.30 looks there and not at its argument
            found = completer.attr_matches(typed)
        except Exception:  # noqa: BLE001, S110 - IPython looks at the user's object, which may do anything
            pass
        finally:
            completer.line_buffer = line
        return Offer(typed, [each for each in found if each.startswith(typed)][:_MOST])

    @property
    def _namespace(self) -> dict[str, Any]:
        """The user's variables, without those that IPython put there."""
        hidden = self._shell.user_ns_hidden
        return {
            name: value
            for name, value in list(self._shell.user_ns.items())
            if not name.startswith("_") and hidden.get(name, hidden) is not value
        }

    @property
    def _base_url(self) -> str | None:
        return self._given.get("base_url") or self._magic.__self__.base_url or None

    @property
    def _is_in_conversation(self) -> bool:
        """Whether the line goes on with a conversation, whose endpoint need not be named."""
        return "go_on" in self._given or _is_chat(self._namespace.get(self._given.get("chat", "")))

    @property
    def _schema(self) -> "EndpointSchema | None":
        from ..client.catalogue import Catalogue
        from ..client.sessions import session
        from ..errors import InvalidRequest

        name = next((each for each in self._others if "=" not in each), "").partition(",")[0]
        base_url = self._base_url
        if not name and (chat := self._chat):
            name, base_url = chat.endpoint, base_url or chat.base_url
        try:
            known = session().companion(Catalogue).soon(name.strip("/"), PATIENCE, base_url) if name else None
        except InvalidRequest:
            return None
        return known.schema if known else None

    @property
    def _chat(self) -> Any:
        from ..client.chats import Chats
        from ..client.sessions import session

        if "go_on" in self._given:
            return session().companion(Chats).last
        found = self._namespace.get(self._given.get("chat", ""))
        return getattr(found, "chat", found)


def _chosen(typed: str, words: Iterable[str], *, first: Sequence[str] = (), of_value: bool = False) -> Offer:
    """The words that have in any part what was typed: ``first`` ones first, then those that begin with it."""
    bare = typed.strip("\"'") if of_value else typed
    wanted, found = bare.casefold(), []
    for each in dict.fromkeys(words):
        at = each.casefold().find(wanted)
        if at >= 0 and len(each) <= _LONGEST and each.isprintable():
            begins = at == (1 if each[:1] in ('"', "'") else 0)
            found.append(((each not in first, not begins), each))
    return Offer(typed, [each for _, each in sorted(found, key=lambda pair: pair[0])][:_MOST])


def _choices(argument: "Argument | None") -> list[Any]:
    if argument is None:
        return []
    named = [each for each in argument.choices if each is not None]
    return named or ([True, False] if "boolean" in argument.kinds else [])


def _as_written(value: Any, sign: str) -> str:
    """A value as it is written behind ``=`` or ``:=``."""
    if sign == ":=" or not isinstance(value, str):
        return json.dumps(value)
    if _PLAIN.fullmatch(value):
        return value
    return f'"{value}"' if '"' not in value else f"'{value}'"


def _is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping)


def _is_chat(value: Any) -> bool:
    kinds = {kind.__name__ for each in (value, getattr(value, "chat", None)) for kind in type(each).__mro__}
    return "Chat" in kinds
