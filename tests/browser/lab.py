"""A real JupyterLab or Notebook 7 in a real Chromium, driven in the way of a person."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

SECONDS = 60
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_NOTEBOOK = "window.jupyterapp.shell.currentWidget"


@dataclass(frozen=True)
class Server:
    """A running Jupyter server for a folder; ``app`` is ``lab`` or ``notebook``."""

    url: str
    folder: Path
    app: str


@contextmanager
def jupyter(folder: Path, environment: Mapping[str, str], app: str = "lab") -> Iterator[Server]:
    """Run JupyterLab or Notebook 7 on a free port of this machine."""
    port = free_port()
    command = [sys.executable, "-m", "jupyterlab" if app == "lab" else "notebook", "--no-browser"]
    command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token="]
    # Without this setting the server refuses those calls of the tests that change something.
    command.append("--ServerApp.disable_check_xsrf=True")
    command += [f"--ServerApp.root_dir={folder}", "--expose-app-in-browser", "--log-level=CRITICAL"]
    command += ["--LabApp.news_url=", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    if os.geteuid() == 0:
        command.append("--allow-root")
    settings = folder.parent / "settings"
    whole = {
        **os.environ,
        "JUPYTERLAB_SETTINGS_DIR": str(settings),
        "JUPYTERLAB_WORKSPACES_DIR": str(settings / "workspaces"),
        **environment,
    }
    if app == "lab":
        _quiet_news(settings)
    process = subprocess.Popen(command, env=whole, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(f"{url}/api", process)
        yield Server(url, folder, app)
    finally:
        end(process)


def launch(playwright: Playwright, *more: str) -> Browser:
    """Start Debian's Chromium, or else the one that Playwright has downloaded, with more arguments."""
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    arguments = [*ARGUMENTS, *more, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    if path is None and not Path(playwright.chromium.executable_path).exists():
        raise RuntimeError("no Chromium: `apt-get install chromium`, or `playwright install chromium`")
    return playwright.chromium.launch(executable_path=path, args=arguments)


CLOSED_VIEW = "reading 'processLuminoMessage'"
"""In the error of ipywidgets where JupyterLab lays out the view of a widget that was closed a moment before."""


@dataclass
class Notebook:
    """An open notebook in the page."""

    page: Page
    server: Server
    name: str
    errors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self._note_error(str(error)))

    @property
    def path(self) -> Path:
        return self.server.folder / self.name

    def open(self) -> None:
        """Load or reload the notebook, and wait until its kernel is ready.

        A kernel of ipykernel 7.1 sometimes never answers a request that comes while it starts. A reload sends another
        request, which it answers.
        """
        try:
            self._load(SECONDS / 3)
        except PlaywrightTimeout:
            self._load(SECONDS)

    def _load(self, seconds: float) -> None:
        self.page.goto(address(self.server, self.name), wait_until="domcontentloaded")
        self.page.wait_for_function(
            f"() => window.jupyterapp && {_NOTEBOOK}?.context?.isReady"
            f" && {_NOTEBOOK}.sessionContext.session?.kernel?.connectionStatus === 'connected'"
            f" && {_NOTEBOOK}.sessionContext.session.kernel.status !== 'unknown'",
            timeout=seconds * 1000,
        )

    def start(self, cell: int) -> None:
        """Run a cell without waiting for its end."""
        self.page.evaluate(
            f"cell => {{ {_NOTEBOOK}.content.activeCellIndex = cell;"
            " window.jupyterapp.commands.execute('notebook:run-cell'); }",
            cell,
        )

    def run(self, cell: int) -> list[dict[str, Any]]:
        """Run a cell to its end and return its outputs as they would be saved."""
        self.page.evaluate(
            f"([cell, limit]) => {{ {_NOTEBOOK}.content.activeCellIndex = cell;"
            " const late = (_, fail) => setTimeout(() => fail(new Error(`cell ${cell} still runs`)), limit);"
            " return Promise.race([window.jupyterapp.commands.execute('notebook:run-cell'), new Promise(late)]); }",
            [cell, 2 * SECONDS * 1000],
        )
        return self.outputs(cell)

    def wait(self, cell: int) -> list[dict[str, Any]]:
        """Wait for the end of a cell that was started."""
        self.page.wait_for_function(
            f"cell => {_NOTEBOOK}.content.widgets[cell].model.executionState === 'idle'",
            arg=cell,
            timeout=SECONDS * 1000,
        )
        return self.outputs(cell)

    def restart(self) -> None:
        """Restart the kernel, as the page's button does."""
        self.page.evaluate(f"() => {_NOTEBOOK}.sessionContext.restartKernel()")

    def outputs(self, cell: int) -> list[dict[str, Any]]:
        outputs: list[dict[str, Any]] = self.page.evaluate(
            f"cell => {_NOTEBOOK}.content.widgets[cell].model.outputs.toJSON()", cell
        )
        return outputs

    def output(self, cell: int) -> Locator:
        """The part of the page that shows a cell's outputs."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(cell).locator(".jp-Cell-outputArea").first

    def command(self, name: str, **arguments: Any) -> None:
        """Run one of JupyterLab's commands, such as ``notebook:interrupt-kernel``."""
        self.page.evaluate("([name, args]) => window.jupyterapp.commands.execute(name, args)", [name, arguments])

    def theme(self, name: str) -> None:
        """``JupyterLab Light`` or ``JupyterLab Dark``."""
        self.command("apputils:change-theme", theme=name)
        self.page.wait_for_function(
            "light => document.body.dataset.jpThemeLight === light", arg=str("Light" in name).lower()
        )

    def save(self) -> Any:
        """Save the notebook and return the file's content."""
        self.page.evaluate(f"() => {_NOTEBOOK}.context.save()")
        return nbformat.read(self.path, as_version=4)

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._note_error(message.text)

    def _note_error(self, words: str) -> None:
        if CLOSED_VIEW not in words:
            self.errors.append(words)


