"""Many requests from Python: `map` begins a run, `attach` goes on with it, and a notebook shows it while it goes on."""

import contextlib
import math
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Self, cast, overload

from IPython.core.getipython import get_ipython

from ..client.arguments import together
from ..client.sessions import session
from ..many.estimate import Estimate
from ..many.rows import Rows
from ..many.run import Run
from ..many.start import How, begin
from ..many.start import attach as attach_run
from ..many.start import dry_run as dry_run_of
from ..safety.plain_text import printable
from ..wire.target import endpoint_name
from .front_end import Screen, output_widget, request_id, screen_of
from .outputs import EMPTY, ReplaceableOutput, replaceable_output, show_bundle
from .reading_line import ReadingLine

_PAUSE = 0.5  # seconds between two updates of the table


class LiveRun(Run):
    """Many requests that go on in the background, as `map` and `attach` return them; a notebook shows how they go on.

    `wait` waits for their end, and iterating gives each row as it ends. `records`, `to_pandas` and indexing have the
    rows in the order that went in. `cancel` stops sending, `resume` goes on, `retry` sends failed rows again.
    """

    _shown_in: str | None = None  # the request whose output has the end of the run, since it waited for it

    def _ipython_display_(self) -> None:
        """Show how the run stands, and update it until the end; nothing where `wait` has shown it in this cell."""
        shell = get_ipython()
        if self._shown_in is not None and self._shown_in == _own_output() and not self.is_running:
            return
        screen = None if shell is None else screen_of(shell)
        if screen in (None, Screen.TEXT) or not self.is_running:
            show_bundle(self._repr_mimebundle_())
        else:
            self._show_live()

    def _show_live(self) -> None:
        output = replaceable_output(self._repr_mimebundle_())
        threading.Thread(target=self._update, args=(output,), name="fal_notebook table", daemon=True).start()

    def _update(self, output: ReplaceableOutput) -> None:
        """Update the output until the end of the run. On a thread of its own."""
        shown = ""
        with self._listening(rows=False) as inbox:
            while self.is_running:
                line = self.standing.words
                if line != shown:
                    shown = line
                    with contextlib.suppress(Exception):  # a page that is gone must not end the updates of others
                        output.replace(self._repr_mimebundle_())
                inbox.wait(_PAUSE)
                inbox.take()
        with contextlib.suppress(Exception):
            output.replace(self._repr_mimebundle_())

    def follow(self) -> Self:
        """`wait`, which shows from the beginning how the run goes on."""
        return self._wait_for_end(None, 0.0)

    def wait_quietly(self) -> Self:
        """`wait`, which shows nothing."""
        return self._wait_for_end(None, math.inf)

    def _watching(self, patience: float, *, stays: bool) -> "contextlib.AbstractContextManager[Callable[[], None]]":
        shell = get_ipython()
        if shell is None or screen_of(shell) is Screen.TEXT:
            return super()._watching(patience, stays=stays)
        return self._watching_in_page(patience, stays=stays)

    @contextlib.contextmanager
    def _watching_in_page(self, patience: float, *, stays: bool) -> Iterator[Callable[[], None]]:
        output: ReplaceableOutput | None = None
        shown_at = began = time.monotonic()

        def look() -> None:
            nonlocal output, shown_at
            now = time.monotonic()
            if output is None and now - began >= patience:
                output = replaceable_output(self._repr_mimebundle_())
            elif output is not None and now - shown_at >= _PAUSE:
                shown_at = now
                output.replace(self._repr_mimebundle_())

        try:
            yield look
        finally:
            is_told = stays and (
                output is not None or not patience or (self.standing.is_to_be_told and patience < math.inf)
            )
            if output is not None:
                output.replace(self._repr_mimebundle_() if stays else EMPTY)
            elif is_told:  # the run ended before it was looked at
                show_bundle(self._repr_mimebundle_())
            if is_told:
                self._shown_in = _own_output()


