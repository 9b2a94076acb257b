"""The schemas of endpoints: fetched in the background, and kept in memory and on the disk.

A request never waits for a schema: `Catalogue.known` tells what is in memory, and lets a thread fetch what is not.
Only `Catalogue.find`, for a user who asks, waits. A schema of fal's is fresh for a day. An older one is used where the
network is not there, and says that it is old. A gateway of the user's own may be started anew with other code at any
time, so its document is fresh for seconds and not stored on the disk. What reads a schema is imported with the first
one, on the thread that fetches it, so that a first request does not wait for that either.
"""

import contextlib
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..errors import ConnectError, InvalidRequest, ResponseTooLarge
from ..safety.bounded_json import decode_json
from ..wire.environment import fetches_schemas
from ..wire.schema_addresses import SchemaAddress, schema_address
from .known_endpoints import successor_of
from .loads import Loads
from .schema_disk import SchemaDisk

if TYPE_CHECKING:
    from ..schema.endpoint_schema import EndpointSchema

_FRESH_SECONDS = 24 * 3600.0
_FRESH_SECONDS_OF_GATEWAY = 10.0
_SECONDS_TO_NEXT_TRY = 300.0  # after a schema was not found
_SECONDS_TO_NEXT_TRY_OF_GATEWAY = 30.0
_MOST_ENTRIES = 500


@dataclass(frozen=True)
class KnownSchema:
    """The schema of an endpoint.

    Attributes:
        schema: the schema.
        fetched: when it was fetched, in seconds since the epoch.
        is_old: whether it is so old that it should be fetched again.
    """

    schema: "EndpointSchema"
    fetched: float
    is_old: bool


@dataclass
class _Entry:
    """What is known at an address: a schema, or when none was found."""

    address: SchemaAddress
    schema: "EndpointSchema | None"
    fetched: float
    tried: float

    @property
    def is_old(self) -> bool:
        fresh = _FRESH_SECONDS if self.address.is_fal else _FRESH_SECONDS_OF_GATEWAY
        return not 0 <= time.time() - self.fetched < fresh

    @property
    def is_due(self) -> bool:
        """Whether it is to be fetched again now."""
        pause = _SECONDS_TO_NEXT_TRY if self.address.is_fal else _SECONDS_TO_NEXT_TRY_OF_GATEWAY
        if self.schema is not None:
            pause = min(pause, _FRESH_SECONDS_OF_GATEWAY)
        return (self.schema is None or self.is_old) and time.time() - self.tried >= pause


