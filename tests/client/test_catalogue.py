"""The schemas of endpoints: fetched from a real server, kept in memory and on the disk, and old where it is gone."""

import json
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import platformdirs
import pytest

from fal_notebook.client import catalogue as module
from fal_notebook.client import schema_disk
from fal_notebook.client.catalogue import Catalogue
from fal_notebook.client.schema_disk import SchemaDisk
from fal_notebook.errors import ConnectError, InvalidRequest
from fal_notebook.wire.environment import SCHEMAS_VARIABLE
from fal_notebook.wire.schema_addresses import SchemaAddress, schema_address

from ..conftest import wait_until
from ..schema.documents import PICTURE, fal_document, picture_document


@dataclass
class Server:
    """A server of documents, by their path, which keeps what it was asked and with which headers."""

    port: int = 0
    documents: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    is_slow: bool = False
    may_answer: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    server = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            if server.is_slow:
                server.may_answer.wait(10)
            found = server.documents.get(self.path)
            body = b"" if found is None else found if isinstance(found, bytes) else json.dumps(found).encode()
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    monkeypatch.delenv(SCHEMAS_VARIABLE)
    monkeypatch.setenv("FAL_KEY", "made-up-id:made-up-secret")
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda name: tmp_path / name)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        server.port = http.server_address[1]
        thread = threading.Thread(target=http.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.may_answer.set()
        http.shutdown()
        thread.join()


@pytest.fixture
def public(served: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The server in the place of fal's public address."""

    def address(endpoint: str, base_url: str | None = None) -> SchemaAddress:
        assert base_url is None
        url = f"http://127.0.0.1:{served.port}/queue?endpoint_id={endpoint}"
        return SchemaAddress(url, "127.0.0.1", is_fal=True)

    monkeypatch.setattr(module, "schema_address", address)
    served.documents[f"/queue?endpoint_id={PICTURE}"] = picture_document()
    return served


def grow_old(tmp_path: Path, days: float) -> None:
    for path in (tmp_path / "fal_notebook" / "schemas").iterdir():
        os.utime(path, (time.time() - days * 86_400,) * 2)


def test_fals_public_address_is_the_place_of_its_schemas() -> None:
    address = schema_address("/fal-ai/flux/dev")
    assert address.url == "https://fal.ai/api/openapi/queue/openapi.json?endpoint_id=fal-ai/flux/dev"
    assert (address.is_fal, address.gateway) == (True, None)
    assert quote(address.url, safe=":/?=") == address.url


def test_a_gateways_document_is_beside_its_endpoints() -> None:
    assert schema_address("a/b", "ws://127.0.0.1:8000/x/") == SchemaAddress(
        "http://127.0.0.1:8000/x/openapi.json", "127.0.0.1"
    )
    assert schema_address("a/b", "wss://gate.example.com") == SchemaAddress("https://gate.example.com/openapi.json")


def test_a_schema_is_fetched_without_a_key_and_once(public: Server) -> None:
    catalogue = Catalogue()
    for _ in range(3):
        found = catalogue.find(PICTURE)
        assert (found.schema.category, found.is_old) == ("text-to-image", False)
    assert len(public.asked) == 1
    assert not [value for _, headers in public.asked for value in headers.values() if "made-up" in value]
    assert "authorization" not in public.asked[0][1]


def test_what_is_not_known_is_fetched_in_the_background(public: Server) -> None:
    public.is_slow = True
    catalogue = Catalogue()
    start = time.perf_counter()
    for _ in range(10):
        assert catalogue.known(PICTURE) is None
    assert time.perf_counter() - start < 1
    public.may_answer.set()
    wait_until(lambda: catalogue.known(PICTURE) is not None)
    assert len(public.asked) == 1


def test_nothing_is_fetched_where_that_is_switched_off(public: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SCHEMAS_VARIABLE, "off")
    assert Catalogue().known(PICTURE) is None
    assert not [each for each in threading.enumerate() if each.name == "fal_notebook schema"]
    assert public.asked == []


def test_another_kernel_reads_the_disk(public: Server) -> None:
    Catalogue().find(PICTURE)
    assert Catalogue().find(PICTURE).schema.arguments
    assert len(public.asked) == 1


def test_after_a_day_it_is_fetched_again(public: Server, tmp_path: Path) -> None:
    Catalogue().find(PICTURE)
    grow_old(tmp_path, 1.1)
    assert not Catalogue().find(PICTURE).is_old
    assert len(public.asked) == 2


def test_an_old_one_is_used_where_the_server_is_gone(
    public: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Catalogue().find(PICTURE)
    grow_old(tmp_path, 3)
    public.documents.clear()
    catalogue = Catalogue()
    found = catalogue.find(PICTURE)
    assert found.is_old
    assert found.schema.arguments
    assert time.time() - found.fetched == pytest.approx(3 * 86_400, abs=60)
    known = catalogue.known(PICTURE)
    assert known is not None
    assert known.is_old


def test_a_network_that_fails_is_told_to_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConnectError, match="could not fetch"):
        Catalogue().find("a/b", "ws://127.0.0.1:1")


def test_a_stream_that_fal_does_not_know_has_its_siblings_schema(public: Server) -> None:
    found = Catalogue().find(f"{PICTURE}/stream").schema
    assert found.streams
    assert found.argument("prompt")
    assert Catalogue().find(f"{PICTURE}/stream").schema == found
    assert len(public.asked) == 2


@pytest.mark.parametrize(
    "document", [None, b"", b"<html>", b"[" * 100_000, b'{"paths": {}}', b"\xff\xfe", b"0" * 9_000_000]
)
def test_what_is_no_document_is_no_schema(public: Server, document: bytes | None, tmp_path: Path) -> None:
    public.documents[f"/queue?endpoint_id={PICTURE}"] = document
    catalogue = Catalogue()
    with pytest.raises(InvalidRequest, match="there is no schema of studio/picture"):
        catalogue.find(PICTURE)
    assert catalogue.known(PICTURE) is None
    assert len(public.asked) == 1, "it is not asked again at once"
    assert not list(tmp_path.rglob("*.json"))


def test_a_broken_file_on_the_disk_is_fetched_again(public: Server, tmp_path: Path) -> None:
    Catalogue().find(PICTURE)
    (path,) = tmp_path.rglob("*.json")
    path.write_bytes(b"half of it {")
    assert Catalogue().find(PICTURE).schema.arguments
    assert len(public.asked) == 2


def test_a_disk_that_cannot_be_written_changes_nothing(public: Server, tmp_path: Path) -> None:
    (tmp_path / "fal_notebook").write_text("a file in the folder's place")
    assert Catalogue().find(PICTURE).schema.arguments


def test_the_disk_keeps_the_newest_documents(served: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema_disk, "_MOST_BYTES", 25)
    disk = SchemaDisk()
    for number in range(5):
        disk.write(f"url {number}", b"0123456789")
        (newest,) = (each for each in tmp_path.rglob("*.json") if each.stat().st_mtime > time.time() - 1000)
        os.utime(newest, (time.time() - 9000 + number,) * 2)
    assert [disk.read(f"url {number}") is not None for number in range(5)] == [False, False, False, True, True]
    assert not list(tmp_path.rglob("*.part"))


def test_a_gateways_document_is_in_memory_only(served: Server, tmp_path: Path) -> None:
    served.documents["/openapi.json"] = fal_document("talk", {"prompt": {"type": "string"}})
    assert Catalogue().find("talk", served.url).schema.argument("prompt")
    assert not list(tmp_path.rglob("*.json"))


def test_memory_is_bounded(served: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_ENTRIES", 3)
    catalogue = Catalogue()
    for number in range(6):
        with pytest.raises(InvalidRequest):
            catalogue.find(f"no/endpoint{number}", served.url)
    assert len(catalogue._entries) == 3


def test_the_successor_of_a_deprecated_endpoint_is_known(public: Server) -> None:
    public.documents["/queue?endpoint_id=fal-ai/any-llm"] = picture_document("fal-ai/any-llm")
    found = Catalogue().find("fal-ai/any-llm/stream").schema
    assert (found.deprecated, found.replaced_by) == (True, "openrouter/router/stream")
