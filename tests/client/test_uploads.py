"""Large files go to a storage before the request: to the one of this machine, through fal-client's own code."""

import asyncio
import hashlib
import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fal_client.client
import httpx
import numpy as np
import psutil
import pytest

import fal_notebook as fal
from fal_notebook import errors
from fal_notebook.client.payloads import LARGEST_INLINE, chosen_upload, payload_of
from fal_notebook.client.sessions import Session
from fal_notebook.client.uploads import Uploads
from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.server import LocalServer
from fal_notebook.media.media import Media
from fal_notebook.wire.target import resolve_target

from ..conftest import wait_until
from ..local.storages import KEY, Mirror, Storage, always_uploading, storage_of, stored


def large_of(size: int) -> bytes:
    return b"".join(hashlib.sha256(b"%d %d" % (size, at)).digest() for at in range(size // 32 + 1))[:size]


LARGE = large_of(LARGEST_INLINE + 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "storage"
    folder.mkdir()
    return folder


@pytest.fixture
def storage(folder: Path) -> Storage:
    return Storage(folder)


@pytest.fixture
def mirror() -> Mirror:
    return Mirror()


@pytest.fixture
def server(storage: Storage, mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    with storage_of(storage, HTTPOverWebSocket(mirror, key=KEY), monkeypatch) as running:
        monkeypatch.setenv("FAL_NOTEBOOK_URL", running.url)
        monkeypatch.setenv("FAL_KEY", KEY)
        yield running


@pytest.fixture
def always(server: LocalServer) -> Iterator[list[str]]:
    """The kernel's session uploads every file; what it tells is in the list."""
    with always_uploading() as told:
        yield told


def test_a_file_is_uploaded_and_its_url_stands_in_its_place(always: list[str], folder: Path, mirror: Mirror) -> None:
    fal.run("a/b", image_url=LARGE, nested=[{"deep": [LARGE]}], prompt="file-0")
    (sent,) = mirror.asked
    url = sent["image_url"]
    assert sent == {"image_url": url, "nested": [{"deep": [url]}], "prompt": "file-0"}
    assert httpx.get(url).content == LARGE
    assert stored(folder) == [LARGE]


def test_the_same_content_is_uploaded_once_and_one_line_is_told_once(
    always: list[str], storage: Storage, mirror: Mirror, tmp_path: Path
) -> None:
    path = tmp_path / "cat.png"
    path.write_bytes(LARGE)
    fal.run("a/b", image_url=path)
    fal.run("a/b", image_url=LARGE, image_urls=[LARGE, path])
    first, second = mirror.asked
    assert second == {"image_url": second["image_url"], "image_urls": [second["image_url"], first["image_url"]]}
    assert storage.uploads == 2  # PNG by its name, and bytes of no known type
    (line,) = always
    assert line.startswith("uploading to fal's storage: whoever has the URL of a file can read it, for 24 hours;")


def test_a_url_that_has_run_out_is_not_given_again(always: list[str], storage: Storage) -> None:
    fal.run("a/b", image_url=LARGE)
    fal.session().companion(Uploads).kept_seconds = 0
    fal.session().companion(Uploads).kept_seconds = 1
    known = fal.session().companion(Uploads)._known
    next(iter(known.values())).began -= 0.95
    fal.run("a/b", image_url=LARGE)
    assert storage.uploads == 2


def test_files_are_uploaded_at_the_same_time(always: list[str], storage: Storage, mirror: Mirror) -> None:
    storage.holds = True
    stream = fal.stream("a/b", image_urls=[large_of(number) for number in range(1, 7)])
    wait_until(lambda: storage.at_once == 4)
    transfer = stream.transfer
    assert transfer is not None
    assert transfer.words.endswith("0 of 6 files")
    assert mirror.asked == []
    storage.holds = False
    stream.result()
    assert storage.uploads == 6
    assert stream.transfer is None


def test_large_files_go_in_parts_and_are_counted(
    always: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fal_client.client, "MULTIPART_THRESHOLD", 100_000)
    monkeypatch.setattr(fal_client.client, "MULTIPART_CHUNK_SIZE", 70_000)
    stream = fal.stream("a/b", image_url=LARGE)
    transfer = stream.transfer
    stream.result()
    assert transfer is not None
    assert transfer.sent == transfer.total == len(LARGE)
    assert stored(folder) == [LARGE]


@pytest.mark.parametrize("parts", [False, True])
def test_a_request_that_is_stopped_while_it_uploads_is_not_sent_and_the_upload_ends(
    always: list[str],
    storage: Storage,
    mirror: Mirror,
    monkeypatch: pytest.MonkeyPatch,
    parts: bool,  # noqa: FBT001
) -> None:
    if parts:
        monkeypatch.setattr(fal_client.client, "MULTIPART_THRESHOLD", 1)
    storage.holds = True
    stream = fal.stream("a/b", video_url=bytes(60_000_000))
    transfer = stream.transfer
    assert transfer is not None
    wait_until(lambda: transfer.sent > 0)
    stream.cancel()
    assert stream.outcome().stopped
    assert not stream.outcome().sent_whole
    storage.holds = False
    wait_until(lambda: not [each for each in threading.enumerate() if each.name == "fal_notebook upload"])
    assert mirror.asked == []
    assert len(storage.files) == 0
    assert fal.run("a/b", x=1).data == {"x": 1}


def test_what_another_request_waits_for_goes_on(always: list[str], storage: Storage, mirror: Mirror) -> None:
    storage.holds = True
    one, two = (fal.stream("a/b", image_url=LARGE, n=number) for number in range(2))
    wait_until(lambda: storage.uploads == 1)
    time.sleep(0.1)  # both wait for the upload by then
    one.cancel()
    storage.holds = False
    assert two.result().data["n"] == 1
    assert storage.uploads == 1


@pytest.mark.parametrize("status", [401, 413, 500])
def test_a_failed_upload_sends_nothing_and_says_so_without_the_key(
    always: list[str], storage: Storage, mirror: Mirror, status: int
) -> None:
    storage.status = status
    with pytest.raises(errors.UploadFailed, match=rf"^file\.bin could not be uploaded: .* {status}") as caught:
        fal.run("a/b", image_url=LARGE)
    assert "the request was not sent" in str(caught.value)
    assert caught.value.status == status
    assert KEY not in str(caught.value) + repr(vars(caught.value))
    assert caught.value.__context__ is None
    assert mirror.asked == []
    storage.status = 0
    assert fal.run("a/b", image_url=LARGE).data["image_url"].startswith("http")


def test_an_upload_counts_towards_the_timeout(always: list[str], storage: Storage, mirror: Mirror) -> None:
    storage.holds = True
    with pytest.raises(errors.RequestTimeout, match=r"its files were not uploaded within 0\.2 s"):
        fal.run("a/b", image_url=LARGE, timeout=0.2)
    storage.holds = False
    assert mirror.asked == []


def test_a_pipeline_uploads_first_and_keeps_its_order(always: list[str], mirror: Mirror) -> None:
    streams = fal.pipeline("a/b", [{"n": 1}, {"n": 2, "image_url": LARGE}, {"n": 3}])
    assert [each.result().data["n"] for each in streams] == [1, 2, 3]
    assert [each["n"] for each in mirror.asked] == [1, 2, 3]
    assert mirror.asked[1]["image_url"].startswith("http")


def test_a_pipeline_of_which_a_file_cannot_be_uploaded_sends_nothing(
    always: list[str], storage: Storage, mirror: Mirror
) -> None:
    storage.status = 413
    streams = fal.pipeline("a/b", [{"n": 1}, {"n": 2, "image_url": LARGE}])
    assert [type(each.outcome().error) for each in streams] == [errors.UploadFailed] * 2
    assert mirror.asked == []


def test_an_awaited_request_uploads_and_the_loop_goes_on(always: list[str], storage: Storage, mirror: Mirror) -> None:
    async def ask() -> int:
        storage.holds = True
        task = asyncio.create_task(fal.arun("a/b", image_url=LARGE))
        turns = 0
        while not storage.uploads:
            await asyncio.sleep(0.001)
            turns += 1
        storage.holds = False
        await task
        return turns

    assert asyncio.run(ask()) > 0
    assert mirror.asked[0]["image_url"].startswith("http")


def test_without_a_key_nothing_is_uploaded(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FAL_KEY")
    session = Session()
    session.upload = "always"
    with pytest.raises(errors.InvalidRequest, match="needs a key of fal"):
        session.stream("a/b", {"image_url": LARGE})


FAL = {"FAL_KEY": KEY}
HERE = {"FAL_NOTEBOOK_URL": "ws://127.0.0.1:1"}
ELSEWHERE = {"FAL_NOTEBOOK_URL": "wss://gateway.example", **FAL}


@pytest.mark.parametrize(
    ("variables", "size", "choice", "uploads"),
    [
        (FAL, LARGEST_INLINE, "auto", False),
        (FAL, LARGEST_INLINE + 1, "auto", True),
        (HERE, LARGEST_INLINE + 1, "auto", False),
        (ELSEWHERE, LARGEST_INLINE + 1, "auto", False),
        (FAL, 1, "always", True),
        (HERE, 1, "always", True),
        (FAL, LARGEST_INLINE + 1, "never", False),
    ],
)
def test_what_is_uploaded(
    variables: dict[str, str],
    size: int,
    choice: Any,
    uploads: bool,  # noqa: FBT001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    payload = payload_of({"x": bytes(size)}, resolve_target("a/b"), choice)
    assert len(payload.files) == uploads
    assert payload.message.startswith('{"x": "data:') is not uploads


def test_a_url_stays_a_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)
    given = {"x": Media("image/png", bytes(LARGEST_INLINE + 1), url="https://fal.media/a.png")}
    assert payload_of(given, resolve_target("a/b"), "always").files == {}


def test_the_callers_choice_goes_before_the_sessions(server: LocalServer, mirror: Mirror) -> None:
    token = chosen_upload.set("always")
    try:
        fal.run("a/b", image_url=b"x")
    finally:
        chosen_upload.reset(token)
    fal.run("a/b", image_url=b"x")
    assert [each["image_url"].partition(":")[0] for each in mirror.asked] == ["http", "data"]


def test_an_upload_takes_no_memory_beside_the_file(
    always: list[str], storage: Storage, tmp_path: Path, mirror: Mirror
) -> None:
    size = 90_000_000  # less than fal-client sends in parts
    path = tmp_path / "a.mp4"
    path.write_bytes(os.urandom(1_000_000) * (size // 1_000_000))
    fal.run("a/b", video_url=large_of(10_000))
    process, peak, ended = psutil.Process(), 0, threading.Event()
    before = process.memory_info().rss

    def watch() -> None:
        nonlocal peak
        while not ended.wait(0.002):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    fal.run("a/b", video_url=path)
    ended.set()
    watcher.join()
    assert peak - before < 1.15 * size
    assert (
        hashlib.sha256(httpx.get(mirror.asked[-1]["video_url"]).content).digest()
        == hashlib.sha256(path.read_bytes()).digest()
    )


CHAT = "openrouter/router/openai/v1/chat/completions"


def test_a_picture_of_a_conversation_is_uploaded_once_and_its_url_stands_in_every_turn(
    always: list[str], storage: Storage, mirror: Mirror
) -> None:
    talk = fal.chat(CHAT)
    picture = np.arange(300_000, dtype="uint8").reshape(300, 1000)
    talk("What is this?", picture)
    talk.fork()("And now?")
    talk("Really?")
    urls = [each["messages"][0]["content"][1]["image_url"]["url"] for each in mirror.asked]
    assert len(set(urls)) == storage.uploads == 1
    assert httpx.get(urls[0]).headers["content-type"] == "image/png"
    kept = json.loads(json.dumps(talk.messages))[0]["content"][1]["image_url"]["url"]
    assert kept.startswith("data:image/png;base64,")


def test_the_prompt_box_uploads_what_python_has_given_it(always: list[str], mirror: Mirror, tmp_path: Path) -> None:
    path = tmp_path / "cat.png"
    path.write_bytes(LARGE)
    box = fal.PromptWidget("a/b", {"image_url": path})
    box.run("x")
    wait_until(lambda: len(box.results) == 1)
    assert mirror.asked[0]["image_url"].startswith("http")
    box.close()
