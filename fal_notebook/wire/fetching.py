"""What others name fetched by HTTP, from where anybody may fetch it, and from nowhere else.

An answer names addresses, and a server that is asked for one may redirect to another. What is fetched there is fetched
from within this machine's network: a router, a database, or the address that gives a machine in a cloud its credentials
(169.254.169.254). So a host's name is resolved once, each of its addresses has to be a public one, and the connection
goes to such an address and not to the name, which could mean another a moment later. Redirects are followed one by one,
each looked at alike. A gateway on this machine or in its network may name what lies beside it.

Where a proxy is set, it resolves the names: then only addresses that stand there as numbers can be looked at.
"""

import contextlib
import ipaddress
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from urllib.request import getproxies, proxy_bypass

import httpx

from ..errors import ConnectError, ResponseTooLarge
from ..safety.decompression import decompressed
from ..safety.loggers import quiet

_REDIRECTS = 5
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: an address of IPv4 within one of IPv6
_PROTOCOLS = ipaddress.ip_network("192.0.0.0/24")  # RFC 6890; a cloud's machines get their credentials there, too
_CLOUDS_OWN = ipaddress.ip_address("168.63.129.16")  # Microsoft Learn, "What is IP address 168.63.129.16?"
_HOST = re.compile(rb"[\w.-]+|[0-9a-fA-F:.]+", re.ASCII)  # what everybody reads alike: a browser decodes %31
# RFC 6761 and 6762, RFC 8375, and ICANN's for private use; a name without a dot is one of the network's own.
_OWN_ENDINGS = (".localhost", ".localdomain", ".local", ".home.arpa", ".internal", ".lan", ".intranet")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@quiet()
def download(url: str, *, timeout: float, max_bytes: int, gateway: str | None = None) -> bytes:
    """The file at this address, or at that to which it redirects.

    Args:
        url: http or https, without a user's name.
        timeout: seconds to wait for the server, and at any time for its next bytes.
        max_bytes: the most bytes to take, counted when they are unpacked.
        gateway: the host that named the address, where that is no public one.

    Raises:
        ConnectError: it could not be fetched, or is not to be.
        ResponseTooLarge: there are more bytes.
    """
    body = BytesIO()
    try:
        with _fetched(httpx.URL(url), timeout, gateway) as response:
            raw = response.raise_for_status().iter_raw()
            for piece in decompressed(raw, response.headers.get("content-encoding", "")):
                if body.tell() + len(piece) > max_bytes:
                    message = f"{url} has more than {max_bytes:,} bytes"
                    raise ResponseTooLarge(message, hint="read(max_bytes=…) takes more")
                body.write(piece)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as exc:
        raise ConnectError(f"could not fetch {url}: {exc}") from None
    return body.getvalue()


def is_at_home(host: str) -> bool:
    """Whether a host is this machine, or one of a network that is not public, as far as its name tells."""
    literal = _literal(host)
    if literal is not None:
        return not is_public(literal)
    name = host.rstrip(".").lower()
    return "." not in name or name.endswith(_OWN_ENDINGS)


def may_be_fetched(url: str, gateway: str | None = None) -> bool:
    """Whether an address may be fetched as far as it tells itself, its host's name not resolved."""
    try:
        there = httpx.URL(url)
        _check(there)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return False
    return not is_at_home(there.host) or _is_beside(there.host, gateway)


def is_public(address: Address) -> bool:
    """Whether an address is one that anybody may reach, and so is that of IPv4 within it."""
    if isinstance(address, ipaddress.IPv4Address):
        is_special = address.is_multicast or address in _PROTOCOLS or address == _CLOUDS_OWN
        return address.is_global and not is_special
    if address in _NAT64:
        return is_public(ipaddress.IPv4Address(address.packed[-4:]))
    inner = address.ipv4_mapped or address.sixtofour or (address.teredo and address.teredo[1])
    if inner and not is_public(inner):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_site_local)


