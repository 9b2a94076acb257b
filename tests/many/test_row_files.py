"""Files of rows: each content is stored and uploaded once, by fal-client's own code, to a storage on this machine."""

import json
import sqlite3
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fal_notebook as fal
from fal_notebook.client.arguments import encode
from fal_notebook.client.payloads import LARGEST_INLINE
from fal_notebook.client.uploads import Uploads
from fal_notebook.errors import InvalidRequest
from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.queue import LocalQueue, WithQueue
from fal_notebook.local.server import LocalServer
from fal_notebook.many import journal_file, row_files, row_uploads
from fal_notebook.many.journal import Journal
from fal_notebook.many.queue_lookup import unknown_rows
from fal_notebook.many.row_files import contents_in, filled, marked
from fal_notebook.many.rows import Rows, fill
from fal_notebook.media.media import Media
from fal_notebook.safety.redaction import Redaction

from ..conftest import wait_until
from ..local.storages import KEY, Mirror, Storage, always_uploading, storage_of

LARGE = b"\x89PNG\r\n\x1a\n" + bytes(LARGEST_INLINE)
ENDPOINT = "a/b"


def picture(number: int) -> bytes:
    return LARGE + b"%d" % number


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.fal"


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
        monkeypatch.setenv("FAL_NOTEBOOK_SCHEMAS", "off")
        monkeypatch.setattr(row_uploads, "_PAUSES", (0.01,) * 9)
        yield running


@pytest.fixture
def always(server: LocalServer) -> Iterator[list[str]]:
    """The kernel's session uploads every file; what it tells is in the list."""
    with always_uploading() as told:
        yield told


def test_a_file_of_each_row_is_uploaded_once_for_each_content_and_its_url_is_sent(
    always: list[str], storage: Storage, mirror: Mirror, path: Path
) -> None:
    rows = [{"prompt": f"p{n}", "image_url": picture(n % 3)} for n in range(12)]
    run = fal.map(ENDPOINT, rows, to=path).wait()
    assert [each["status"] for each in run.records()] == ["done"] * 12
    assert storage.uploads == 3
    assert len(mirror.asked) == 12
    for each in mirror.asked:
        assert httpx.get(each["image_url"]).content == picture(int(each["prompt"][1:]) % 3)
    (line,) = always
    assert line.startswith("uploading to fal's storage")
    assert path.stat().st_size < 5 * len(LARGE)


def test_a_file_that_all_rows_send_is_uploaded_once(
    always: list[str], storage: Storage, mirror: Mirror, path: Path
) -> None:
    fal.map(ENDPOINT, [f"p{n}" for n in range(20)], image_url=LARGE, to=path).wait()
    assert storage.uploads == 1
    assert len({each["image_url"] for each in mirror.asked}) == 1
    assert sorted(each["prompt"] for each in mirror.asked) == sorted(f"p{n}" for n in range(20))


def test_small_files_and_those_for_a_gateway_of_ones_own_go_within_the_requests(
    server: LocalServer, storage: Storage, mirror: Mirror, path: Path
) -> None:
    fal.map(ENDPOINT, [{"image_url": LARGE}, {"image_url": LARGE[:9]}], to=path).wait()
    assert storage.uploads == 0
    within = {Media("image/png", each).data_uri() for each in (LARGE, LARGE[:9])}
    assert {each["image_url"] for each in mirror.asked} == within


def test_a_run_that_ends_during_the_uploads_has_sent_nothing_and_goes_on_without_uploading_again(
    always: list[str], storage: Storage, mirror: Mirror, path: Path
) -> None:
    rows = [{"prompt": f"p{n}", "image_url": picture(n)} for n in range(6)]
    run = fal.map(ENDPOINT, rows[:], to=path)
    run.wait()
    assert storage.uploads == 6
    path.unlink()
    fal.session().companion(Uploads).__init__()  # type: ignore[misc]
    mirror.asked.clear()
    storage.holds = True
    run = fal.map(ENDPOINT, rows, to=path)
    wait_until(lambda: storage.at_once == 4)
    assert "6 rows wait for the upload of their files" in run.standing.words
    run.cut()
    run.wait()
    storage.holds = False
    assert run.standing.counts["new"] == 6
    assert mirror.asked == []
    assert fal.attach(path).wait().standing.counts["done"] == 6


