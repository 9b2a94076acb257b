"""The magic in a real kernel, with files that are uploaded by fal-client to the storage of this machine."""

import base64
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.server import LocalServer

from .conftest import wait_until
from .kernels import Kernel, kernel
from .local.storages import KEY, Mirror, Storage, storage_of

NOTICE = "whoever has the URL of a file can read it, for 24 hours"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("storage")


@pytest.fixture(scope="module")
def storage(folder: Path) -> Storage:
    return Storage(folder)


@pytest.fixture(scope="module")
def mirror() -> Mirror:
    return Mirror()


@pytest.fixture(scope="module")
def server(storage: Storage, mirror: Mirror) -> Iterator[LocalServer]:
    gateway = HTTPOverWebSocket(mirror, key=KEY)
    with pytest.MonkeyPatch.context() as patch, storage_of(storage, gateway, patch) as running:
        yield running


@pytest.fixture(scope="module")
def lab(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    folder = tmp_path_factory.mktemp("work")
    (folder / "my film.mp4").write_bytes(os.urandom(3_000_000))
    with kernel({"FAL_NOTEBOOK_URL": server.url, "FAL_KEY": KEY}) as running:
        running.run("%load_ext fal_notebook")
        running.run(f"import os; os.chdir({str(folder)!r})")
        address = f"c.REST_URL, c.CDN_URL = {server.http_url!r}, {server.http_url + '/storage'!r}"
        assert running.run(f"import fal_client.client as c; {address}").status == "ok"
        yield running


def test_a_file_goes_within_the_request_to_a_gateway_of_ones_own(lab: Kernel, mirror: Mirror, storage: Storage) -> None:
    cell = lab.run('%falstream a/b video_url=@"my film.mp4"')
    assert cell.status == "ok"
    sent = mirror.asked[-1]["video_url"]
    assert sent.startswith("data:video/mp4;base64,")
    assert len(base64.b64decode(sent.partition(",")[2])) == 3_000_000
    assert NOTICE not in cell.plain
    assert storage.uploads == 0


def test_an_upload_is_told_before_it_begins_and_shown_while_it_goes_on(
    lab: Kernel, mirror: Mirror, storage: Storage
) -> None:
    storage.holds = True
    asked = len(mirror.asked)
    request = lab.send('%falstream a/b video_url=@"my film.mp4" --upload')
    wait_until(lambda: storage.uploads == 1)
    shown: list[str] = []
    while not any("of 3.0 MB" in each for each in shown):
        message = lab.client.get_iopub_msg(timeout=20)
        shown.append(str(message["content"]))
    assert any(NOTICE in each for each in shown)
    assert any("uploading…" in each for each in shown)
    assert len(mirror.asked) == asked
    storage.holds = False
    cell = lab.read(request)
    assert cell.status == "ok"
    assert "widget-view" not in str([each.get("data") for each in cell.outputs])
    assert mirror.asked[-1]["video_url"].startswith("http")


def test_an_interrupt_stops_an_upload_and_nothing_is_sent(lab: Kernel, mirror: Mirror, storage: Storage) -> None:
    asked, uploads = len(mirror.asked), storage.uploads
    storage.holds = True
    request = lab.send("%falstream a/b video_url={{bytes(40_000_000)}} --upload")
    wait_until(lambda: storage.uploads == uploads + 1)
    lab.manager.interrupt_kernel()
    cell = lab.read(request)
    storage.holds = False
    assert (cell.status, cell.reply["ename"]) == ("error", "KeyboardInterrupt")
    assert NOTICE not in cell.plain
    assert len(mirror.asked) == asked
    assert lab.run("%falstream a/b x=1").status == "ok"


def test_a_failed_upload_is_one_error_and_nothing_is_sent(lab: Kernel, mirror: Mirror, storage: Storage) -> None:
    asked, storage.status = len(mirror.asked), 413
    cell = lab.run("%falstream a/b image_url={{bytes(9)}} --upload")
    storage.status = 0
    assert cell.reply["ename"] == "UploadFailed"
    assert "file.bin could not be uploaded" in cell.error
    assert len(mirror.asked) == asked


def test_the_setting_counts_for_cells_and_calls_and_the_line_overrules_it(lab: Kernel, mirror: Mirror) -> None:
    lab.run('%config FalMagics.upload = "always"')
    lab.run("import fal_notebook as fal; fal.run('a/b', image_url=b'called')")
    assert mirror.asked[-1]["image_url"].startswith("http")
    lab.run("%falstream a/b image_url={{b'said'}} --inline")
    assert mirror.asked[-1]["image_url"].startswith("data:")
    lab.run('%config FalMagics.upload = "auto"')
    assert "contradict" in lab.run("%falstream a/b --inline --upload").printed
