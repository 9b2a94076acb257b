"""Where the schema of an endpoint is: at fal's public address, which asks for no key, or at a gateway of one's own."""

from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from . import environment
from .fetching import download, is_private_host
from .target import checked_base_url, endpoint_name

_FAL = "https://fal.ai/api/openapi/queue/openapi.json?endpoint_id="
_SECONDS = 10.0  # to wait for the server, and at any time for its next bytes
_MOST_BYTES = 8_000_000  # of a document
_SCHEMES = {"ws": "http", "wss": "https"}


@dataclass(frozen=True)
class SchemaAddress:
    """The address of a document that has the schema of an endpoint, and perhaps those of others.

    Attributes:
        url: the address.
        gateway: the host, if it is this machine or in a private network.
        is_fal: whether it is fal's own.
    """

    url: str
    gateway: str | None = None
    is_fal: bool = False

    def fetch(self) -> bytes:
        """The document. No key is sent.

        Raises:
            ConnectError: it could not be fetched, or may not be.
            ResponseTooLarge: it is too large.
        """
        return download(self.url, timeout=_SECONDS, max_bytes=_MOST_BYTES, gateway=self.gateway)


def schema_address(endpoint: str, base_url: str | None = None) -> SchemaAddress:
    """Where the schema of an endpoint is.

    Raises:
        InvalidRequest: the endpoint or the base URL cannot be one.
    """
    name, base = endpoint_name(endpoint), base_url or environment.base_url()
    if environment.is_fal(base):
        return SchemaAddress(f"{_FAL}{quote(name, safe='/')}", is_fal=True)
    parts = urlsplit(checked_base_url(base))
    host = parts.hostname or ""
    url = f"{_SCHEMES[parts.scheme]}://{parts.netloc}{parts.path}/openapi.json"
    return SchemaAddress(url, host if is_private_host(host) else None)
