"""What every test stands on: a clean environment, a gateway on a free port, and no session left behind."""

import gc
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from fal_notebook import session
from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.server import LocalServer
from fal_notebook.wire.pool import Limits

from . import endpoints
from .kernels import IPYKERNEL, OLDER_IPYKERNELS

IPYKERNELS = [*(pytest.param(each, marks=pytest.mark.front_end) for each in OLDER_IPYKERNELS), IPYKERNEL]
KEY = "11111111-aaaa:22222222bbbb"
"""A key of the shape that fal's have."""


# How quickly examples are made says nothing on a machine that does other work too.
settings.register_profile("busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("long", settings.get_profile("busy machine"), max_examples=20_000)
settings.load_profile("busy machine")
# A shell that starts the tests in the background has interrupts ignored, here and in every child.
signal.signal(signal.SIGINT, signal.default_int_handler)


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put first what takes longest: the front ends, and what runs beside others."""
    items.sort(key=lambda item: (_front_end(item.nodeid) is None, item.get_closest_marker("beside") is None))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    return _Scheduling(config, log)


class _Scheduling(LoadFileScheduling):  # type: ignore[misc]  # it ships no hints
    """What one of several processes does: a file's tests, which may build on each other, or those of a front end."""

    def _split_scope(self, nodeid: str) -> str:
        return f"{super()._split_scope(nodeid)}[{_front_end(nodeid)}]"


def _front_end(nodeid: str) -> str | None:
    """The front end that a test runs in, where it runs in each of the two."""
    found = re.search(r"\[(lab|notebook7)\b", nodeid)
    return found and found[1]


@pytest.fixture(autouse=True)
def _a_clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("FAL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("FAL_HOME_DIR", str(tmp_path / "fal"))


@pytest.fixture(autouse=True)
def _no_session_left() -> Iterator[None]:
    endpoints.requests.clear()
    endpoints.authorizations.clear()
    yield
    session().close()
    session().limits, session().nested = Limits(), True
    if _io_threads():
        gc.collect()  # a session that nobody has any more
    wait_until(lambda: not _io_threads())


def _io_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if "I/O" in thread.name]


@pytest.fixture(scope="session")
def server() -> Iterator[LocalServer]:
    with LocalServer(HTTPOverWebSocket(endpoints.create_app())) as running:
        yield running


@pytest.fixture
def gateway(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of the tests' gateway, which requests go to by themselves."""
    monkeypatch.setenv("FAL_NOTEBOOK_URL", server.url)
    return server.url
