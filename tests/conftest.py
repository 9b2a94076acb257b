"""What every test gets: a clean environment, a gateway on a free port, and a check that no session is left open."""

import gc
import os
import re
import signal
import sys
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
from fal_notebook.wire.environment import SCHEMAS_VARIABLE
from fal_notebook.wire.pool import Limits

from . import endpoints
from .kernels import IPYKERNEL, OLDER_IPYKERNELS

IPYKERNELS = [*(pytest.param(each, marks=pytest.mark.front_end) for each in OLDER_IPYKERNELS), IPYKERNEL]
KEY = "11111111-aaaa:22222222bbbb"
"""A key that looks like one of fal's."""


# On a busy machine, the time that hypothesis takes for an example means nothing.
settings.register_profile("busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("long", settings.get_profile("busy machine"), max_examples=20_000)
settings.load_profile("busy machine")
# A shell that starts the tests in the background makes them and all their child processes ignore interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ[SCHEMAS_VARIABLE] = "off"  # in kernels that outlive a test, too


def wait_until(holds: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest tests first: those of the front ends, and those that are marked ``beside``."""
    items.sort(key=lambda item: (_front_end(item.nodeid) is None, item.get_closest_marker("beside") is None))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    return _Scheduling(config, log)


class _Scheduling(LoadFileScheduling):  # type: ignore[misc]  # xdist ships no type hints
    """Gives the tests of a file to one process, since they may build on each other, but each front end's separately."""

    def _split_scope(self, nodeid: str) -> str:
        return f"{super()._split_scope(nodeid)}[{_front_end(nodeid)}]"


def _front_end(nodeid: str) -> str | None:
    """The front end in which a test runs, for tests that run in both of them."""
    found = re.search(r"\[(lab|notebook7)\b", nodeid)
    return found and found[1]


@pytest.fixture(autouse=True)
def _a_clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("FAL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("FAL_HOME_DIR", str(tmp_path / "fal"))
    monkeypatch.setenv(SCHEMAS_VARIABLE, "off")  # servers that follow a script expect no request but a test's own


@pytest.fixture(autouse=True)
def _main_module_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """IPython's shell puts its user's namespace there, which multiprocessing cannot read."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture(autouse=True)
def _no_session_left() -> Iterator[None]:
    endpoints.requests.clear()
    endpoints.authorizations.clear()
    yield
    session().close()
    session().limits, session().nested = Limits(), True
    if _io_threads():
        gc.collect()  # ends sessions that nobody refers to any more
    wait_until(lambda: not _io_threads())


def _io_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if "I/O" in thread.name]


@pytest.fixture(scope="session")
def server() -> Iterator[LocalServer]:
    with LocalServer(HTTPOverWebSocket(endpoints.create_app())) as running:
        yield running


@pytest.fixture
def gateway(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of the tests' gateway; requests go there unless told otherwise."""
    monkeypatch.setenv("FAL_NOTEBOOK_URL", server.url)
    return server.url
