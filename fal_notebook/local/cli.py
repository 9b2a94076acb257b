"""The command ``fal-notebook``: serve an application in fal's WebSocket protocol, or show the notebooks at work.

Mistakes of the user are one line on stderr with exit code 2; what fails later is one line with exit code 1. SIGTERM
and a closed terminal end a command just as Ctrl-C does, by ``KeyboardInterrupt``, so that everything that was started
is stopped by the ``with`` blocks it was started in. The application that is served may do anything: ``serve`` still
ends some seconds after the first such signal, and at once after the second.
"""

import argparse
import contextlib
import os
import re
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import FrameType

from fal_notebook.local.admission import is_loopback_host
from fal_notebook.local.gateway import MAX_REQUESTS, MAX_WAITING, HTTPOverWebSocket
from fal_notebook.local.loading import INSTALL
from fal_notebook.local.queue_settings import Working

KEY_VARIABLE = "FAL_NOTEBOOK_GATEWAY_KEY"

_END_SECONDS = 6.0

_DESCRIPTION = """\
Serve models on this machine in the WebSocket protocol of fal.ai, for notebooks that use fal_notebook.
"""
_SERVE = """\
Serve an ASGI application on loopback; every POST endpoint also answers over a WebSocket, as on ws.fal.run, and
through a queue below /queue, as on queue.fal.run. Below /storage is a storage for files, as fal has one.

Without an application, small local models are served:
  fal-ai/any-llm, fal-ai/any-llm/stream, openrouter/router/openai/v1/chat/completions   SmolLM2-135M-Instruct
  local/speech, local/speech/stream                                                     hibari-tts
  local/fractal, local/fractal/stream                                                   Julia sets
  local/repaint                                                                         a picture, repainted
"""
_DEMO = """\
Start the local models and JupyterLab with the notebooks connected to them. Ctrl-C ends both.

The notebooks are copies of those that come with fal_notebook. They are yours: what you change in them stays, and a
newer notebook never takes the place of a changed copy.

With --execute every notebook of the folder, or of fal_notebook, is run without a browser, and the results are written
as .ipynb and .html.
"""


class CommandError(Exception):
    """A command cannot go on; the message is one line for the user."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    Args:
        argv: the arguments after the program's name; those of the process if None.
    """
    parser = _parser()
    options = parser.parse_args(argv)
    if options.command is None:
        parser.print_help()
        return 0
    try:
        if options.command == "serve":
            with _signals(_EndingHandler()):
                return _serve(options)
        with _signals(signal.default_int_handler):
            return _demo(options)
    except CommandError as error:
        sys.stderr.write(f"fal-notebook: error: {error}\n")
        return error.code
    except KeyboardInterrupt:
        return 0 if options.command == "serve" else 130


class _EndingHandler:
    """A signal handler: it interrupts at the first signal, and makes sure that the process ends."""

    def __init__(self) -> None:
        self._begun = False

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        if self._begun:
            os._exit(0)
        self._begun = True
        # A usual exit would wait for every thread and every exit hook of the application.
        cut = threading.Timer(_END_SECONDS, _cut_off)
        cut.daemon = True
        cut.start()
        raise KeyboardInterrupt


def _cut_off() -> None:
    with contextlib.suppress(OSError):
        os.write(2, b"fal-notebook: the application did not end and was cut off\n")
    os._exit(0)


