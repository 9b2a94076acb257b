"""What every test stands on: a clean environment, a gateway on a free port, and no session left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from fal_notebook import session
from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.server import LocalServer
from fal_notebook.pool import Limits

from . import endpoints

KEY = "11111111-aaaa:22222222bbbb"
"""A key of the shape that fal's have."""

SOAK_SECONDS = 90
"""How long the soak takes."""
ROOT = Path(__file__).parents[1]

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
    """Put the soak's test last: it waits for what runs beside the others."""
    items.sort(key=lambda item: "soak" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def soak() -> "Iterator[subprocess.Popen[str]]":
    """The soak, in a process of its own that leaves the machine to the tests."""
    command = ["nice", "-n", "19", sys.executable, "-m", "tests.soak", str(SOAK_SECONDS)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        yield process
        if process.poll() is None:
            process.send_signal(signal.SIGINT)  # it ends what it has started


@pytest.fixture(scope="session", autouse=True)
def _soak_beside_the_tests(request: pytest.FixtureRequest) -> None:
    """Begin the soak with the first test, where its own test is among them."""
    if any("soak" in getattr(item, "fixturenames", ()) for item in request.session.items):
        request.getfixturevalue("soak")


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


@pytest.fixture(scope="session")
def server() -> Iterator[LocalServer]:
    with LocalServer(HTTPOverWebSocket(endpoints.create_app())) as running:
        yield running


@pytest.fixture
def gateway(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of the tests' gateway, which requests go to by themselves."""
    monkeypatch.setenv("FAL_NOTEBOOK_URL", server.url)
    return server.url
