import base64
import contextlib
import gzip
import threading
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fal_notebook.errors import ConnectError, InvalidRequest, ResponseTooLarge
from fal_notebook.media import data_uris
from fal_notebook.media.data_uris import is_data_uri, media_from_data_uri
from fal_notebook.media.media import (
    MAX_BYTES,
    Media,
    first_raster,
    guess_type,
    media_from_bytes,
    needs_more,
    normal_type,
    sniff,
)
from fal_notebook.wire.pool import Limits

from ..interrupt_delay import longest_interrupt_delay

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
MAGIC = [
    (b"RIFF\xff\xff\xff\xffWAVEfmt ", "audio/wav"),
    (b"RIFF\n\x00\x00\x00WEBPVP8 ", "image/webp"),
    (b"ID3\x04\x00\x00\x00\x00\x00\x00TIT2", "audio/mpeg"),
    (b"\xff\xfb\x90\x44" + bytes(12), "audio/mpeg"),
    (b"\xff\xf3\x84\xc4" + bytes(12), "audio/mpeg"),
    (b"\xff\xf1\x50\x80" + bytes(12), "audio/aac"),
    (b"OggS\x00\x02" + bytes(12), "audio/ogg"),
    (b"fLaC\x00\x00\x00\x22" + bytes(12), "audio/flac"),
    (PNG, "image/png"),
    (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01", "image/jpeg"),
    (b"GIF89a\x01\x00\x01\x00\x80\x00", "image/gif"),
    (b"\x00\x00\x00\x20ftypM4A \x00\x00", "audio/mp4"),
    (b"\x00\x00\x00\x1cftypavif\x00\x00", "image/avif"),
    (b"\x00\x00\x00\x20ftypisom\x00\x00", "video/mp4"),
    (b"\x1a\x45\xdf\xa3\x01\x00\x00\x00" + bytes(12), "video/webm"),
    (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "application/pdf"),
]
WORDS = [
    b"RIFF is a format of Microsoft",
    b"ID3 tags are old",
    b"ID3\n\n1. Quinlan",
    b"GIF8 is no name",
    b"OggSomething",
    b"fLaCon and other",
    b"Once upon a time",
    b"%PDF-A is a norm",
    b"data: {}\r\n\r\n....",
    b'{"output": "x"}   ',
    b"\xef\xbb\xbfdata: x\n\nmore",
    "ÿÿÿÿÿÿÿÿÿÿÿÿ".encode(),
    b"",
    bytes(12),
]


HERE = "127.0.0.1"


@dataclass
class FileServer:
    """A real server that keeps the headers of what it was asked."""

    url: str
    asked: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[FileServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append({name.lower(): value for name, value in self.headers.items()})
            moved = self.path == "/moved.png"
            self.send_response(302 if moved else 200 if self.path == "/a.png" else 404)
            self.send_header("Location" if moved else "Content-Type", "/a.png" if moved else "image/png")
            self.send_header("Content-Length", "0" if moved else str(len(PNG)))
            self.end_headers()
            self.wfile.write(b"" if moved else PNG)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        served = FileServer(f"http://127.0.0.1:{http.server_port}")
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield served
        http.shutdown()
        thread.join()


BOMBS = {"bomb": "gzip", "bomb-in-a-bomb": "gzip, gzip", "bomb-in-three": "deflate, gzip,gzip"}


@cache
def bomb(times: int) -> bytes:
    """Half a gigabyte, packed so many times."""
    packed = gzip.compress(bytes(500_000_000))
    for _ in range(times - 1):
        packed = gzip.compress(packed)
    return packed


@pytest.fixture
def endless() -> Iterator[str]:
    """A real server of which no answer ends: the path says how."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            codings = BOMBS.get(self.path.removeprefix("/"))
            if codings:
                self.send_header("Content-Encoding", codings)
            self.end_headers()
            self.wfile.write(bomb(1 + codings.count(",")) if codings else PNG)
            with contextlib.suppress(OSError):  # the client has had enough
                while self.path == "/endless":
                    self.wfile.write(bytes(10_000))
            over.wait()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        over.set()
        http.shutdown()
        thread.join()


@pytest.mark.parametrize(("head", "content_type"), MAGIC)
def test_a_file_is_what_its_first_bytes_are(head: bytes, content_type: str) -> None:
    assert sniff(head) == content_type
    assert sniff(head[:12]) == content_type


@pytest.mark.parametrize("head", WORDS)
def test_words_are_no_file(head: bytes) -> None:
    assert sniff(head) is None


@pytest.mark.parametrize("head", [each for each in WORDS if each] + [head for head, _ in MAGIC])
def test_no_more_bytes_change_what_was_settled(head: bytes) -> None:
    settled = next(length for length in range(1, len(head) + 1) if not needs_more(head[:length]))
    assert sniff(head[:settled]) == sniff(head)


def test_nothing_is_settled_by_no_bytes() -> None:
    assert needs_more(b"")


def test_raw_samples_are_not_taken_for_frames_of_mp3() -> None:
    assert sniff(b"\xff\xfb\x90\x44" + bytes(8), samples=True) is None
    assert sniff(b"RIFF\x00\x00\x00\x00WAVE", samples=True) == "audio/wav"


@pytest.mark.parametrize(
    ("label", "content_type"),
    [
        ("image/PNG", "image/png"),
        (" Text/Event-Stream ; charset=utf-8", "text/event-stream"),
        ("audio/x-wav", "audio/wav"),
        ("audio/mp3", "audio/mpeg"),
        ("image/jpg", "image/jpeg"),
        ("image/svg+xml", "image/svg+xml"),
        (None, "application/octet-stream"),
        ("", "application/octet-stream"),
        ("png", "application/octet-stream"),
        ('image/png"><script>', "application/octet-stream"),
    ],
)
def test_a_content_type_has_one_form(label: str | None, content_type: str) -> None:
    assert normal_type(label) == content_type


def test_plain_bytes_win_over_the_label() -> None:
    assert media_from_bytes(PNG, "audio/mpeg").content_type == "image/png"
    assert media_from_bytes(b"words", "audio/mpeg").content_type == "audio/mpeg"
    assert media_from_bytes(b"words").content_type == "application/octet-stream"


@pytest.mark.parametrize("label", ["audio/webm", "video/webm", "audio/mp4"])
def test_the_label_tells_sound_from_pictures_where_a_format_holds_both(label: str) -> None:
    assert media_from_bytes(b"\x1a\x45\xdf\xa3" + bytes(12), label).content_type == label


@pytest.mark.parametrize(
    ("content_type", "kind", "extension"),
    [
        ("audio/wav", "audio", ".wav"),
        ("audio/mpeg", "audio", ".mp3"),
        ("image/png", "image", ".png"),
        ("image/jpeg", "image", ".jpg"),
        ("video/mp4", "video", ".mp4"),
        ("application/json", "application", ".json"),
        ("application/x-unheard-of", "application", ".bin"),
    ],
)
def test_a_type_has_a_kind_and_an_ending(content_type: str, kind: str, extension: str) -> None:
    assert (Media(content_type).kind, Media(content_type).extension) == (kind, extension)


@pytest.mark.parametrize(
    ("uri", "data"),
    [
        ("data:text/plain;base64,SGVsbG8=", b"Hello"),
        ("data:text/plain;base64,SGVsbG8", b"Hello"),
        ("data:text/plain;base64,SGVs%62G8%3D", b"Hello"),
        ("DATA:text/plain;charset=utf-8;BASE64,SGVsbG8=", b"Hello"),
        ("data:text/plain,Hello%20you", b"Hello you"),
        ("data:text/plain;charset=utf-8,100%", b"100%"),
        ("data:text/plain,", b""),
    ],
)
def test_a_data_uri_is_a_file(uri: str, data: bytes) -> None:
    assert is_data_uri(uri)
    assert media_from_data_uri(uri) == Media("text/plain", data)


def test_escapes_are_read_alike_wherever_a_long_data_uri_is_cut() -> None:
    for shift in range(3):
        data = b"-" * shift + bytes(range(256)) * 300
        escaped = "-" * shift + "".join(f"%{byte:02x}" for byte in data[shift:])
        assert media_from_data_uri(f"data:text/plain,{escaped}").data == data


@given(st.binary(max_size=40).map(base64.b64encode) | st.text("AQ=+-\n ", max_size=40).map(str.encode))
def test_base64_is_the_same_in_pieces(text: bytes) -> None:
    text += b"=" * (-len(text) % 4)
    with mock.patch.object(data_uris, "_BASE64_AT_ONCE", 8):
        try:
            want = base64.b64decode(text)
        except ValueError:
            with pytest.raises(ValueError, match=r"base64|padding|character"):
                data_uris._from_base64(text)
        else:
            assert data_uris._from_base64(text) == want


def test_an_interrupt_is_heard_while_a_long_data_uri_is_read() -> None:
    uri = "data:video/mp4;base64," + "AAAA" * 20_000_000
    began = time.thread_time()
    with longest_interrupt_delay() as delay:
        file = media_from_data_uri(uri)
    assert delay[0] < 0.4 * (time.thread_time() - began)  # of which decoding is the most
    assert file.data == bytes(60_000_000)


def test_a_data_uri_takes_no_more_memory_than_a_few_times_its_length() -> None:
    uri = "data:text/plain," + "%41" * 200_000
    tracemalloc.start()
    try:
        assert media_from_data_uri(uri).data == b"A" * 200_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * len(uri)


def test_a_data_uri_of_escapes_without_end_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="more than 250,000 escapes"):
        media_from_data_uri("data:text/plain," + "%41" * 300_000)


def test_a_file_goes_to_a_data_uri_and_back() -> None:
    uri = Media("image/png", PNG).data_uri()
    assert uri.startswith("data:image/png;base64,iVBOR")
    assert media_from_data_uri(uri) == Media("image/png", PNG)


@pytest.mark.parametrize("uri", ["data:image/png;base64,abcde", "data:image/png", "https://fal.media/a.png", ""])
def test_a_broken_data_uri_is_refused(uri: str) -> None:
    with pytest.raises(InvalidRequest):
        media_from_data_uri(uri)


def test_words_that_begin_with_data_are_no_data_uri() -> None:
    assert not is_data_uri("Data: one, two and three")


@pytest.mark.parametrize(
    ("url", "content_type"),
    [
        ("https://fal.media/a.png?x=1", "image/png"),
        ("https://fal.media/a.wav", "audio/wav"),
        ("https://fal.media/a", None),
    ],
)
def test_the_ending_of_a_url_tells_its_type(url: str, content_type: str | None) -> None:
    assert guess_type(url) == content_type


def test_a_file_is_saved_under_its_name(tmp_path: Path) -> None:
    assert Media("image/png", PNG).save(tmp_path / "cat.png") == tmp_path / "cat.png"
    assert (tmp_path / "cat.png").read_bytes() == PNG


def test_a_name_without_an_ending_gets_the_types(tmp_path: Path) -> None:
    assert Media("audio/mpeg", b"x").save(str(tmp_path / "song")) == tmp_path / "song.mp3"


def test_a_folder_gets_the_servers_name_or_ours(tmp_path: Path) -> None:
    assert Media("image/png", PNG, file_name="cat.png").save(tmp_path) == tmp_path / "cat.png"
    assert Media("image/png", PNG).save(tmp_path) == tmp_path / "fal.png"


@pytest.mark.parametrize(
    "name", ["../../x", "/etc/x", "..", ".", "a/..", "a/../../b", "~/x", "", ".bashrc", "x\0.png", "\ud800.png"]
)
def test_a_hostile_name_stays_in_the_folder(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "one" / "two"
    folder.mkdir(parents=True)
    saved = Media("image/png", PNG, file_name=name).save(folder)
    assert saved.resolve().parent == folder
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [saved]


def test_a_folder_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Media("image/png", PNG).save(tmp_path / "none" / "cat.png")


def test_a_url_is_fetched_without_the_key(server: FileServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FAL_KEY", "id:secret")
    saved = Media("image/png", gateway=HERE, url=f"{server.url}/a.png", file_name="a.png").save(tmp_path)
    assert saved.read_bytes() == PNG
    assert "host" in server.asked[0]
    assert "authorization" not in server.asked[0]
    assert "secret" not in repr(server.asked)


def test_a_redirect_is_followed(server: FileServer) -> None:
    assert Media("image/png", gateway=HERE, url=f"{server.url}/moved.png").read() == PNG
    assert len(server.asked) == 2


def test_a_url_that_is_gone_is_a_connect_error(server: FileServer) -> None:
    with pytest.raises(ConnectError, match=r"could not fetch .*/gone\.png: it answered 404( [A-Z]|$|\))"):
        Media("image/png", gateway=HERE, url=f"{server.url}/gone.png").read()


@pytest.mark.parametrize(
    "url",
    [
        *(None, "", "file:///etc/passwd", "ftp://a/b.png", "http://[::1", "http://127.0.0.1:1/"),
        *("http://127.0.0.1:1/\ud800", "http://xn--/", "http://a..b/", f"http://{'a' * 300}/"),
    ],
)
def test_what_cannot_be_fetched_is_a_connect_error(url: str | None) -> None:
    with pytest.raises(ConnectError):
        Media("image/png", url=url).read()


@pytest.mark.parametrize("path", ["endless", "bomb"])
def test_a_url_that_does_not_end_is_fetched_up_to_a_limit(path: str, endless: str) -> None:
    bomb(1)
    tracemalloc.start()
    try:
        with pytest.raises(ResponseTooLarge, match=r"more than 1,000,000 bytes \(read\(max_bytes=…\) takes more\)"):
            Media("image/png", gateway=HERE, url=f"{endless}/{path}").read(max_bytes=1_000_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000


@pytest.mark.parametrize("path", ["bomb-in-a-bomb", "bomb-in-three"])
def test_what_is_packed_more_than_once_is_refused_before_it_is_unpacked(path: str, endless: str) -> None:
    bomb(2), bomb(3)
    tracemalloc.start()
    try:
        with pytest.raises(ConnectError, match=r"packed as .*gzip, ?gzip, which was not asked for"):
            Media("image/png", gateway=HERE, url=f"{endless}/{path}").read(max_bytes=1_000_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000


def test_a_server_that_falls_silent_is_waited_for_so_long_and_no_longer(endless: str) -> None:
    began = time.monotonic()
    with pytest.raises(ConnectError, match="timed out"):
        Media("image/png", gateway=HERE, url=f"{endless}/silent").read(timeout=0.2)
    assert time.monotonic() - began < 5


def test_a_limit_of_exactly_the_files_size_is_enough(server: FileServer) -> None:
    assert Media("image/png", gateway=HERE, url=f"{server.url}/a.png").read(max_bytes=len(PNG)) == PNG
    with pytest.raises(ResponseTooLarge):
        Media("image/png", gateway=HERE, url=f"{server.url}/a.png").read(max_bytes=len(PNG) - 1)


def test_a_fetched_file_may_be_as_large_as_an_answer() -> None:
    assert Limits().max_body == MAX_BYTES


def test_the_repr_says_what_there_is_and_not_the_bytes() -> None:
    assert repr(Media("image/png", b"x" * 1234)) == "<Media image/png, 1,234 bytes>"
    assert repr(Media("image/png", url="https://fal.media/a.png")) == "<Media image/png, https://fal.media/a.png>"


def test_a_picture_shows_itself_in_a_notebook_and_anything_else_its_repr() -> None:
    png = Media("image/png", PNG)
    assert png._repr_mimebundle_() == {"text/plain": repr(png), "image/png": base64.b64encode(PNG).decode()}
    for other in (Media("image/svg+xml", b"<svg/>"), Media("image/png", url="https://x.y/a.png"), Media("text/plain")):
        assert other._repr_mimebundle_() == {"text/plain": repr(other)}


def test_the_repr_does_not_act_on_a_terminal() -> None:
    assert "\x1b" not in repr(Media("image/png", url="https://fal.media/\x1b[2Ja.png"))


def test_the_size_of_a_picture_is_what_the_server_told_else_what_its_bytes_say() -> None:
    png = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x05\x00\x00\x00\x06"
    assert Media("image/png", png, width=8, height=9).pixels == (8, 9)
    assert Media("image/png", png, width=8).pixels == (5, 6)
    assert Media("image/png", b"x").pixels is None
    assert Media("image/png", url="https://fal.media/a.png").pixels is None


@pytest.mark.parametrize(
    "media",
    [
        Media("image/svg+xml", b"<svg onload='alert(1)'></svg>"),
        Media("image/png", b"<svg onload='alert(1)'></svg>"),
        Media("image/png", None, "https://localhost/x.png"),
        Media("application/pdf", b"%PDF-1.7"),
    ],
)
def test_what_may_act_or_would_be_fetched_is_no_picture(media: Media) -> None:
    assert first_raster([media]) is None


def test_the_first_picture_is_taken_by_its_bytes_whatever_it_is_called() -> None:
    found = first_raster([Media("image/svg+xml", b"<svg/>"), Media("text/html", PNG), Media("image/gif", b"GIF89a")])
    assert found == Media("image/png", PNG)
