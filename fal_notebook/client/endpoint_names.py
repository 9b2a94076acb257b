"""The endpoints that this session knows by name: those it has used, a gateway's own, and those of fal seen before.

fal lists its endpoints for searches only, so what each search has brought is kept on the disk, for Tab and for when the
network is not there. A gateway lists its own in its document.
"""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import ConnectError, ResponseTooLarge
from ..safety.bounded_json import decode_json
from ..schema.endpoint_summary import EndpointSummary, of_document, of_stored, stored
from ..wire.environment import fetches_schemas, is_fals
from ..wire.schema_addresses import schema_address
from .known_endpoints import ENDPOINTS
from .loads import Loads
from .schema_disk import SchemaDisk

_STORED = "endpoints"  # where the list is on the disk
_ANY = "any"  # an endpoint's name, to ask for the address of a gateway's document
_FRESH_SECONDS_OF_GATEWAY = 10.0
_CATEGORIES = {"flux": "text-to-image"}


@dataclass(frozen=True)
class _List:
    endpoints: list[EndpointSummary]
    fetched: float


class EndpointNames:
    """The endpoints that are known. Usable from any thread."""

    def __init__(self) -> None:
        self._loads = Loads()
        self._disk = SchemaDisk()
        self._of_fal: _List | None = None
        self._of_gateways: dict[str, _List] = {}

    def soon(self, seconds: float, base_url: str | None = None) -> list[EndpointSummary]:
        """The endpoints, those of a gateway if they come within so many seconds.

        Raises:
            InvalidRequest: the base URL cannot be one.
        """
        if is_fals(base_url):
            return self.of_fal()
        url = schema_address(_ANY, base_url).url
        known = self._of_gateways.get(url)
        if fetches_schemas() and (known is None or time.time() - known.fetched > _FRESH_SECONDS_OF_GATEWAY):
            self._loads.begin(url, lambda: self.of_gateway(base_url)).wait(seconds)
            known = self._of_gateways.get(url, known)
        return built_in() if known is None else known.endpoints

    def of_fal(self) -> list[EndpointSummary]:
        """Fal's endpoints, as far as they were seen on this machine before."""
        if self._of_fal is None:
            found = self._disk.read(_STORED)
            try:
                seen = of_stored(decode_json(found[0])) if found else []
            except ValueError:
                seen = []
            self._of_fal = _List(_joined(seen, built_in()), found[1] if found else 0.0)
        return self._of_fal.endpoints

    def of_gateway(self, base_url: str | None) -> list[EndpointSummary]:
        """A gateway's endpoints, asked of itself.

        Raises:
            ConnectError: it could not be asked, or has no document.
        """
        address = schema_address(_ANY, base_url)
        try:
            found = of_document(decode_json(address.fetch()))
        except (ValueError, ResponseTooLarge):
            raise ConnectError(f"{address.url} is no OpenAPI document") from None
        self._of_gateways[address.url] = _List(found, time.time())
        return found

    def add(self, endpoints: Iterable[EndpointSummary]) -> None:
        """Keep what fal has said of endpoints, also on the disk."""
        joined = _joined(endpoints, self.of_fal())
        self._of_fal = _List(joined, time.time())
        own = {each.endpoint for each in built_in() if not each.title}
        seen = [each for each in joined if each.title or each.endpoint not in own]
        self._disk.write(_STORED, json.dumps(stored(seen)).encode())


def built_in() -> list[EndpointSummary]:
    """The endpoints that are known without asking anybody."""
    return [
        EndpointSummary(name, category=next((kind for part, kind in _CATEGORIES.items() if part in name), "llm"))
        for name in ENDPOINTS
    ]


def _joined(first: Iterable[EndpointSummary], second: Iterable[EndpointSummary]) -> list[EndpointSummary]:
    """The endpoints of both lists, each as the first one has it."""
    return list({**{each.endpoint: each for each in second}, **{each.endpoint: each for each in first}}.values())
