"""What ASGI applications have in common, spelled here so that the gateway needs no web framework.

The types are interchangeable with Starlette's.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]


def below(path: str, scope: Scope) -> Scope | None:
    """The scope for an application that has everything below a path; None if the connection is for another one."""
    if scope["type"] == "lifespan" or not scope["path"].startswith(f"{path}/"):
        return None
    return {**scope, "root_path": scope.get("root_path", "") + path}
