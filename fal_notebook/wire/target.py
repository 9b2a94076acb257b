"""Where a request goes and with which key.

The base URL is that of our own variable, such as a gateway on this machine; without it, fal's own variables name the
host. The key is the first that fal-client finds (``fal_client.auth``): ``FAL_KEY``, ``FAL_KEY_ID`` with
``FAL_KEY_SECRET``, Colab's secret, the token of ``fal auth login``. It is looked up on the calling thread, since
Colab's secrets answer on the main thread only, and it never leaves this machine unencrypted. Quotes, spaces and
prefixes that were pasted with the key are taken off.
"""

import ipaddress
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from fal_client.auth import MissingCredentialsError, fetch_auth_credentials

from ..errors import CredentialsError, InvalidRequest
from ..safety.loggers import quiet
from ..safety.redaction import Redaction, can_be_a_key
from . import environment
from .fetching import is_private_host

_ENDPOINT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._~-]*(/[A-Za-z0-9_][A-Za-z0-9._~-]*)*")
_HEADER_VALUE = re.compile(r"[\x21-\x7e]+")
_VARIABLE = re.compile(r"^(export\s+)?FAL_KEY\s*=")  # a line of a shell or of .env
_PREFIX = re.compile(r"^(Authorization:\s*)?Key(\s+|$)", re.IGNORECASE)
_QUOTES = "\"'`\u00ab\u00b4\u00bb\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u2039\u203a"  # typographic ones too
_SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}
_NO_KEY = Redaction()


class Authorization:
    """The value of the ``Authorization`` header, which is never printed and cannot be pickled."""

    __slots__ = ("__value", "redaction")

    def __init__(self, value: str) -> None:
        self.__value = value
        self.redaction = Redaction(value.partition(" ")[2])

    @property
    def is_sendable(self) -> bool:
        """Whether it can stand in a header: the key has neither spaces nor letters beyond ASCII."""
        return _HEADER_VALUE.fullmatch(self.__value.partition(" ")[2]) is not None

    @property
    def is_long_enough(self) -> bool:
        """Whether the key is long enough to be a real one. A shorter one would stand in answers by chance."""
        return can_be_a_key(self.__value.partition(" ")[2])

    def headers(self) -> dict[str, str]:
        """The header itself, for the handshake only."""
        return {"Authorization": self.__value}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Authorization) and self.__value == other.__value

    def __hash__(self) -> int:
        return hash(self.__value)

    def __repr__(self) -> str:
        return "<Authorization>"

    def __reduce__(self) -> str:
        raise TypeError("credentials are not pickled")


@dataclass(frozen=True)
class Target:
    """One endpoint at one host, with the credentials for it.

    Attributes:
        endpoint: ``fal-ai/any-llm/stream``.
        url: the WebSocket's address.
        authorization: None where a host on this machine asks for none.
    """

    endpoint: str
    url: str
    authorization: Authorization | None = field(default=None, repr=False)

    @property
    def is_local(self) -> bool:
        """Whether the host is this machine."""
        return _is_loopback(urlsplit(self.url).hostname or "")

    @property
    def is_fal(self) -> bool:
        """Whether the host is fal's, and not a gateway of one's own."""
        return environment.is_fal(self.url.removesuffix(f"/{self.endpoint}"))

    @property
    def private_host(self) -> str | None:
        """The host, if it is this machine or in a private network: it may then name files on itself."""
        host = urlsplit(self.url).hostname or ""
        return host if is_private_host(host) else None

    @property
    def redaction(self) -> Redaction:
        """Takes the key out of what this server says."""
        return self.authorization.redaction if self.authorization else _NO_KEY

    def redact(self, text: str) -> str:
        """The text without the key, should a server repeat it."""
        return self.redaction.text(text)


