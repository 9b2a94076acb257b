"""The endpoints that some words mean, as a value that shows itself: ``fal.find("upscale video")``.

fal's public search is asked, without a key, and the answer is kept for a day. Where it cannot be reached, what was seen
before is searched, and the list says so.
"""

import time
from dataclasses import dataclass, field
from typing import Any

from ..errors import ConnectError, InvalidRequest, ResponseTooLarge
from ..render.bundles import Bundle, merged, small_bundle, table_bundle
from ..safety.bounded_json import decode_json
from ..safety.plain_text import one_line
from ..schema.endpoint_summary import EndpointSummary, matching, of_platform
from ..wire.environment import is_fals
from ..wire.platform_api import fetch_search, search_url
from .endpoint_names import EndpointNames
from .interrupts import interruptible
from .known_endpoints import successor_of
from .prices import Price, Prices
from .schema_disk import SchemaDisk
from .sessions import session

_FRESH_SECONDS = 24 * 3600.0
_MOST_SHOWN = 50
_LONGEST_QUERY = 200  # characters
_LONGEST_NAME = 80
_LONGEST_DESCRIPTION = 160


@dataclass(frozen=True)
class EndpointList:
    """Endpoints that were found. Jupyter shows them as a table.

    Attributes:
        words: what was looked for.
        endpoints: what was found, the best first.
        prices: what they cost, by name, as far as it is known.
        note: what is to be known about the list, such as that fal could not be asked.
        is_fal: whether they are fal's, of which some are known to be deprecated, and not those of another server.
    """

    words: str
    endpoints: tuple[EndpointSummary, ...]
    prices: dict[str, Price] = field(default_factory=dict)
    note: str = ""
    is_fal: bool = True

    @property
    def bundle(self) -> Bundle:
        """What Jupyter shows, as a MIME bundle."""
        said = one_line(self.words, _LONGEST_NAME)
        if not self.endpoints:
            return small_bundle(" · ".join(filter(None, [f"no endpoint was found for {said!r}", self.note])))
        shown = self.endpoints[:_MOST_SHOWN]
        names = ("endpoint", "makes", "what it does", *(("price",) if self.prices else ()))
        parts = [table_bundle(names, [self._row(each) for each in shown])]
        left = len(self.endpoints) - len(shown)
        notes = [f"{left:,} more; more words find fewer" if left else "", self.note]
        parts.append(small_bundle(" · ".join(filter(None, [*notes, "%falstream info ENDPOINT says more"]))))
        (whole,) = merged(parts)
        return whole

    def _row(self, each: EndpointSummary) -> tuple[str, ...]:
        instead = successor_of(each.endpoint) if self.is_fal else ""
        told = f"deprecated{f', use {instead}' if instead else ''}. " if each.deprecated or instead else ""
        price = (str(self.prices.get(each.endpoint, "unknown")),) if self.prices else ()
        return (
            one_line(each.endpoint, _LONGEST_NAME),
            one_line(each.category, _LONGEST_NAME),
            one_line(told + (each.description or each.title), _LONGEST_DESCRIPTION),
            *price,
        )

    def __len__(self) -> int:
        return len(self.endpoints)

    def _repr_mimebundle_(self, **_: Any) -> Bundle:
        return self.bundle

    def __repr__(self) -> str:
        return str(self.bundle["text/plain"])


def find(words: str = "", *, base_url: str | None = None) -> EndpointList:
    """The endpoints that have each of these words in any part: name, title, what it makes, what it does.

    Args:
        words: what is looked for; nothing finds all that are known.
        base_url: another host, whose own endpoints are searched: ``ws://127.0.0.1:8000``.

    Raises:
        InvalidRequest: the words are too many, or the base URL cannot be one.
        ConnectError: a gateway could not be asked.

    Example:
        >>> find("upscale video")  # doctest: +SKIP
    """
    said = " ".join(words.split())
    if len(said) > _LONGEST_QUERY:
        raise InvalidRequest(f"more than {_LONGEST_QUERY} characters to look for")
    names = session().companion(EndpointNames)
    with interruptible():
        if not is_fals(base_url):
            return EndpointList(said, tuple(matching(names.of_gateway(base_url), said.split())), is_fal=False)
        found, note = _searched(said, names)
        endpoints = tuple(dict.fromkeys([*matching(names.of_fal(), said.split()), *found]))
        prices = session().companion(Prices).of([each.endpoint for each in endpoints[:_MOST_SHOWN]], base_url)
    unpriced = "" if prices or not endpoints else "prices are unknown: they need a key, and fal has to be reached"
    return EndpointList(said, endpoints, prices, " · ".join(filter(None, [note, unpriced])))


def _searched(words: str, names: EndpointNames) -> tuple[list[EndpointSummary], str]:
    """What fal's search says, and a note where it could not be asked."""
    disk, url = SchemaDisk(), search_url(words)
    stored = disk.read(url)
    age = time.time() - stored[1] if stored else 0.0
    body = stored[0] if stored and age < _FRESH_SECONDS else None
    note = ""
    if body is None:
        try:
            body = fetch_search(words)
        except (ConnectError, ResponseTooLarge):
            body = stored[0] if stored else None
            days = max(1, round(age / _FRESH_SECONDS))
            old = f"this is what it said {days:,} day{'' if days == 1 else 's'} ago"
            note = f"fal could not be reached: {old if stored else 'these are endpoints that were seen before'}"
    found = _read(body)
    if found is None:
        return [], note or "fal's search answered what is not understood: these are endpoints that were seen before"
    if body is not None and not note and not (stored and body == stored[0]):
        disk.write(url, body)
    if found:
        names.add(found)
    return found, note


def _read(body: bytes | None) -> list[EndpointSummary] | None:
    """The endpoints in an answer; None if there is no answer, or it is not understood."""
    if body is None:
        return []
    try:
        answer = decode_json(body)
    except ValueError:
        return None
    return of_platform(answer) if isinstance(answer, dict) and isinstance(answer.get("models"), list) else None