@contextmanager
def _fetched(there: httpx.URL, timeout: float, gateway: str | None) -> Iterator[httpx.Response]:
    """The response to a GET of this address, or of that to which it redirects, not yet read."""
    for _ in range(_REDIRECTS + 1):
        with _opened(there, timeout, gateway) as response:
            if not response.has_redirect_location:
                yield response
                return
            there = there.join(response.headers["location"])
    raise httpx.TooManyRedirects(f"it redirects more than {_REDIRECTS} times")


@contextmanager
def _opened(there: httpx.URL, timeout: float, gateway: str | None) -> Iterator[httpx.Response]:
    """The response of this very address."""
    _check(there)
    proxy = None if is_at_home(there.host) else _proxy(there)
    hosts = [there.host] if proxy else _addresses(there, gateway)
    headers = {"Accept-Encoding": "identity", "Host": there.netloc.decode("ascii")}
    with _client(proxy, timeout) as client:
        for number, host in enumerate(hosts, start=1):
            request = client.build_request(
                "GET", there.copy_with(host=host), headers=headers, extensions={"sni_hostname": there.host}
            )
            try:
                response = client.send(request, stream=True)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if number == len(hosts):
                    raise
                continue  # with the next address, as a browser does
            with contextlib.closing(response):
                yield response
            return


def _client(proxy: str | None, timeout: float) -> httpx.Client:
    """A client that takes nothing but certificates from the environment: no ``.netrc``, and no proxy by itself."""
    context = httpx.create_ssl_context()
    try:
        return httpx.Client(proxy=proxy, verify=context, timeout=timeout, trust_env=False)
    except (ValueError, ImportError, httpx.InvalidURL):  # which may quote the proxy, with its password
        raise httpx.ProxyError("the proxy that is set cannot be used") from None


def _check(there: httpx.URL) -> None:
    if there.scheme not in ("http", "https") or not there.host:
        raise httpx.UnsupportedProtocol("it is no address of http or https")
    if not _HOST.fullmatch(there.raw_host):
        raise httpx.UnsupportedProtocol("its host is written as none is")
    if there.userinfo:
        raise httpx.UnsupportedProtocol("it has a user's name in it, which is not sent")


def _addresses(there: httpx.URL, gateway: str | None) -> list[str]:
    """The addresses of a host, all of which may be fetched from."""
    try:
        found = socket.getaddrinfo(there.host, there.port or 80, type=socket.SOCK_STREAM)
    except OSError as exc:
        raise httpx.ConnectError(str(exc)) from None
    addresses = [ipaddress.ip_address(str(each[4][0])) for each in found]
    for address in addresses:
        if not is_public(address) and not _is_beside(str(address), gateway):
            raise httpx.ConnectError(f"{there.host} is no public host, and an answer may name anything")
    return list(dict.fromkeys(map(str, addresses)))


def _is_beside(host: str, gateway: str | None) -> bool:
    """Whether a host is the gateway's own, or this machine as the gateway is."""
    return gateway is not None and (host == gateway or (_is_this_machine(host) and _is_this_machine(gateway)))


def _is_this_machine(host: str) -> bool:
    literal = _literal(host)
    return _is_own_name(host) if literal is None else literal.is_loopback


def _is_own_name(host: str) -> bool:
    name = host.rstrip(".").lower()
    return name == "localhost" or name.endswith(".localhost")


def _literal(host: str) -> Address | None:
    """The address that a host is as a number, also in the spellings that C knows: 127.1, 0x7f000001."""
    try:
        found = socket.getaddrinfo(host.strip("[]").removesuffix("."), None, flags=socket.AI_NUMERICHOST)
        return ipaddress.ip_address(str(found[0][4][0]))
    except (OSError, ValueError):
        return None


def _proxy(there: httpx.URL) -> str | None:
    proxies = getproxies()
    return None if proxy_bypass(there.host) else proxies.get(there.scheme) or proxies.get("all")