class Catalogue:
    """The schemas that a session knows. Usable from any thread."""

    def __init__(self) -> None:
        self._loads = Loads()
        self._entries: OrderedDict[tuple[str, str], _Entry] = OrderedDict()
        self._told: set[str] = set()
        self._disk = SchemaDisk()

    def known(self, endpoint: str, base_url: str | None = None) -> KnownSchema | None:
        """The schema of an endpoint if it is in memory, without waiting; a thread fetches what is not there.

        Raises:
            InvalidRequest: the endpoint or the base URL cannot be one.
        """
        if not fetches_schemas():
            return None
        address = schema_address(endpoint, base_url)
        entry = self._entries.get((address.url, endpoint))
        if entry is None or entry.is_due:
            self._load_in_background(endpoint, address)
        return _known(entry)

    def soon(self, endpoint: str, seconds: float, base_url: str | None = None) -> KnownSchema | None:
        """The schema of an endpoint if it is in memory, or comes within so many seconds.

        Raises:
            InvalidRequest: the endpoint or the base URL cannot be one.
        """
        known = self.known(endpoint, base_url)
        if known is None and fetches_schemas():
            address = schema_address(endpoint, base_url)
            entry = self._entries.get((address.url, endpoint))
            if entry is None or entry.is_due:
                self._load_in_background(endpoint, address).wait(seconds)
                known = _known(self._entries.get((address.url, endpoint)))
        return known

    def in_memory(self, endpoint: str, base_url: str | None = None) -> "EndpointSchema | None":
        """The schema of an endpoint if it is in memory; nothing is fetched.

        Raises:
            InvalidRequest: the endpoint or the base URL cannot be one.
        """
        entry = self._entries.get((schema_address(endpoint, base_url).url, endpoint))
        return None if entry is None else entry.schema

    def find(self, endpoint: str, base_url: str | None = None) -> KnownSchema:
        """The schema of an endpoint, which is fetched if need be; an old one if it cannot be fetched.

        Raises:
            InvalidRequest: the endpoint or the base URL cannot be one, or there is no schema of it.
            ConnectError: the schema could not be fetched.
        """
        address = schema_address(endpoint, base_url)
        entry = self._entries.get((address.url, endpoint))
        if entry is None or entry.schema is None or entry.is_old:
            entry = self._load(endpoint, address)
        known = _known(entry)
        if known is None:
            hint = "is its name right?" if address.is_fal else f"{address.url} has none: is the endpoint's name right?"
            raise InvalidRequest(f"there is no schema of {endpoint}", hint=hint)
        return known

    def is_news(self, endpoint: str) -> bool:
        """Whether nobody has asked this of the endpoint before: a line about it is told once."""
        is_first = endpoint not in self._told
        self._told.add(endpoint)
        return is_first

    def _load_in_background(self, endpoint: str, address: SchemaAddress) -> threading.Event:
        return self._loads.begin((address.url, endpoint), lambda: self._load(endpoint, address))

    def _load(self, endpoint: str, address: SchemaAddress) -> _Entry:
        """Read a schema from the disk or fetch it, and keep it; what is old is kept if nothing newer comes.

        Raises:
            ConnectError: it could not be fetched, and no older one is known.
        """
        stored = self._stored(endpoint, address)
        if stored is not None and not stored.is_old:
            return self._keep(endpoint, stored)
        before = stored or self._entries.get((address.url, endpoint))
        try:
            schema = self._fetched(endpoint, address)
        except ConnectError as exc:
            if before is not None and before.schema is not None:
                return self._keep(endpoint, replace(before, tried=time.time()))
            self._keep(endpoint, _Entry(address, None, 0.0, time.time()))
            if exc.may_pass:
                raise
            schema = None
        except ResponseTooLarge:
            schema = None
        return self._keep(endpoint, _Entry(address, schema, time.time(), time.time()))

    def _stored(self, endpoint: str, address: SchemaAddress) -> _Entry | None:
        found = self._disk.read(address.url) if address.is_fal else None
        schema = found and _read(found[0], endpoint, address)
        return _Entry(address, schema, found[1], 0.0) if found and schema else None

    def _fetched(self, endpoint: str, address: SchemaAddress) -> "EndpointSchema | None":
        """The schema from the network; of an endpoint ``…/stream`` that fal does not know, its sibling's."""
        from ..schema.reading import sibling_of

        try:
            document = address.fetch()
            schema = _read(document, endpoint, address)
        except ConnectError as exc:
            if exc.may_pass or not (address.is_fal and sibling_of(endpoint)):
                raise
            schema, document = None, b""
        if schema is None and address.is_fal and (sibling := sibling_of(endpoint)):
            document = schema_address(sibling).fetch()
            schema = _read(document, endpoint, address)
        if schema is not None and address.is_fal:
            self._disk.write(address.url, document)
        return schema

    def _keep(self, endpoint: str, entry: _Entry) -> _Entry:
        mark = (entry.address.url, endpoint)
        with contextlib.suppress(KeyError):  # of another thread that was quicker; a lock would outlive a fork
            self._entries[mark] = entry
            self._entries.move_to_end(mark)
            while len(self._entries) > _MOST_ENTRIES:
                self._entries.popitem(last=False)
        return entry


def _known(entry: _Entry | None) -> KnownSchema | None:
    if entry is None or entry.schema is None:
        return None
    return KnownSchema(entry.schema, entry.fetched, entry.is_old)


def _read(document: bytes, endpoint: str, address: SchemaAddress) -> "EndpointSchema | None":
    """The schema in a document; None if it has none, or is no document."""
    from ..schema.reading import NoSchema, read_schema

    try:
        schema = read_schema(decode_json(document), endpoint)
    except (NoSchema, ValueError):
        return None
    successor = successor_of(endpoint) if address.is_fal else ""
    return replace(schema, deprecated=True, replaced_by=successor) if successor else schema
