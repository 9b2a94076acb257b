import asyncio
import signal
import threading
from collections.abc import Callable, Iterable

import pytest

from fal_notebook.client.inbox import Inbox

SOON = 0.01
LATE = 20.0
"""Never reached: a test that waits as long has failed."""


def put_all(inbox: Inbox[int], items: Iterable[int]) -> None:
    for item in items:
        inbox.put(item)


def taken(inbox: Inbox[int], count: int, wait: Callable[[], None]) -> list[int]:
    items: list[int] = []
    while len(items) < count:
        wait()
        items += inbox.take()
    return items


def test_an_empty_inbox_gives_nothing() -> None:
    assert Inbox[int]().take() == []


def test_items_come_out_once_and_in_order() -> None:
    inbox = Inbox[int]()
    for item in range(3):
        inbox.put(item)
    assert (inbox.take(), inbox.take()) == ([0, 1, 2], [])


def test_none_is_an_item_too() -> None:
    inbox = Inbox[None]()
    inbox.put(None)
    assert inbox.take() == [None]


def test_a_wait_for_what_is_there_ends_at_once() -> None:
    inbox = Inbox[int]()
    inbox.put(1)
    inbox.wait()
    assert inbox.take() == [1]


def test_a_wait_for_nothing_ends_with_its_time() -> None:
    inbox = Inbox[int]()
    inbox.wait(SOON)
    assert inbox.take() == []


def test_a_wait_after_taking_waits_again() -> None:
    inbox = Inbox[int]()
    inbox.put(1)
    inbox.take()
    woken = threading.Event()

    def wait() -> None:
        inbox.wait(LATE)
        woken.set()

    thread = threading.Thread(target=wait)
    thread.start()
    assert not woken.wait(SOON)
    inbox.put(2)
    thread.join(LATE)
    assert woken.is_set()


@pytest.mark.parametrize("count", [1, 1000])
def test_what_another_thread_puts_wakes_the_one_that_waits(count: int) -> None:
    inbox = Inbox[int]()
    thread = threading.Thread(target=put_all, args=(inbox, range(count)))
    thread.start()
    assert taken(inbox, count, lambda: inbox.wait(LATE)) == list(range(count))
    thread.join()


def test_many_threads_lose_nothing() -> None:
    inbox = Inbox[int]()
    threads = [
        threading.Thread(target=put_all, args=(inbox, range(start, start + 500))) for start in range(0, 2_000, 500)
    ]
    for thread in threads:
        thread.start()
    items = taken(inbox, 2_000, lambda: inbox.wait(LATE))
    for thread in threads:
        thread.join()
    assert sorted(items) == list(range(2_000))
    assert [item for item in items if item < 500] == list(range(500))


def test_an_interrupt_gets_through_a_wait() -> None:
    main = threading.get_ident()
    interrupt = threading.Timer(SOON, lambda: signal.pthread_kill(main, signal.SIGINT))

    def interrupted() -> None:
        interrupt.start()
        Inbox[int]().wait(LATE)

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    interrupt.join()


def test_awaiting_what_is_there_ends_at_once() -> None:
    inbox = Inbox[int]()
    inbox.put(1)
    asyncio.run(inbox.wait_async())
    assert inbox.take() == [1]


def test_awaiting_nothing_ends_with_its_time() -> None:
    inbox = Inbox[int]()
    asyncio.run(inbox.wait_async(SOON))
    assert inbox.take() == []


def test_what_another_thread_puts_wakes_the_one_that_awaits() -> None:
    inbox = Inbox[int]()

    async def consume() -> list[int]:
        items: list[int] = []
        while len(items) < 1_000:
            await inbox.wait_async(LATE)
            items += inbox.take()
        return items

    thread = threading.Thread(target=put_all, args=(inbox, range(1_000)))
    thread.start()
    assert asyncio.run(consume()) == list(range(1_000))
    thread.join()


def test_other_tasks_go_on_while_one_awaits() -> None:
    inbox = Inbox[int]()

    async def both() -> list[int]:
        waiter = asyncio.create_task(inbox.wait_async(LATE))
        for _ in range(3):
            await asyncio.sleep(0)
        assert not waiter.done()
        inbox.put(1)
        await waiter
        return inbox.take()

    assert asyncio.run(both()) == [1]


def test_a_cancelled_wait_leaves_the_items_for_the_next() -> None:
    inbox = Inbox[int]()

    async def cancelled() -> None:
        waiter = asyncio.create_task(inbox.wait_async(LATE))
        await asyncio.sleep(0)
        waiter.cancel()
        await asyncio.wait({waiter})
        assert waiter.cancelled()

    asyncio.run(cancelled())
    inbox.put(1)
    asyncio.run(inbox.wait_async(LATE))
    assert inbox.take() == [1]


def test_putting_after_the_consumers_loop_has_closed_does_no_harm() -> None:
    inbox = Inbox[int]()
    asyncio.run(inbox.wait_async(SOON))
    inbox.put(1)
    assert inbox.take() == [1]
