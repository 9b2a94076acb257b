"""What the magic does without a request: ``status``, ``stop``, ``close``, ``info``, ``find`` and ``--dry-run``."""

import json
import sys
from argparse import Namespace
from collections.abc import Callable

from ..client.arguments import encode
from ..client.chats import Chats
from ..client.sessions import session
from ..display.outputs import show_bundle
from ..errors import InvalidRequest
from ..render.bundles import small_bundle, table_bundle
from ..render.json_view import json_bundle
from ..wire.target import endpoint_name
from .request import Request

_MOST_CHATS = 20


def show_dry_run(request: Request) -> None:
    """Show what would be sent."""
    arguments = json.loads(encode(request.body))
    show_bundle(json_bundle({"endpoint": request.endpoint, "arguments": arguments}))


def show_status() -> None:
    """Show the session's connections, and its conversations if there are any."""
    _show_connections()
    chats = [chat for chat in session().companion(Chats).in_use if len(chat)]
    if chats:
        rows = [
            (chat.title, chat.endpoint, f"{len(chat):,}", " · ".join(chat.usage.words)) for chat in chats[:_MOST_CHATS]
        ]
        show_bundle(table_bundle(("conversation", "endpoint", "messages", "cost so far"), rows))


def _show_connections() -> None:
    connections = session().connections
    if not connections:
        show_bundle(small_bundle("no connections are open"))
        return
    names = ("endpoint", "host", "state", "age", "requests", "bytes")
    rows = [
        (each.endpoint, each.host, each.state, f"{each.age:,.0f} s", f"{each.requests:,}", f"{each.bytes:,}")
        for each in connections
    ]
    show_bundle(table_bundle(names, rows))


def close() -> None:
    """Close the session's connections and say how many there were."""
    count = len(session().connections)
    session().close()
    show_bundle(small_bundle(f"closed {count} connection{'' if count == 1 else 's'}"))


def stop() -> None:
    """Stop every request under way and say how many there were."""
    count = session().stop() + _stop_runs()
    show_bundle(small_bundle(f"stopped {count} request{'' if count == 1 else 's'}"))


def _stop_runs() -> int:
    """Cancel the runs over many rows, and return their number. What is under way in them is taken to its end."""
    module = sys.modules.get(f"{__package__.rpartition('.')[0]}.many.registry")
    return 0 if module is None else int(module.cancel_all())


def show_info(options: Namespace) -> None:
    """Show what an endpoint does and takes.

    Raises:
        InvalidRequest: not one endpoint was named, or there is no schema of it.
        ConnectError: its schema could not be fetched.
    """
    from ..client.endpoint_info import info

    if len(options.arguments) != 1:
        raise InvalidRequest("info takes one endpoint", hint="as in %falstream info fal-ai/any-llm")
    show_bundle(info(endpoint_name(options.arguments[0]), base_url=options.base_url or None).bundle)


def show_found(options: Namespace) -> None:
    """Show the endpoints that some words mean.

    Raises:
        InvalidRequest: the words are too many.
        ConnectError: a gateway could not be asked.
    """
    from ..client.endpoint_search import find

    show_bundle(find(" ".join(options.arguments), base_url=options.base_url or None).bundle)


ACTIONS: dict[str, Callable[[Namespace], None]] = {
    "status": lambda _: show_status(),
    "stop": lambda _: stop(),
    "close": lambda _: close(),
    "info": show_info,
    "find": show_found,
}
"""The subcommands that take nothing."""