def test_files_of_rows_are_uploaded_for_the_queue_too(
    storage: Storage, mirror: Mirror, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)
    monkeypatch.setattr(fal.session(), "upload", "always")
    place = WithQueue(HTTPOverWebSocket(mirror, key=KEY), LocalQueue(mirror, None, key=KEY))
    with storage_of(storage, place, monkeypatch) as running:
        rows = [{"prompt": f"p{n}", "image_url": picture(n)} for n in range(4)]
        run = fal.map(ENDPOINT, rows, to=path, engine="queue", base_url=running.url).wait()
        assert [each["status"] for each in run.records()] == ["done"] * 4
        for each in mirror.asked:
            assert httpx.get(each["image_url"]).content == picture(int(each["prompt"][1:]))


def test_urls_are_kept_over_a_restart(always: list[str], storage: Storage, mirror: Mirror, path: Path) -> None:
    rows = [{"prompt": "p", "image_url": LARGE}]
    run = fal.map(ENDPOINT, rows, to=path).wait()
    with Journal.drive(path) as journal:
        journal._connection.execute("UPDATE states SET state = 'failed'")
    fal.session().companion(Uploads).__init__()  # type: ignore[misc]
    run.retry(failed=True).wait()
    first, second = mirror.asked
    assert storage.uploads == 1
    assert first == second
    with Journal.drive(path) as journal:  # a day later
        journal._connection.execute("UPDATE files SET uploaded = uploaded - 86400")
        journal._connection.execute("UPDATE states SET state = 'failed'")
    run.retry(failed=True).wait()
    assert storage.uploads == 2


def test_a_file_that_the_storage_refuses_fails_its_row_and_the_others_go_on(
    always: list[str], storage: Storage, mirror: Mirror, path: Path
) -> None:
    storage.status = 413
    run = fal.map(ENDPOINT, [{"image_url": LARGE}, {"prompt": "without"}], to=path).wait()
    failed, done = run.records()
    assert failed["status"] == "failed"
    assert "not sent: " in failed["error"]
    assert "413" in failed["error"]
    assert KEY not in failed["error"]
    assert done["status"] == "done"
    assert len(mirror.asked) == 1
    storage.status = 0
    assert run.retry(failed=True).wait()[0]["status"] == "done"


