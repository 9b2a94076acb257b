"""Downloads of files that an answer names, from public hosts only.

An answer names URLs, and a server may redirect each to another. The download comes from within this machine's network,
where it could reach a router, a database, or the address that gives machines in a cloud their credentials
(169.254.169.254). So a host's name is resolved once, each of its addresses has to be public, and the connection goes to
such an address and not to the name, which could resolve to another one a moment later. Each redirect is checked in the
same way. Only a gateway on this machine or in its network may name files on its own host.

Where a proxy is set, it resolves the names, and only hosts that are written as numeric addresses can be checked.
"""

import contextlib
import ipaddress
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from urllib.request import getproxies, proxy_bypass

import httpx

from ..errors import ConnectError, ResponseTooLarge
from ..safety.decompression import decompressed
from ..safety.loggers import quiet

_REDIRECTS = 5
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: an address of IPv4 within one of IPv6
_IETF_PROTOCOLS = ipaddress.ip_network("192.0.0.0/24")  # RFC 6890; a cloud's machines get their credentials there, too
_AZURE_HOST = ipaddress.ip_address("168.63.129.16")  # Microsoft Learn, "What is IP address 168.63.129.16?"
_PLAIN_HOST = re.compile(rb"[\w.-]+|[0-9a-fA-F:.]+", re.ASCII)  # all programs read it alike: a browser decodes %31
# Names of private networks: RFC 6761 and 6762, RFC 8375, and ICANN's for private use.
_PRIVATE_SUFFIXES = (".localhost", ".localdomain", ".local", ".home.arpa", ".internal", ".lan", ".intranet")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@quiet()
def download(url: str, *, timeout: float, max_bytes: int, gateway: str | None = None) -> bytes:
    """The file at this URL, or at the one to which it redirects.

    Args:
        url: http or https, without a user's name.
        timeout: seconds to wait for the server, and at any time for its next bytes.
        max_bytes: the most bytes to take, counted after decompression.
        gateway: the host that named the URL, where that host is not public.

    Raises:
        ConnectError: it could not be fetched, or may not be.
        ResponseTooLarge: there are more bytes.
    """
    body = BytesIO()
    try:
        with _get(httpx.URL(url), timeout, gateway) as response:
            raw = response.raise_for_status().iter_raw()
            for piece in decompressed(raw, response.headers.get("content-encoding", "")):
                if body.tell() + len(piece) > max_bytes:
                    message = f"{url} has more than {max_bytes:,} bytes"
                    raise ResponseTooLarge(message, hint="read(max_bytes=…) takes more")
                body.write(piece)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as exc:
        may_pass = isinstance(exc, httpx.TransportError) and not isinstance(exc, httpx.UnsupportedProtocol)
        raise ConnectError(f"could not fetch {url}: {_why(exc)}", may_pass=may_pass) from None
    return body.getvalue()


def _why(exc: Exception) -> str:
    """What went wrong; httpx's own words of a status lead to a page about HTTP."""
    if isinstance(exc, httpx.HTTPStatusError):
        return f"it answered {exc.response.status_code} {exc.response.reason_phrase}".strip()
    return str(exc)


def keyed_fetch(
    url: str, headers: Mapping[str, str], asked: bytes | None = None, *, timeout: float, max_bytes: int
) -> bytes:
    """The body at a fixed address of fal's, asked with these headers, which go to no other: nothing is followed.

    Args:
        url: https.
        headers: what is sent, the key among it.
        asked: JSON to send; None to send none.
        timeout: seconds to wait for the server, and at any time for its next bytes.
        max_bytes: the most bytes to take.

    Raises:
        httpx.HTTPError: it could not be fetched.
        ValueError: there are more bytes, or the address is none of https.
    """
    address = httpx.URL(url)
    if address.scheme != "https":
        raise ValueError("a key is sent over TLS only")
    sent = {**headers, "Accept-Encoding": "identity", **({} if asked is None else {"Content-Type": "application/json"})}
    body = BytesIO()
    with (
        _client(proxy_of(address), timeout) as client,
        client.stream("GET" if asked is None else "POST", address, content=asked, headers=sent) as response,
    ):
        if not response.is_success:
            raise httpx.HTTPStatusError(str(response.status_code), request=response.request, response=response)
        for piece in response.iter_raw():
            body.write(piece)
            if body.tell() > max_bytes:
                raise ValueError(f"there are more than {max_bytes:,} bytes")
    return body.getvalue()


def is_private_host(host: str) -> bool:
    """Whether a host is this machine or in a private network, as far as its name or number tells."""
    address = _numeric_address(host)
    if address is not None:
        return not is_public(address)
    name = host.rstrip(".").lower()
    return "." not in name or name.endswith(_PRIVATE_SUFFIXES)


