"""The connections to one HTTP host: kept between requests, not too many, and none that has been idle for long.

Without a proxy they are our own (`http_connection`), which cost a fifth. Proxies are of many kinds, and httpx knows
them.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Protocol

import httpx

from .http_connection import BrokenOff, Heads, HTTPConnection, NothingSent, RawAnswer, TooLarge

_CONNECT_SECONDS = 15.0
_ANSWER_SECONDS = 120.0  # to wait at any time for the next bytes
_IDLE_SECONDS = 2.0  # for which a connection is kept: servers close theirs after five, and a request may meet that
_MOST_CONNECTIONS = 24  # httpcore looks at each of them for each request
_CLOSE_SECONDS = 1.0  # that the end of a connection may take
_ALWAYS = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "fal_notebook"}
_NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


class HTTPHost(Protocol):
    """A host that is asked. Used on one event loop."""

    async def ask(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, most: int
    ) -> RawAnswer:
        """The answer to one request, which is sent once.

        Args:
            method: such as ``GET``.
            target: path and query.
            headers: what is sent besides the usual ones.
            body: what is sent; None where nothing is.
            most: the most bytes of the answer's body.

        Raises:
            NothingSent: there was no connection.
            BrokenOff: the answer did not come, or not whole.
            TooLarge: the answer has more bytes.
        """
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


class DirectHost:
    """A host that is asked without a proxy; see `HTTPHost`.

    Args:
        url: the host.
        context: for https.
    """

    def __init__(self, url: httpx.URL, context: ssl.SSLContext | None) -> None:
        self._host = url.host
        self._heads = Heads([("Host", url.netloc.decode("ascii")), *_ALWAYS.items()])
        is_plain = url.scheme == "http"
        self._port = url.port or (80 if is_plain else 443)
        self._context = None if is_plain else context
        self._free: list[HTTPConnection] = []  # the one used last is the last
        self._used: set[HTTPConnection] = set()
        self._places = asyncio.Semaphore(_MOST_CONNECTIONS)

    async def ask(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, most: int
    ) -> RawAnswer:
        """See `HTTPHost`."""
        sent = self._heads.of(method, headers, body or b"")
        async with self._places:
            connection = self._kept() or await HTTPConnection.open(
                self._host, self._port, self._context, _CONNECT_SECONDS
            )
            self._used.add(connection)
            try:
                return await connection.ask(method, target, sent, body or b"", most=most, seconds=_ANSWER_SECONDS)
            finally:
                self._used.discard(connection)
                if connection.is_free:
                    self._free.append(connection)

    async def close(self) -> None:
        """Close all connections."""
        left = [*self._free, *self._used]
        self._free.clear()
        for each in left:
            each.abort()
        if left:
            await asyncio.wait([each.closed for each in left], timeout=_CLOSE_SECONDS)

    def _kept(self) -> HTTPConnection | None:
        """A connection that is open and has not been idle for long."""
        while self._free:
            found = self._free.pop()
            if found.is_free and found.idle_since + _IDLE_SECONDS > asyncio.get_running_loop().time():
                return found
            found.abort()
        return None


class ProxiedHost:
    """A host that is asked through a proxy; see `HTTPHost`.

    Args:
        url: the host.
        proxy: the proxy's address.
        context: for https.

    Raises:
        ValueError, ImportError, httpx.InvalidURL: the proxy cannot be used. The message may have its password.
    """

    def __init__(self, url: httpx.URL, proxy: str, context: ssl.SSLContext | None) -> None:
        self._root = str(url).rstrip("/")
        # Without one, httpx would make its own, and read certificates.
        context = context or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        limits = httpx.Limits(
            max_connections=_MOST_CONNECTIONS,
            max_keepalive_connections=_MOST_CONNECTIONS,
            keepalive_expiry=_IDLE_SECONDS,
        )
        self._transport = httpx.AsyncHTTPTransport(proxy=proxy, verify=context, limits=limits, trust_env=False)
        self._client = httpx.AsyncClient(
            transport=self._transport,
            timeout=httpx.Timeout(_ANSWER_SECONDS, connect=_CONNECT_SECONDS),
            trust_env=False,
            follow_redirects=False,
            headers=_ALWAYS,
        )

    async def ask(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, most: int
    ) -> RawAnswer:
        """See `HTTPHost`."""
        request = self._client.build_request(method, f"{self._root}{target}", content=body, headers=headers)
        try:
            response = await self._client.send(request, stream=True)
            raw = bytearray()
            try:
                async for piece in response.aiter_raw():
                    raw += piece
                    if len(raw) > most:
                        raise TooLarge
            finally:
                await response.aclose()
        except _NOTHING_SENT as exc:
            said = "" if isinstance(exc, httpx.ProxyError) else str(exc) or type(exc).__name__
            raise NothingSent(said) from None
        except httpx.HTTPError as exc:
            raise BrokenOff(str(exc) or type(exc).__name__) from None
        return RawAnswer(response.status_code, {name: response.headers[name] for name in response.headers}, bytes(raw))

    async def close(self) -> None:
        """Close all connections, also if the task is cancelled meanwhile, which httpx does not promise."""
        await close_all([*(each.aclose for each in self._transport._pool.connections), self._client.aclose])


async def close_all(closings: Iterable[Callable[[], Awaitable[None]]]) -> None:
    """Do all of these, one after the other, also if the task is cancelled meanwhile; that is raised at the end."""
    cancelled: asyncio.CancelledError | None = None
    for close in closings:
        try:
            await close()
        except asyncio.CancelledError as exc:
            cancelled = exc
    if cancelled is not None:
        raise cancelled