@contextlib.contextmanager
def _signals(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    previous = {number: signal.signal(number, handler) for number in _ending_signals()}
    try:
        yield
    finally:
        for number, earlier in previous.items():
            signal.signal(number, earlier)


def _ending_signals() -> list[signal.Signals]:
    endings = [signal.SIGINT, signal.SIGTERM]
    # Windows has no SIGHUP, and under nohup it is meant to be ignored.
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        endings.append(signal.SIGHUP)
    return endings


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fal-notebook", description=_DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"fal-notebook {_version()}")
    commands = parser.add_subparsers(dest="command", metavar="command")
    _add_serve(commands)
    _add_demo(commands)
    return parser


def _add_serve(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    serve = commands.add_parser(
        "serve",
        help="serve an ASGI application or the local models",
        description=_SERVE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    serve.add_argument("app", nargs="?", metavar="module:app", help="an ASGI application or a fal.App class")
    serve.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    serve.add_argument("--port", type=_port, default=0, help="the port to listen on (default: a free one)")
    serve.add_argument(
        "--require-key",
        action="store_true",
        help=f"admit only requests with the key in the environment variable {KEY_VARIABLE}",
    )
    serve.add_argument(
        "--allow-origin",
        type=_origin,
        action="append",
        default=[],
        metavar="ORIGIN",
        help="admit web pages of this origin, such as http://localhost:8888, too; may be given several times",
    )
    serve.add_argument(
        "--max-requests",
        type=_count,
        default=MAX_REQUESTS,
        metavar="N",
        help="the most requests at once; others are answered 429 (default: %(default)s)",
    )
    serve.add_argument(
        "--max-waiting",
        type=_count,
        default=MAX_WAITING,
        metavar="N",
        help="the most requests that wait on one connection; others are answered 429 (default: %(default)s)",
    )
    serve.add_argument(
        "--queue",
        type=Path,
        metavar="FILE",
        help="keep the queue's requests in this SQLite file, to go on after a restart (default: in memory)",
    )
    serve.add_argument(
        "--queue-concurrency",
        type=_count,
        default=Working.concurrency,
        metavar="N",
        help="the most requests of the queue at work at once (default: %(default)s)",
    )


def _add_demo(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    demo = commands.add_parser(
        "demo",
        help="open the notebooks in JupyterLab, connected to the local models",
        description=_DEMO,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    demo.add_argument("folder", nargs="?", type=Path, help="notebooks of your own (default: copies in ./fal-notebooks)")
    demo.add_argument("--port", type=_port, help="JupyterLab's port (default: the first free one from 8888)")
    demo.add_argument("--no-browser", action="store_true", help="do not open a browser")
    demo.add_argument("--execute", type=Path, metavar="DIR", help="run all notebooks and write them to DIR")


def _serve(options: argparse.Namespace) -> int:
    key = _key() if options.require_key else None
    if key is None and not is_loopback_host(options.host):
        raise CommandError(f"--host {options.host} is open to the network: add --require-key", code=2)
    try:
        from fal_notebook.local.queue import PATH, LocalQueue, WithQueue
        from fal_notebook.local.queue_store import QueueFileError
        from fal_notebook.local.server import LocalServer
        from fal_notebook.local.serving import TargetError, find_app
        from fal_notebook.local.storage import LocalStorage, WithStorage
    except ImportError as error:
        raise CommandError(f"the package {error.name!r} is missing: {INSTALL}") from error
    try:
        app = find_app(options.app)
    except TargetError as error:
        raise CommandError(str(error), code=2 if options.app else 1) from error
    gateway = HTTPOverWebSocket(
        app,
        key=key,
        origins=options.allow_origin,
        max_requests=options.max_requests,
        max_waiting=options.max_waiting,
    )
    try:
        queue = LocalQueue(
            app,
            options.queue,
            key=key,
            origins=options.allow_origin,
            working=Working(concurrency=options.queue_concurrency),
        )
    except QueueFileError as error:
        raise CommandError(str(error), code=2) from error
    folder = tempfile.TemporaryDirectory(prefix="fal-notebook-storage-")
    storage = LocalStorage(Path(folder.name), key=key, origins=options.allow_origin)
    try:
        server = LocalServer(WithStorage(WithQueue(gateway, queue), storage), options.host, options.port)
    except OSError as error:
        folder.cleanup()
        raise CommandError(f"cannot listen on {options.host}:{options.port}: {error.strerror}") from error
    try:
        with folder, server:
            _announce(server.url, f"{server.http_url}{PATH}", with_key=key is not None)
            threading.Event().wait()
    except RuntimeError as error:
        raise CommandError(str(error)) from error
    except KeyboardInterrupt:
        if not server.ended:
            _cut_off()
        raise
    return 0


def _announce(url: str, queue: str, *, with_key: bool) -> None:
    lines = [f"Serving on {url} until Ctrl-C, with a queue on {queue}. For notebooks:"]
    lines.append(f"  export FAL_NOTEBOOK_URL={url}")
    if with_key:
        lines.append(f"  and FAL_KEY with the value of {KEY_VARIABLE}")
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _demo(options: argparse.Namespace) -> int:
    if options.folder is not None and not options.folder.is_dir():
        raise CommandError(f"there is no folder {options.folder}", code=2)
    try:
        from fal_notebook.local import demo
        from fal_notebook.local.serving import TargetError
    except ImportError as error:
        raise CommandError(f"the package {error.name!r} is missing: pip install 'fal_notebook[lab,local]'") from error
    try:
        if options.execute is not None:
            return demo.execute(options.folder, options.execute)
        return demo.open_lab(options.folder, port=options.port, browser=not options.no_browser)
    except (TargetError, demo.DemoError) as error:
        raise CommandError(str(error)) from error


def _key() -> str:
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if not key:
        raise CommandError(f"--require-key needs a key in the environment variable {KEY_VARIABLE}", code=2)
    return key


def _port(text: str) -> int:
    try:
        port = int(text)
    except ValueError:
        port = -1
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port number")
    return port


def _origin(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9+.-]*://[^\s/?#@]+", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not an origin, such as http://localhost:8888")
    return text


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1")
    return int(text)


def _version() -> str:
    try:
        return version("fal_notebook")
    except PackageNotFoundError:
        return "(not installed)"
