"""Sans-I/O: the endpoints that a document lists, each in a few words, and which of them are meant by some words.

A list comes from fal's platform API, from a gateway's OpenAPI document, or from our own file of what was seen before.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from .reading import METADATA

_MOST = 2_000
_LONGEST_NAME = 200  # characters
_LONGEST_WORDS = 300


@dataclass(frozen=True, slots=True)
class EndpointSummary:
    """An endpoint in a few words.

    Attributes:
        endpoint: its name.
        title: its name in words.
        category: what it makes of what: ``text-to-image``.
        description: what it does.
        deprecated: whether it should no longer be used.
    """

    endpoint: str
    title: str = ""
    category: str = ""
    description: str = ""
    deprecated: bool = False


def of_platform(answer: object) -> list[EndpointSummary]:
    """The endpoints in an answer of fal's platform API. What is not understood is left out."""
    found = []
    for each in islice(_list(_mapping(answer).get("models")), _MOST):
        name, metadata = _mapping(each).get("endpoint_id"), _mapping(_mapping(each).get("metadata"))
        if isinstance(name, str) and 0 < len(name) <= _LONGEST_NAME:
            title, category, said = (_words(metadata.get(key)) for key in ("display_name", "category", "description"))
            found.append(EndpointSummary(name, title, category, said, metadata.get("status") == "deprecated"))
    return found


def of_document(document: object) -> list[EndpointSummary]:
    """The endpoints of an OpenAPI document that take arguments."""
    found = []
    paths = _mapping(_mapping(document).get("paths"))
    for path in islice(paths, _MOST):
        name = path.strip("/") if isinstance(path, str) else ""
        operation = _mapping(_mapping(paths[path]).get("post"))
        if name and len(name) <= _LONGEST_NAME and "{" not in name and "requestBody" in operation:
            category = _words(_mapping(operation.get(METADATA)).get("category"))
            title, said = _words(operation.get("summary")), _words(operation.get("description"))
            found.append(EndpointSummary(name, title, category, said, operation.get("deprecated") is True))
    return found


def of_stored(stored: object) -> list[EndpointSummary]:
    """The endpoints that `stored` has written."""
    found = []
    for each in islice(_list(stored), _MOST):
        match each:
            case [str(name), str(title), str(category), str(description), bool(deprecated)]:
                found.append(EndpointSummary(name, title, category, description, deprecated))
    return found


def stored(endpoints: Iterable[EndpointSummary]) -> list[Any]:
    """The endpoints in a form that JSON knows."""
    return [
        [each.endpoint, each.title, each.category, each.description, each.deprecated]
        for each in islice(endpoints, _MOST)
    ]


def matching(endpoints: Iterable[EndpointSummary], words: Sequence[str]) -> list[EndpointSummary]:
    """The endpoints that have each of the words in any part of them, those first whose names have them."""
    wanted = [word.casefold() for word in words]
    found = []
    for each in endpoints:
        parts = [each.endpoint, each.title, each.category, each.description]
        folded = [part.casefold() for part in parts]
        places = [next((at for at, part in enumerate(folded) if word in part), None) for word in wanted]
        if None not in places:
            found.append((sum(at or 0 for at in places), each))
    unique = {each.endpoint: (rank, each) for rank, each in reversed(found)}
    ranked = sorted(unique.values(), key=lambda pair: (pair[0], pair[1].deprecated, pair[1].endpoint))
    return [each for _, each in ranked]


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _words(value: object) -> str:
    return value[:_LONGEST_WORDS].strip() if isinstance(value, str) else ""