def test_a_storage_that_is_away_for_a_moment_delays_a_row_and_one_that_stays_away_stops_the_run(
    always: list[str], storage: Storage, mirror: Mirror, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.status = 503
    monkeypatch.setattr(row_uploads, "_PAUSES", (0.01, 0.01, 60.0))
    run = fal.map(ENDPOINT, [{"image_url": LARGE}], to=path)
    wait_until(lambda: "tries again: " in run.standing.words)
    run.cut()
    run.wait()
    monkeypatch.setattr(row_uploads, "_PAUSES", (0.01, 0.01))
    run.resume().wait()
    assert "could not be uploaded" in run.standing.reason
    assert run.standing.counts["new"] == 1
    assert mirror.asked == []
    storage.status = 0
    assert run.resume().wait().standing.counts["done"] == 1


def test_a_journal_has_each_file_once_and_what_was_sent_for_a_lost_row(path: Path) -> None:
    source = [{"image_url": picture(n % 2), "prompt": f"p{n}"} for n in range(50)]
    rows = Rows(source, {}, ENDPOINT)
    with Journal.drive(path, rows.header) as journal:
        fill(journal, rows)
        fill(journal, Rows(source, {}, ENDPOINT))  # the same rows
        assert journal._read("SELECT COUNT(*) FROM files") == [(2,)]
        assert journal.duplicates() == 0
        journal.intend([0, 1], "queue")
        (content,) = journal.contents_of([0])[0]
        journal.uploaded([(content, "https://v3.fal.media/x.png", 1.0)])
        journal.lost([0, 1])
        first, second = unknown_rows(journal)
    assert first.arguments == {"image_url": "https://v3.fal.media/x.png", "prompt": "p0"}
    assert second.arguments == {"image_url": Media("image/png", picture(1)).data_uri(), "prompt": "p1"}


def test_rows_with_files_are_not_all_in_memory(path: Path) -> None:
    rows = Rows(({"file_url": bytes([n]) * 2_000_000} for n in range(60)), {}, ENDPOINT)
    tracemalloc.start()
    with Journal.drive(path, rows.header) as journal:
        fill(journal, rows)
        assert len(journal) == 60
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60_000_000


def test_dry_run_copies_no_file(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[tuple[int, ...]] = []
    close = Journal.close

    def look(journal: Journal) -> None:
        kept.extend(journal._read("SELECT COUNT(*) FROM files"))
        close(journal)

    monkeypatch.setattr(Journal, "close", look)
    assert fal.map(ENDPOINT, [{"image_url": LARGE}], video_url=LARGE, dry_run=True).rows == 1
    assert kept[0] == (0,)


def test_the_key_in_a_file_is_not_in_the_journal(path: Path) -> None:
    rows = Rows([{"file_url": f"my key is {KEY}".encode() + bytes(LARGEST_INLINE)}], {}, ENDPOINT)
    with Journal.drive(path, rows.header, Redaction(KEY)) as journal:
        fill(journal, rows)
    assert KEY.encode() not in path.read_bytes()


def test_a_file_that_no_journal_takes_is_refused_before_anything_is_stored(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_files, "_LARGEST", LARGEST_INLINE)
    with pytest.raises(InvalidRequest, match=r"row 0: .*too large for a journal.*give its URL"):
        list(Rows([{"image_url": LARGE}], {}, ENDPOINT))


def test_the_first_version_of_a_journal_gets_a_place_for_files(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(journal_file, "STEPS", journal_file.STEPS[:1])
        connection = journal_file.connect(path, create=True)
        journal_file.bring_up_to_date(connection)
        values = {"endpoint": ENDPOINT, "constants": "{}", "templates": "{}", "is_unique": 0, "is_whole": 1}
        for item in ({**values, "created": 1.0, "rows_hash": b""}).items():
            connection.execute("INSERT INTO header VALUES (?, ?)", item)
        connection.execute("INSERT INTO rows VALUES (0, x'', x'', NULL, '0', '{}', '{\"prompt\": \"x\"}')")
        connection.execute("INSERT INTO states (number, state) VALUES (0, 'new')")
        connection.close()
    with sqlite3.connect(path) as found:
        assert found.execute("SELECT name FROM sqlite_master WHERE name = 'files'").fetchall() == []
    with Journal.drive(path) as journal:
        assert journal.arguments([0]) == {0: {"prompt": "x"}}
        assert not journal.has_files


VALUES = st.recursive(
    st.text(max_size=5)
    | st.sampled_from([Media("image/png", LARGE), Media("audio/wav", LARGE[::-1]), Media("image/png", b"small")])
    | st.sampled_from(["fal-journal:" + "0" * 64, '"fal-journal:' + "0" * 64 + '"', "fal-journal:"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(arguments=st.dictionaries(st.sampled_from(["prompt", "image_url", "x"]), VALUES))
@settings(max_examples=60, deadline=None)
def test_marks_stand_for_files_and_only_for_them(arguments: dict[str, Any]) -> None:
    text, files = marked(arguments, "auto")
    known = {each.content: each.media.data_uri() for each in files}
    assert filled(text, known.get) == encode(arguments)
    assert set(known) <= set(contents_in(text)) <= {*known, "0" * 64}
    assert len(text) < 3_000
    assert json.loads(text).keys() == arguments.keys()
