"""Files that an answer names are downloaded from public hosts, and from no others."""

import ipaddress
import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from fal_notebook import run
from fal_notebook.errors import ConnectError
from fal_notebook.media.media import Media
from fal_notebook.render.cards import Card, files_bundles, media_bundle
from fal_notebook.wire.fetching import is_private_host, is_public, may_be_fetched

from ..certificates import make_certificate, server_context
from ..scripted import ScriptedServer, end, start

HERE = "127.0.0.1"


@dataclass
class Server:
    """A real server on every address of this machine, which says what its paths tell and keeps what it was asked."""

    port: int
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    redirects: dict[str, str] = field(default_factory=dict)


@pytest.fixture
def server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            to = served.redirects.get(self.path)
            self.send_response(302 if to else 200)
            if to:
                self.send_header("Location", to)
            self.send_header("Content-Length", "0" if to else "1")
            self.end_headers()
            self.wfile.write(b"" if to else b"x")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    class EveryAddress(ThreadingHTTPServer):
        address_family = socket.AF_INET6

        def server_bind(self) -> None:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            super().server_bind()

    with EveryAddress(("::", 0), Handler) as http:
        served = Server(http.server_port)
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield served
        http.shutdown()
        thread.join()


def own_addresses() -> list[str]:
    """Those of this machine in its network, as a connection elsewhere would have."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return [probe.getsockname()[0]]
        except OSError:
            return []


OWN = [
    *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.0.0.2", "0", "0.0.0.0"),
    *("localhost", "LOCALHOST", "localhost.", "a.localhost", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]"),
    *("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:0.0.0.0]", "[::127.0.0.1]", *own_addresses()),
    *("127.0.0.1.", "0x7f.1.", "127。0。0。1", "%31%32%37.0.0.1", "127.0.0.1%2e", "localhos%74", "[::1%25lo]"),
    *(r"127.0.0.1\.fal.media", r"127.0.0.1\fal.media", "local\u00adhost", "local\ufe0fhost", "①②⑦.0.0.1", "ⓛocalhost"),
]
NETWORKS_OWN = [
    *("router", "metadata", "ip6-localhost", "localhost.localdomain", "printer.local", "nas.local.", "a.home.arpa"),
    *("metadata.google.internal", "b.lan", "169.254.169.254.", "192.168.1.1.", "0xa9fea9fe", "[fe80::1%25eth0]"),
]


@pytest.mark.parametrize("host", OWN)
def test_nothing_of_this_machine_is_fetched(host: str, server: Server, tmp_path: Path) -> None:
    media = Media("image/png", url=f"http://{host}:{server.port}/")
    for fetch in (media.read, media.data_uri, lambda: media.save(tmp_path), lambda: media.save(tmp_path / "x.png")):
        with pytest.raises(ConnectError, match="could not fetch"):
            fetch()
    assert server.asked == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("host", OWN)
def test_no_redirect_leads_to_this_machine(host: str, server: Server) -> None:
    server.redirects["/"] = f"http://{host}:{server.port}/inner"
    gateway = next(iter(own_addresses()), "127.0.0.3")
    if host == gateway:
        return
    with pytest.raises(ConnectError, match="could not fetch"):
        Media("image/png", url=f"http://{gateway}:{server.port}/", gateway=gateway).read()
    assert [path for path, _ in server.asked] == ["/"]


NOT_PUBLIC = [
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.254", "127.0.0.1", "127.255.0.1"),
    *("168.63.129.16", "192.0.0.8", "192.0.0.9", "192.0.0.192", "::ffff:192.0.0.192", "64:ff9b::a83f:8110"),
    *("169.254.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.168.0.1"),
    *("198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::127.0.0.1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1"),
    *("64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "2001:db8::1", "2002:7f00:1::1", "2002:a9fe:a9fe::", "fc00::1"),
    *("fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "ff0e::1"),
]
PUBLIC = [
    *(
        "1.1.1.1",
        "8.8.8.8",
        "93.184.216.34",
        "100.63.255.255",
        "100.128.0.1",
        "172.15.0.1",
        "172.32.0.1",
        "192.169.0.1",
    ),
    *("2606:4700:4700::1111", "2a00:1450:4001::8a", "64:ff9b::808:808"),
]


def test_what_is_no_public_address_is_known() -> None:
    assert [each for each in NOT_PUBLIC if is_public(ipaddress.ip_address(each))] == []
    assert [each for each in PUBLIC if not is_public(ipaddress.ip_address(each))] == []


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_that_is_not_public_is_not_asked(address: str) -> None:
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(ConnectError, match="no public host"):
        Media("image/png", url=f"http://{host}/").read(timeout=1)


@pytest.mark.parametrize("address", NOT_PUBLIC)
@pytest.mark.parametrize("beside", PUBLIC[:1])
def test_a_name_is_refused_if_any_of_its_addresses_is_not_public(
    beside: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", names({"files.test": [beside, address]}))
    with pytest.raises(ConnectError, match=r"files\.test is no public host"):
        Media("image/png", url="http://files.test/").read(timeout=1)


def names(known: dict[str, list[str]], asked: list[str] | None = None) -> Callable[..., Any]:
    """A resolver that knows some names, which no network here can tell."""
    real = socket.getaddrinfo

    def resolve(host: Any, *args: Any, **options: Any) -> Any:
        if host in known and not options.get("flags"):
            if asked is not None:
                asked.append(host)
            return [each for address in known[host] for each in real(address, *args, **options)]
        return real(host, *args, **options)

    return resolve


def test_a_name_is_resolved_once_and_the_address_that_was_looked_at_is_asked(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(socket, "getaddrinfo", names({"files.test": ["127.0.0.1"]}, asked))
    assert Media("image/png", url=f"http://files.test:{server.port}/a?b=c", gateway=HERE).read() == b"x"
    assert asked == ["files.test"]
    ((path, headers),) = server.asked
    assert (path, headers["host"]) == ("/a?b=c", f"files.test:{server.port}")


def test_the_next_address_is_asked_where_the_first_does_not_answer(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", names({"files.test": ["127.0.0.1", "::1"]}))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
    with pytest.raises(ConnectError, match="refused"):
        Media("image/png", url=f"http://files.test:{free}/", gateway=HERE).read()


@pytest.mark.parametrize(
    "to",
    ["file:///etc/passwd", "ftp://a/b", "//169.254.169.254/latest", "http://a:b@127.0.0.1/", "http://10.0.0.1/", "/"],
)
def test_each_redirect_is_looked_at_and_they_end(to: str, server: Server) -> None:
    server.redirects["/"] = to
    with pytest.raises(ConnectError):
        Media("image/png", url=f"http://127.0.0.1:{server.port}/", gateway=HERE).read(timeout=1)
    assert len(server.asked) <= 6


def test_a_redirect_beside_the_gateway_is_followed(server: Server) -> None:
    server.redirects["/"] = "a/b"
    server.redirects["/a/b"] = f"http://localhost:{server.port}/c"
    assert Media("image/png", url=f"http://127.0.0.1:{server.port}/", gateway="localhost").read() == b"x"
    assert [path for path, _ in server.asked] == ["/", "/a/b", "/c"]


@pytest.mark.parametrize("user", ["a:b@", "a@", ":b@", "a:b%40c@"])
def test_no_users_name_is_sent(user: str, server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(ConnectError, match="a user's name in it"):
        Media("image/png", url=f"http://{user}127.0.0.1:{server.port}/", gateway=HERE).read()
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password else", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert Media("image/png", url=f"http://127.0.0.1:{server.port}/", gateway=HERE).read() == b"x"
    assert [("authorization" in headers, "cookie" in headers) for _, headers in server.asked] == [(False, False)]


def test_a_certificate_is_of_the_name_and_not_of_the_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = make_certificate(tmp_path / "certificate.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    async def nothing(_: ServerConnection) -> None:
        pass

    with ScriptedServer(nothing, ssl=server_context(certificate)) as secure:
        port = secure.url.rpartition(":")[2]
        with pytest.raises(ConnectError, match="426"):  # it was reached, and speaks nothing but WebSocket
            Media("image/png", url=f"https://127.0.0.1:{port}/", gateway=HERE).read()
        with pytest.raises(ConnectError, match="certificate"):
            Media("image/png", url=f"https://localhost:{port}/", gateway=HERE).read()


def test_a_proxy_is_asked_for_public_hosts_alone(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.port}")
    assert Media("image/png", url="http://files.invalid/a.png").read() == b"x"
    assert [(path, headers["host"]) for path, headers in server.asked] == [
        ("http://files.invalid/a.png", "files.invalid")
    ]
    for host in (*OWN, *(f"[{each}]" if ":" in each else each for each in NOT_PUBLIC)):
        with pytest.raises(ConnectError, match="could not fetch"):
            Media("image/png", url=f"http://{host}/").read(timeout=1)
    server.redirects["http://files.invalid/"] = "http://169.254.169.254/"
    with pytest.raises(ConnectError, match="no public host"):
        Media("image/png", url="http://files.invalid/").read()
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    "proxy",
    ["http://user:hunter22@host:99999", "htp://user:hunter22@host", "user:hun/ter22@host", "http://u:hunter22@[x"],
)
def test_a_proxys_password_stands_in_no_error(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    with pytest.raises(ConnectError) as caught:
        Media("image/png", url="http://files.invalid/").read(timeout=1)
    assert "hun" not in str(caught.value)
    assert caught.value.__context__ is None or "hun" not in repr(vars(caught.value.__context__))


def answering_with(url: str) -> ScriptedServer:
    async def answers(connection: ServerConnection) -> None:
        async for _ in connection:
            for each in (start(), json.dumps({"images": [{"url": url, "content_type": "image/png"}]}), end()):
                await connection.send(each)

    return ScriptedServer(answers)


def test_a_gateway_on_this_machine_may_name_what_lies_there(server: Server) -> None:
    with answering_with(f"http://localhost:{server.port}/a.png") as gateway:
        (media,) = run("a/b", base_url=gateway.url).media
        assert media.read() == b"x"
        assert "<img" in str(media_bundle(media))
        (media,) = run("a/b", base_url=gateway.url.replace("127.0.0.1", "localhost")).media
        assert media.read() == b"x"


def test_a_gateway_elsewhere_may_not(server: Server) -> None:
    with answering_with(f"http://localhost:{server.port}/a.png") as gateway:
        (media,) = run("a/b", base_url=gateway.url.replace("127.0.0.1", "0.0.0.0")).media
        with pytest.raises(ConnectError, match="localhost is no public host"):
            media.read()
    assert server.asked == []


@pytest.mark.parametrize("kind", ["image/png", "audio/wav", "video/mp4"])
@pytest.mark.parametrize("host", [*OWN, *NETWORKS_OWN, "169.254.169.254", "192.168.1.1", "a:b@fal.media"])
def test_no_page_fetches_what_is_not_public_by_itself(kind: str, host: str) -> None:
    media = Media(kind, url=f"http://{host}/logout")
    shown = [media_bundle(media), *files_bundles([Card(media, "media[0]"), Card(media, "media[1]")])]
    assert "src=" not in "".join(each["text/html"] for each in shown)
    assert "/logout" in "".join(each["text/plain"] for each in shown)


def test_what_cannot_be_an_address_may_not_be_fetched() -> None:
    for url in (
        "",
        "file:///etc/passwd",
        "http://",
        "http://[::1",
        "javascript:alert(1)",
        "//fal.media",
        "http://\ud800/",
    ):
        assert not may_be_fetched(url)
    assert may_be_fetched("https://fal.media/a.png")
    assert is_private_host("localhost")
    assert not is_private_host("fal.media")