@overload
def map(  # noqa: A001 - named for what it does, as in concurrent.futures
    endpoint: str,
    rows: Any,
    arguments: Mapping[str, Any] | None = None,
    *,
    to: str | Path | None = None,
    engine: str = "auto",
    unique: bool = False,
    budget: float | None = None,
    dry_run: Literal[False] = False,
    check: str | None = None,
    timeout: float | None = None,
    base_url: str | None = None,
    **more: Any,
) -> LiveRun: ...
@overload
def map(  # noqa: A001 - the same
    endpoint: str, rows: Any, arguments: Mapping[str, Any] | None = None, *, dry_run: bool, **more: Any
) -> Any: ...
def map(  # noqa: A001 - named for what it does, as in concurrent.futures
    endpoint: str,
    rows: Any,
    arguments: Mapping[str, Any] | None = None,
    *,
    to: str | Path | None = None,
    engine: str = "auto",
    unique: bool = False,
    budget: float | None = None,
    dry_run: bool = False,
    check: str | None = None,
    timeout: float | None = None,
    base_url: str | None = None,
    **more: Any,
) -> LiveRun | Estimate:
    """Send a request for each row of a table, in the background, and return the run at once.

    Each row is sent, and paid for, once. A row that fails stands in the table with its error, and the others go on. The
    same call goes on with what is missing, and so does `attach`, after whatever has happened in between.

    Args:
        endpoint: the endpoint with its sub-path.
        rows: a table of pandas or polars, a list of dicts, a list or series of prompts, or any iterable of these.
        arguments: the arguments of each request; see ``more``.
        to: the file that keeps everything, such as ``labels.fal``. Without one, it is kept until the program ends.
        engine: ``sockets``, ``queue``, or ``auto``, which chooses by the endpoint and the number of rows.
        unique: whether rows that ask the same are asked once.
        budget: US dollars. Nothing more is sent once what was billed and what is under way would pass it.
        dry_run: whether only to return what is known: how many rows, those that do not fit, the price.
        check: what is done about rows that do not fit the endpoint's schema: those that it is certain to refuse fail
            without being sent, unless this is ``off``.
        timeout: seconds for each request; None for as long as it takes.
        base_url: another host: ``wss://host`` or ``ws://127.0.0.1:8000``.
        more: further arguments by name. A text with ``{column}`` in it is filled from the row, a function is called
            with the row, and all else is the same in each request. Without either, a row's columns are its arguments.
            An argument with the name of a parameter of this function goes into ``arguments``.

    Raises:
        InvalidRequest: a row or a setting cannot be used. Nothing was sent.
        CredentialsError: no key was found.
        JournalError: the file cannot be used, or is of other rows or another endpoint.

    Example:
        >>> run = map("fal-ai/any-llm", df, prompt="Classify: {text}", to="labels.fal")  # doctest: +SKIP
        >>> run.wait().to_pandas()  # doctest: +SKIP
    """
    upload = session().upload_choice
    found = Rows(rows, together(arguments, more), endpoint_name(endpoint), is_unique=unique, upload=upload)
    how = How(engine, budget, timeout, base_url, check)
    return estimate_of_run(found, how) if dry_run else begin_run(found, to, how)


def begin_run(rows: Rows, to: str | Path | None, how: How, *, quiet: bool = False) -> LiveRun:
    """Begin to send rows, or go on with them, as `map` does.

    Args:
        rows: what is asked.
        to: the journal; None for a temporary one.
        how: how they are sent.
        quiet: whether nothing is told of a run with many rows.
    """
    if quiet:
        return cast(LiveRun, begin(LiveRun, rows, to, how, _ignore))
    with ReadingLine() as line:
        rows.look = line

        def tell(estimate: Estimate) -> None:
            line.end()
            _tell(estimate)

        return cast(LiveRun, begin(LiveRun, rows, to, how, tell))


def estimate_of_run(rows: Rows, how: How) -> Estimate:
    """What is known of a run, without sending anything, as `map` tells it with ``dry_run``."""
    with ReadingLine() as rows.look:
        return dry_run_of(rows, how)


def attach(
    path: str | Path,
    *,
    engine: str = "auto",
    budget: float | None = None,
    timeout: float | None = None,
    base_url: str | None = None,
) -> LiveRun:
    """The run that a file keeps, which goes on with what is missing. The parameters are those of `map`.

    What may have been received and has no answer stands as ``unknown`` and is not sent again by itself:
    ``run.retry(unknown=True)`` sends it.

    Args:
        path: the file.
        engine: as for `map`; ``auto`` is the one with which the run began.
        budget: US dollars for the whole run, with what was spent before; None for that of before, ``inf`` for none.
        timeout: seconds for each request.
        base_url: another host; without one, that with which the run began.

    Raises:
        JournalError: it is no journal, damaged, of a newer version, or driven by another kernel.
        InvalidRequest: a setting cannot be used.
    """
    return cast(LiveRun, attach_run(LiveRun, path, How(engine, budget, timeout, base_url)))


def _own_output() -> str | None:
    """The request whose own output gets what is displayed now; None within an Output widget, or without a kernel."""
    return request_id() if output_widget() is None else None


def _ignore(_: Estimate) -> None:
    """Tell nothing."""


def _tell(estimate: Estimate) -> None:
    """Tell what is known of a run before it begins."""
    if getattr(get_ipython(), "kernel", None) is not None:
        show_bundle(estimate._repr_mimebundle_())
    elif sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(printable(f"{estimate}\n", sys.stderr))