def resolve_target(endpoint: str, base_url: str | None = None) -> Target:
    """Where a request to ``endpoint`` goes; to be called on the user's thread, not on the I/O thread.

    Args:
        endpoint: the endpoint with its sub-path, as in fal's docs.
        base_url: ``wss://host`` or ``ws://127.0.0.1:8000``; else the environment decides, else fal.

    Raises:
        InvalidRequest: the endpoint or the base URL cannot be one.
        CredentialsError: the host asks for a key and none was found.
    """
    name = endpoint_name(endpoint)
    base = checked_base_url(base_url or environment.base_url())
    return Target(name, f"{base}/{name}", _authorization(base))


def endpoint_name(endpoint: str) -> str:
    """The endpoint as it stands in a URL's path.

    Raises:
        InvalidRequest: it cannot be one.
    """
    name = endpoint.strip().strip("/")
    if "://" in name:
        path = re.split(r"[?#]", name.partition("://")[2].partition("/")[2])[0].strip("/").removeprefix("models/")
        path = path if _ENDPOINT.fullmatch(path) else "fal-ai/any-llm/stream"
        # It is not quoted: it may have a password or a key in it.
        raise InvalidRequest("what was given as the endpoint is a URL", hint=f"give the endpoint alone: {path}")
    if not _ENDPOINT.fullmatch(name):
        raise InvalidRequest(f"{endpoint!r} is not an endpoint", hint="it is like fal-ai/any-llm/stream")
    return name


def checked_base_url(url: str) -> str:
    """The base URL with a WebSocket's scheme, and no slash at its end.

    Raises:
        InvalidRequest: it cannot be one.
    """
    try:
        parts = urlsplit(url.strip())
        scheme, host = _SCHEMES.get(parts.scheme), parts.hostname
        port = parts.port  # ValueError where it is none
    except ValueError:
        scheme = host = port = None
    if not scheme or not host or port == 0 or parts.query or parts.fragment or "@" in parts.netloc:
        raise InvalidRequest("the base URL cannot be used", hint="it is like wss://host or ws://127.0.0.1:8000")
    return f"{scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _authorization(base: str) -> Authorization | None:
    """The credentials for this host. Without TLS they go to this machine only, where they may be missing, too."""
    parts = urlsplit(base)
    local = _is_loopback(parts.hostname or "")
    if parts.scheme == "ws" and not local:
        return None
    failure = ""
    try:
        authorization = _find_key()
    except MissingCredentialsError:
        authorization = None
    except Exception as exc:  # noqa: BLE001 - refreshing a login token can fail in any way of HTTP or of the disk
        authorization, failure = None, type(exc).__name__
    if failure and not local:  # raised out here, so that it has no context: frames there hold the token
        raise CredentialsError(f"fal's credentials could not be read: {failure}")
    if authorization is None and not local:
        raise CredentialsError("no fal credentials found", hint=_hint_of_file())
    if authorization is not None and not authorization.is_sendable:
        raise CredentialsError("the fal key has spaces or letters in it that no key has", hint="copy it once more")
    if authorization is not None and not authorization.is_long_enough:
        raise CredentialsError("the fal key is too short to be one", hint="set FAL_KEY to <id>:<secret>, or to nothing")
    return authorization


def _hint_of_file() -> str | None:
    """What to do where a file ``.env`` is at hand, which others read, but neither Python nor fal's client."""
    usual = CredentialsError.default_hint
    return f"{usual}; the file .env is not read by itself, python-dotenv does that" if Path(".env").is_file() else None


@quiet()
def _find_key() -> Authorization | None:
    """fal-client's credentials; None where a part of them is blank, as if they were not set.

    It raises no error itself: verbose tracebacks print the variables of a frame, and this frame holds the key.
    """
    found = fetch_auth_credentials()
    key = _stripped(_VARIABLE.sub("", _stripped(found.token)))
    parts = [_stripped(part) for part in _PREFIX.sub("", key, count=1).split(":")]
    return Authorization(f"{found.scheme} {':'.join(parts)}") if all(parts) else None


def _stripped(part: str) -> str:
    """The key or a part of it, without the quotes, spaces and invisible characters around it."""
    return part.strip("".join(each for each in part if each in _QUOTES or each.isspace() or not each.isprintable()))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