@contextmanager
def notebook(
    browser: Browser, server: Server, cells: Sequence[str], name: str = "test.ipynb", script: str = ""
) -> Iterator[Notebook]:
    """A new notebook with these cells, opened in a page of its own. Its kernel is shut down with it.

    The script runs in the page before anything else.
    """
    with stored(server, cells, name):
        page = browser.new_page(viewport={"width": 1100, "height": 1000})
        page.set_default_timeout(SECONDS * 1000)
        page.add_init_script(script)
        opened = Notebook(page, server, name)
        try:
            opened.open()
            yield opened
        finally:
            page.close()


@contextmanager
def stored(server: Server, cells: Sequence[str], name: str) -> Iterator[None]:
    """A new notebook with these cells, which no page has opened. If it has a kernel at the end, that is shut down."""
    content = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    content.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(content, server.folder / name)
    try:
        yield
    finally:
        _end_kernel(server, name)


def address(server: Server, name: str) -> str:
    """The URL of a page that shows only this notebook."""
    # A workspace of its own, because JupyterLab would reopen the notebooks of other tests.
    where = f"lab/workspaces/{Path(name).stem}/tree" if server.app == "lab" else "notebooks"
    return f"{server.url}/{where}/{name}"


def _quiet_news(settings: Path) -> None:
    """Turn off JupyterLab's question whether to show news, which would cover the page at its first start."""
    place = settings / "@jupyterlab" / "apputils-extension"
    place.mkdir(parents=True, exist_ok=True)
    choice = {"fetchNews": "false", "checkForUpdates": False}
    (place / "notification.jupyterlab-settings").write_text(json.dumps(choice))


def _end_kernel(server: Server, name: str) -> None:
    with urllib.request.urlopen(f"{server.url}/api/sessions") as answer:
        sessions = [each["id"] for each in json.load(answer) if each["path"] == name]
    for session in sessions:
        request = urllib.request.Request(f"{server.url}/api/sessions/{session}", method="DELETE")
        urllib.request.urlopen(request).close()


def end(process: "subprocess.Popen[bytes]") -> None:
    """Terminate a server. If it has not ended in time, as on a busy machine, kill it."""
    process.terminate()
    try:
        process.wait(SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + SECONDS
    while True:
        if process.poll() is not None:
            raise RuntimeError(f"Jupyter ended with {process.returncode}")
        try:
            urllib.request.urlopen(url).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return
