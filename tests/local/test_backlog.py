import asyncio

import pytest

from fal_notebook.local.backlog import Backlog, Marker


async def everything(backlog: Backlog) -> list[bytes | Marker]:
    backlog.end()
    turns = [await backlog.next()]
    while turns[-1] is not Marker.END:
        turns.append(await backlog.next())
    return turns[:-1]


def test_requests_come_out_in_order_and_those_beyond_the_limit_keep_their_places() -> None:
    backlog = Backlog(2)
    for body in (b"1", b"2", b"3"):
        backlog.add(body)
    assert asyncio.run(backlog.next()) == b"1"
    backlog.add(b"4")
    assert asyncio.run(everything(backlog)) == [b"2", Marker.REFUSED, b"4"]


def test_together_they_have_a_size_but_one_alone_may_be_as_large_as_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fal_notebook.local.backlog._MAX_BYTES", 10)
    backlog = Backlog(100)
    for size in (20, 1, 1):
        backlog.add(bytes(size))
    assert asyncio.run(everything(backlog)) == [bytes(20), Marker.REFUSED, Marker.REFUSED]
    backlog.add(bytes(9))
    backlog.add(bytes(1))
    assert asyncio.run(everything(backlog)) == [bytes(9), bytes(1)]


def test_too_many_refused_are_a_flood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fal_notebook.local.backlog._MAX_REFUSED", 1)
    backlog = Backlog(1)
    for _ in range(2):
        backlog.add(b"")
        assert backlog._waiting == 1
    backlog.add(b"")
    assert backlog.flooded
