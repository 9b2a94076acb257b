"""Measures how text streams into a notebook, by `%%falstream` and by three other ways, in JupyterLab in Chromium.

All of them take the tokens from the same stream of ours, so that they differ only in how they show them. Each run has
its own page and kernel. The last token contains the time when it was sent, by the clock that the page reads as well.
A cell that only sleeps shows how long the machine and JupyterLab by themselves freeze a page. A task is what the page
does without a break; it is measured in processor time, which other processes hardly change.
"""

import asyncio
import json
import logging
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright
from websockets.asyncio.server import ServerConnection, serve

from ..browser.lab import Server, jupyter, launch, notebook
from ..browser.watch import WATCH, Watched, watched
from ..scripted import end, start
from .process import in_process
from .rows import MADE_UP_KEY, Row

ROUNDS = 3
TOKENS, RATE = 4_000, 1_000
FLOOD, AT_ONCE = 100_000, 10**9
ANSWER = 34_600  # tokens, of 200 kB
PATIENCE = 20.0  # seconds for one run, as some peers do not end
OURS = "fal_notebook"
PRINT = "print(flush=True)"
NOTHING = "a cell that only sleeps"
CALL = "fal.stream('bench/tokens', count={count}, rate={rate})"
CELLS = {
    OURS: "%falstream bench/tokens count:={count} rate:={rate}",
    PRINT: f"for token in {CALL}: print(token, end='', flush=True)",
    "Output.append_stdout": f"display(out := Output())\nfor token in {CALL}: out.append_stdout(str(token))",
    "DisplayHandle.update": (
        f"text, shown = '', display(Markdown(''), display_id=True)\n"
        f"for token in {CALL}:\n    text += str(token)\n    shown.update(Markdown(text))"
    ),
    NOTHING: "time.sleep({count} / {rate}); print('0000', f'last@{{time.time() * 1000:.1f}}')",
}
BEGIN = "%load_ext fal_notebook\nimport time, fal_notebook as fal\nfrom IPython.display import Markdown\n" + (
    "from ipywidgets import Output"
)
BOX = "fal.PromptWidget('bench/tokens', {{'prompt': 'x', 'count': {count}, 'rate': {rate}}})"


async def _tokens(connection: ServerConnection) -> None:
    """Answer each request with ``count`` tokens, ``rate`` a second; the last contains the time when it is sent."""
    async for message in connection:
        asked = json.loads(message)
        count, began = asked["count"], time.perf_counter()
        await connection.send(start(content_type="text/event-stream"))
        for number in range(count):
            await asyncio.sleep(max(0.0, began + number / asked["rate"] - time.perf_counter()))
            word = f"{number:04d} " if number < count - 1 else f"last@{time.time() * 1000:.1f} "
            await connection.send(f"data: {json.dumps({'choices': [{'delta': {'content': word}}]})}\n\n".encode())
        await connection.send(end())


