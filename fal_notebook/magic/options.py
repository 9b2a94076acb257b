"""Reads and checks the options on the line of ``%%falstream``; `magics` declares them.

IPython makes an ``argparse`` parser of the declarations. The parser gets the words into which `line` splits the line,
and what it cannot check is checked here, before anything is sent.
"""

import difflib
import keyword
import math
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from IPython.core.magic_arguments import MagicArgumentParser

from ..errors import InvalidRequest
from .cell_arguments import is_assignment
from .line import Word, as_typed, split_line
from .template import fill

_MOST_WORDS = 1_000  # of a line: argparse's time grows with the square of their number


def parse(parser: MagicArgumentParser, line: str, namespace: Mapping[str, Any] | None = None) -> Namespace:
    """The options of a line, with ``endpoint``, ``arguments``, and whether answers are shown ``side_by_side``.

    Args:
        parser: what IPython made of the declarations.
        line: the line behind the magic's name.
        namespace: the variables for ``{{expression}}`` in the endpoint and in options; arguments are filled later.

    Raises:
        InvalidRequest: there are too many words, an option is unknown, or its value is not allowed.
        UsageError: argparse rejects an option.
    """
    parser.allow_abbrev = False  # a mistyped option is reported, not guessed
    words = split_line(line)
    if len(words) > _MOST_WORDS:
        message = f"the line has more than {_MOST_WORDS:,} words"
        raise InvalidRequest(message, hint="a cell that is a JSON object holds as many arguments as you like")
    if namespace is not None and "--raw" not in words:
        words = [_filled(word, namespace) for word in words]
    options, rest = parser.parse_known_args(words)
    unknown = [word for word in rest if word.startswith("-")]
    if unknown:
        raise InvalidRequest(f"unknown option {as_typed(unknown[0])}", hint=_nearest(parser, unknown[0]))
    options.arguments += rest
    if (options.go_on or options.chat is not None) and "=" in (options.endpoint or ""):
        options.arguments.insert(0, options.endpoint)  # the endpoint is that of the conversation
        options.endpoint = None
    options.check = "off" if options.no_check else ""
    if options.upload and options.inline:
        raise InvalidRequest("--upload and --inline contradict each other", hint="one of them is enough")
    options.upload = "always" if options.upload else "never" if options.inline else ""
    options.side_by_side = options.models is not None or "," in (options.endpoint or "")
    _check(options)
    return options


def _filled(word: Word, namespace: Mapping[str, Any]) -> Word:
    """The word with its ``{{expressions}}`` filled, unless it is an argument: that may have any type."""
    if "{{" not in word or is_assignment(word):
        return word
    return Word(str(fill(word, namespace)), word.typed)


def _nearest(parser: MagicArgumentParser, word: str) -> str:
    known = [name for action in parser._actions for name in action.option_strings]
    name, _, value = word[:100].partition("=")
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    meant = f"did you mean {near[0]}?" if near else "%%falstream? lists them;"
    return f"{meant} arguments of the endpoint have no dashes: {name.lstrip('-').replace('-', '_')}={value or '…'}"


def _check(options: Namespace) -> None:
    if options.endpoint is None and not options.help and not options.go_on and options.chat is None:
        raise InvalidRequest("no endpoint", hint="as in %%falstream fal-ai/any-llm/stream; %%falstream? helps")
    _check_variable("-o", options.out or None)
    if options.side_by_side:
        _check_side_by_side(options)
    _check_chat(options)
    if options.queue:
        _check_queue(options)
    if options.widget and options.upload:
        raise InvalidRequest("--upload and --inline go without --widget", hint="set %config FalMagics.upload")
    _check_each(options)
    if options.play and options.background:
        raise InvalidRequest("--play goes without --background")
    if options.timeout is not None and not 0 < options.timeout < math.inf:
        raise InvalidRequest(f"--timeout {options.timeout:g}: it is a number of seconds above 0")
    if options.save and not Path(options.save).expanduser().resolve().parent.is_dir():
        raise InvalidRequest(f"--save {options.save}: there is no such folder")


def _check_variable(option: str, name: str | None) -> None:
    if name is not None and (not name.isidentifier() or keyword.iskeyword(name)):
        raise InvalidRequest(f"{option} {name}: that is no name for a variable")


def _check_chat(options: Namespace) -> None:
    if options.chat is not None and options.go_on:
        raise InvalidRequest("--chat names the conversation, --continue is the last one", hint="one of them is enough")
    _check_variable("--chat", options.chat)
    if options.chat is None and not options.go_on:
        return
    if options.side_by_side or options.widget:
        raise InvalidRequest("a conversation goes with one endpoint, and without --widget")


def _check_each(options: Namespace) -> None:
    if options.each is None:
        for name in ("to", "budget", "unique"):
            if getattr(options, name):
                raise InvalidRequest(
                    f"--{name} goes with --each", hint="--each NAME sends the cell for each row of a table"
                )
        return
    _check_variable("--each", options.each)
    for name in ("chat", "go_on", "models", "widget", "play", "save", "input"):
        if getattr(options, name):
            raise InvalidRequest(f"--each goes without --{'continue' if name == 'go_on' else name}")
    if "," in options.endpoint:
        raise InvalidRequest("--each goes with one endpoint")


def _check_queue(options: Namespace) -> None:
    if options.side_by_side or options.go_on or options.chat is not None:
        raise InvalidRequest("--queue goes with one endpoint, and without a conversation")
    for name in ("play", "widget"):
        if getattr(options, name):
            raise InvalidRequest(f"--queue goes without --{name}", hint="what the queue answers comes whole")


def _check_side_by_side(options: Namespace) -> None:
    if options.models is not None and "," in (options.endpoint or ""):
        raise InvalidRequest("--models goes with one endpoint", hint="several endpoints go without --models")
    for name in ("background", "save", "play", "widget"):
        if getattr(options, name):
            raise InvalidRequest(f"several models or endpoints side by side go without --{name}")
