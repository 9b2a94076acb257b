"""Runs the notebooks on this machine: in JupyterLab, or from end to end without a browser.

JupyterLab and the kernels run in sessions of their own: Ctrl-C in the terminal reaches only this process, which then
stops them in order. JupyterLab ends its kernels on SIGTERM; should it have to be killed, kernels notice the loss of
their parent and end by themselves.
"""

import asyncio
import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbconvert import HTMLExporter

from fal_notebook.local.copies import originals, trust, update_copies
from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.queue import LocalQueue, WithQueue
from fal_notebook.local.server import LocalServer
from fal_notebook.local.serving import local_models

_CELL_SECONDS = 300
_STOP_SECONDS = 15.0
_FIRST_NOTEBOOK = "quickstart.ipynb"
_COPIES = Path("fal-notebooks")


class DemoError(Exception):
    """The demonstration cannot be given; the message is one line for the user."""


@dataclass(frozen=True)
class Failure:
    """What went wrong in a notebook; ``cell`` counts from 1, markdown included."""

    cell: int
    reason: str


def open_lab(folder: Path | None, *, port: int | None, browser: bool) -> int:
    """Run JupyterLab on a folder, connected to the local models, until it ends or is interrupted.

    Args:
        folder: None for copies of the package's own notebooks, in ``fal-notebooks`` of the working directory.
        port: None for the first free one from 8888.
        browser: whether to open one.

    Returns:
        JupyterLab's exit code; 0 if it was interrupted.

    Raises:
        DemoError: JupyterLab is not installed, or the copies cannot be written.
        TargetError: a package of the local models is missing.
    """
    if importlib.util.find_spec("jupyterlab") is None:
        raise DemoError("the package 'jupyterlab' is missing: pip install 'fal_notebook[lab]'")
    with _models() as server:
        _say(f"Local models on {server.url}. Ctrl-C ends them and JupyterLab.")
        command = _lab_command(folder or _own_copies(), port=port, browser=browser)
        with _process(command, {**os.environ, "FAL_NOTEBOOK_URL": server.url}) as lab:
            try:
                return lab.wait()
            except KeyboardInterrupt:
                return 0


def execute(folder: Path | None, target: Path) -> int:
    """Run every notebook of a folder against the local models and write them, with their outputs, as .ipynb and .html.

    Args:
        folder: None for the package's own notebooks.
        target: the folder for what is written.

    Returns:
        0, or 1 if a notebook failed; what it had printed by then is written too.

    Raises:
        DemoError: there are no notebooks, or a file is none.
        TargetError: a package of the local models is missing.
    """
    paths = sorted(folder.glob("*.ipynb")) if folder else originals()
    if not paths:
        raise DemoError(f"there are no notebooks in {folder}")
    target.mkdir(parents=True, exist_ok=True)
    failed = 0
    with _models() as server:
        environment = {**os.environ, "FAL_NOTEBOOK_URL": server.url}
        for path in paths:
            failed += not _execute_one(path, target, environment)
    return 1 if failed else 0


def _models() -> LocalServer:
    """The local models over WebSockets, and through a queue."""
    models = local_models()
    return LocalServer(WithQueue(HTTPOverWebSocket(models), LocalQueue(models)))


def _own_copies() -> Path:
    """The folder of the user's copies, updated from the package's notebooks, which Jupyter trusts from now on."""
    try:
        beside = update_copies(originals(), _COPIES)
    except OSError as error:
        raise DemoError(f"the notebooks cannot be copied into ./{_COPIES}: {error.strerror}") from error
    trust(originals())
    _say(f"The notebooks in ./{_COPIES} are yours to change. The quickstart says how to go on with fal.")
    for path in beside:
        _say(f"Yours was changed, so the newer one is beside it: {path}")
    return _COPIES


def _lab_command(folder: Path, *, port: int | None, browser: bool) -> list[str]:
    start = f"/lab/tree/{_FIRST_NOTEBOOK}" if (folder / _FIRST_NOTEBOOK).is_file() else "/lab"
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder.resolve()}"]
    command += [f"--LabApp.default_url={start}", "--log-level=WARN"]
    if port is not None:
        command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    if not browser:
        command.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    return command


@contextlib.contextmanager
def _process(command: list[str], environment: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    # The command is this interpreter with our own arguments.
    process = subprocess.Popen(command, env=environment, start_new_session=True)  # noqa: S603
    try:
        yield process
    finally:
        with _signals_ignored():
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def _signals_ignored() -> Iterator[None]:
    """Ignore an impatient second Ctrl-C while processes are stopped, which is bounded in time."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    previous = [signal.signal(number, signal.SIG_IGN) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, previous, strict=True):
            signal.signal(number, handler)


def _execute_one(path: Path, target: Path, environment: dict[str, str]) -> bool:
    notebook = _read(path)
    began = time.perf_counter()
    failure = _run(notebook, path.parent, environment)
    _write(notebook, target / path.name)
    if failure is None:
        _say(f"{path.name}: {len(notebook.cells)} cells, {time.perf_counter() - began:.1f} s")
        return True
    sys.stderr.write(f"fal-notebook: error: {path.name}, cell {failure.cell}: {failure.reason}\n")
    return False


def _read(path: Path) -> Any:
    try:
        return nbformat.read(path, as_version=4)
    except (ValueError, nbformat.ValidationError) as error:
        raise DemoError(f"{path} is not a notebook: {str(error).splitlines()[0]}") from error


def _run(notebook: nbformat.NotebookNode, folder: Path, environment: dict[str, str]) -> Failure | None:
    reached = 0

    def note_cell(*, cell: nbformat.NotebookNode, cell_index: int) -> None:
        nonlocal reached
        reached = cell_index + 1

    client = NotebookClient(
        notebook,
        timeout=_CELL_SECONDS,
        kernel_name="python3",  # the one of this environment, whatever the notebook was last saved with
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
        on_cell_start=note_cell,
    )
    try:
        _execute_in_thread(client, environment)
    except CellExecutionError as error:
        return Failure(reached, f"{error.ename}: {error.evalue}".splitlines()[0])
    except CellTimeoutError:
        return Failure(reached, f"no end after {_CELL_SECONDS} seconds")
    except DeadKernelError:
        return Failure(reached, "the kernel died")
    return None


def _execute_in_thread(client: NotebookClient, environment: dict[str, str]) -> None:
    """Run a notebook on an event loop of its own, since on the main thread nbclient would take over our signals."""
    loop = asyncio.new_event_loop()
    # What cells write to stderr is in the notebook; the rest are the kernel's own messages about its sockets.
    work = loop.create_task(client.async_execute(env=environment, stderr=subprocess.DEVNULL))
    with ThreadPoolExecutor(1, "notebook") as pool:
        ended = pool.submit(_run_loop, loop, work)
        try:
            ended.result()
        except KeyboardInterrupt:
            with _signals_ignored():
                loop.call_soon_threadsafe(work.cancel)
                wait([ended])
            raise


def _run_loop(loop: asyncio.AbstractEventLoop, work: "asyncio.Task[Any]") -> None:
    try:
        loop.run_until_complete(work)
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left))
        loop.close()


def _write(notebook: nbformat.NotebookNode, path: Path) -> None:
    notebook.metadata.pop("widgets", None)
    nbformat.write(notebook, path)
    exporter = HTMLExporter()
    html, _ = exporter.from_notebook_node(notebook, resources={"metadata": {"name": path.stem}})
    path.with_suffix(".html").write_text(html, encoding="utf-8")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