def _serve(pipe: "Pipe[str, str]") -> None:
    quiet = logging.Logger("a kernel that is ended leaves without a word", logging.CRITICAL)

    async def forever() -> None:
        server = await serve(_tokens, "127.0.0.1", 0, logger=quiet)
        pipe.send(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await asyncio.get_running_loop().create_future()

    asyncio.run(forever())


@contextmanager
def gateway() -> Iterator[str]:
    """The address of a server that streams tokens, in a process of its own."""
    with in_process(_serve) as address:
        yield address


@contextmanager
def _jupyter() -> Iterator[tuple[Browser, Server]]:
    """A browser, and a JupyterLab whose kernels use the server of tokens."""
    with gateway() as url, tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        place = Path(folder) / "notebooks"
        place.mkdir()
        browser = launch(driver)
        with jupyter(place, {"FAL_NOTEBOOK_URL": url, "FAL_KEY": MADE_UP_KEY}) as lab:
            yield browser, lab
        browser.close()


def _run(browser: Browser, lab: Server, cell: str, count: int, rate: int) -> Watched:
    """Run a cell in a page and a kernel of its own, after a short run that warms both."""
    cells = [BEGIN, cell.format(count=20, rate=RATE), cell.format(count=count, rate=rate)]
    with notebook(browser, lab, cells, "bench.ipynb", script=WATCH) as page:
        page.run(0)
        watched(page, 1, "0000 ", PATIENCE)
        page.page.wait_for_timeout(1000)  # so that the page's work after the first run is not counted to the second
        return watched(page, 2, "0000 ", PATIENCE)


def _ask(browser: Browser, lab: Server, count: int, rate: int) -> Watched:
    """Run a prompt widget in a page and a kernel of its own, after a short run that warms both."""
    with notebook(browser, lab, [BEGIN, BOX.format(count=count, rate=rate)], "bench.ipynb", script=WATCH) as page:
        page.run(0)
        page.run(1)
        expect(page.output(1).locator(".fal-state")).to_have_text("ready")
        page.page.wait_for_timeout(1000)
        return watched(page, 1, "0000 ", PATIENCE, asks=True)


def _paced() -> list[Row]:
    work = f"{TOKENS:,} tokens at {RATE:,}/s in a notebook"
    runs: dict[str, list[Watched]] = {who: [] for who in CELLS}
    with _jupyter() as (browser, lab):
        for _ in range(ROUNDS):
            for who, seen in runs.items():
                seen.append(_run(browser, lab, CELLS[who], TOKENS, RATE))
    alone = [*_halts(work, NOTHING, runs.pop(NOTHING))]
    rows = []
    for who, seen in runs.items():
        rows += [
            _row(work, who, "messages/s", [len(each.messages) / each.seconds for each in seen], "≤ 40"),
            _row(work, who, "MB", [each.bytes / 1e6 for each in seen], "≤ 0.15"),
            *_halts(work, who, seen, "≤ 20"),
            _row(work, who, "ms, last token", [_or_never(each.last) for each in seen], "≤ 50"),
            _row(work, who, "ms, first token", [_or_never(each.first) for each in seen]),
            _row(work, who, "tokens lost", [_lost(each, TOKENS) for each in seen], "0"),
        ]
    return [*rows, *alone]


def _flood() -> list[Row]:
    work = f"{FLOOD:,} tokens at once in a notebook"
    runs: dict[str, list[Watched]] = {OURS: [], PRINT: []}
    with _jupyter() as (browser, lab):
        for _ in range(ROUNDS):
            for who, seen in runs.items():
                seen.append(_run(browser, lab, CELLS[who], FLOOD, AT_ONCE))
    rows = []
    for who, seen in runs.items():
        rows += [
            _row(work, who, "tokens lost", [_lost(each, FLOOD) for each in seen], "0"),
            _row(work, who, "s", [_or_never(each.ended) / 1000 for each in seen]),
            *_halts(work, who, seen),
        ]
    return rows


def _box() -> list[Row]:
    work = "a 200 kB answer live in the prompt widget"
    with _jupyter() as (browser, lab):
        seen = [_ask(browser, lab, ANSWER, 10_000) for _ in range(ROUNDS)]
    size = sum(len(f"{number:04d} ") for number in range(ANSWER))
    return [
        _row(work, OURS, "times its bytes", [each.bytes / size for each in seen], "≤ 3"),
        _row(work, OURS, "ms, last token", [_or_never(each.last) for each in seen]),
        *_halts(work, OURS, seen),
    ]


def _halts(work: str, who: str, seen: Sequence[Watched], goal: str = "") -> list[Row]:
    """The longest time that the page was frozen, and the longest by its own work."""
    return [
        _row(work, who, "ms, longest halt", [each.longest for each in seen], goal),
        _row(work, who, "ms, longest task", [each.task for each in seen], goal),
    ]


def _row(work: str, who: str, unit: str, values: Sequence[float], goal: str = "") -> Row:
    return Row(work, who, unit, tuple(values), goal if who == OURS else "")


def _lost(seen: Watched, count: int) -> int:
    """The number of tokens that are not in the page."""
    shown = set(seen.text.split())
    return sum(f"{number:04d}" not in shown for number in range(count - 1)) + (seen.last is None)


def _or_never(value: float | None) -> float:
    return float("inf") if value is None else value


def measure() -> list[Row]:
    """Rounds in which all ways are measured, one after the other."""
    return [*_paced(), *_flood(), *_box()]