def may_be_fetched(url: str, gateway: str | None = None) -> bool:
    """Whether a URL may be fetched, as far as that is known before its host's name is resolved."""
    try:
        parsed = httpx.URL(url)
        _check(parsed)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return False
    return not is_private_host(parsed.host) or _is_gateway_host(parsed.host, gateway)


def is_public(address: Address) -> bool:
    """Whether an address is public, as well as the IPv4 address that may be embedded in it."""
    if isinstance(address, ipaddress.IPv4Address):
        is_special = address.is_multicast or address in _IETF_PROTOCOLS or address == _AZURE_HOST
        return address.is_global and not is_special
    if address in _NAT64:
        return is_public(ipaddress.IPv4Address(address.packed[-4:]))
    inner = address.ipv4_mapped or address.sixtofour or (address.teredo and address.teredo[1])
    if inner and not is_public(inner):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_site_local)


@contextmanager
def _get(url: httpx.URL, timeout: float, gateway: str | None) -> Iterator[httpx.Response]:
    """The response to a GET of this URL, redirects followed. Its body is not read yet."""
    for _ in range(_REDIRECTS + 1):
        with _get_once(url, timeout, gateway) as response:
            if not response.has_redirect_location:
                yield response
                return
            url = url.join(response.headers["location"])
    raise httpx.TooManyRedirects(f"it redirects more than {_REDIRECTS} times")


@contextmanager
def _get_once(url: httpx.URL, timeout: float, gateway: str | None) -> Iterator[httpx.Response]:
    """The response to a GET of this URL, be it a redirect."""
    _check(url)
    proxy = proxy_of(url)
    hosts = [url.host] if proxy else _addresses(url, gateway)
    headers = {"Accept-Encoding": "identity", "Host": url.netloc.decode("ascii")}
    with _client(proxy, timeout) as client:
        for number, host in enumerate(hosts, start=1):
            request = client.build_request(
                "GET", url.copy_with(host=host), headers=headers, extensions={"sni_hostname": url.host}
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
    """A client that takes only certificates from the environment: no ``.netrc``, and no proxy but this one."""
    context = httpx.create_ssl_context()
    try:
        return httpx.Client(proxy=proxy, verify=context, timeout=timeout, trust_env=False)
    except (ValueError, ImportError, httpx.InvalidURL):  # its message may have the proxy's password
        raise httpx.ProxyError("the proxy that is set cannot be used") from None


def _check(url: httpx.URL) -> None:
    if url.scheme not in ("http", "https") or not url.host:
        raise httpx.UnsupportedProtocol("it is no address of http or https")
    if not _PLAIN_HOST.fullmatch(url.raw_host):
        raise httpx.UnsupportedProtocol("its host is written as none is")
    if url.userinfo:
        raise httpx.UnsupportedProtocol("it has a user's name in it, which is not sent")


def _addresses(url: httpx.URL, gateway: str | None) -> list[str]:
    """The addresses of a URL's host. An error is raised if one of them may not be fetched from."""
    try:
        found = socket.getaddrinfo(url.host, url.port or 80, type=socket.SOCK_STREAM)
    except OSError as exc:
        raise httpx.ConnectError(str(exc)) from None
    addresses = [ipaddress.ip_address(str(each[4][0])) for each in found]
    for address in addresses:
        if not is_public(address) and not _is_gateway_host(str(address), gateway):
            raise httpx.ConnectError(f"{url.host} is no public host, and an answer may name anything")
    return list(dict.fromkeys(map(str, addresses)))


def _is_gateway_host(host: str, gateway: str | None) -> bool:
    """Whether a host is the gateway's, by the same name or because both are this machine."""
    return gateway is not None and (host == gateway or (_is_this_machine(host) and _is_this_machine(gateway)))


def _is_this_machine(host: str) -> bool:
    address = _numeric_address(host)
    return _is_localhost_name(host) if address is None else address.is_loopback


def _is_localhost_name(host: str) -> bool:
    name = host.rstrip(".").lower()
    return name == "localhost" or name.endswith(".localhost")


def _numeric_address(host: str) -> Address | None:
    """The address of a host that is written as a number, in C's spellings, too: 127.1, 0x7f000001. None for a name."""
    try:
        found = socket.getaddrinfo(host.strip("[]").removesuffix("."), None, flags=socket.AI_NUMERICHOST)
        return ipaddress.ip_address(str(found[0][4][0]))
    except (OSError, ValueError):
        return None


def proxy_of(url: httpx.URL) -> str | None:
    """The proxy that is set for a URL; None for a host of this machine or its network."""
    proxies = getproxies()
    if is_private_host(url.host):
        return None
    return None if proxy_bypass(url.host) else proxies.get(url.scheme) or proxies.get("all")
