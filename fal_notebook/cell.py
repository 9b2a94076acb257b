"""Floor 10: one run of ``%%falstream``: a request sent, its live view, its result.

Whatever happens, in this order: the result goes to its variable, what is there is shown, and only then an
error or an interrupt is raised. It stops Run All, and nothing that was paid for is lost. Whole answers are saved.
Interrupts that come while a result is put away or shown are held until that is done.
"""

import time
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import replace

from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display

from .background import BackgroundLine, BackgroundLive, BackgroundRun
from .columns import Columns
from .errors import FalNotebookError, InvalidRequest
from .interrupts import Interrupts
from .live import Live, NoLive, NotebookLive, SoundingLive, StaticLive, TerminalLive, follow
from .render import small_bundle
from .request import Request
from .result import Result
from .saving import save_result
from .screen import Screen, screen_of
from .sessions import session
from .streaming import Stream

_READ_ON = 2.0  # seconds after an interrupt
LAST_RESULT = "_fal"
"""The variable that has the result of the last run, as ``_`` has the last value."""


def perform(request: Request, options: Namespace, shell: InteractiveShell) -> None:
    """Send a request, show it live, and leave the result.

    Raises:
        FalNotebookError: the request failed.
        KeyboardInterrupt: the user stopped it.
    """
    interrupted = False
    with Interrupts() as interrupts:
        live = _live(shell, options)
        stream = _send(request, options)
        try:
            follow(stream, live)
        except KeyboardInterrupt:
            interrupted = True
        except BaseException:
            stream.cancel()
            _assign(shell, stream.so_far(), options.out)
            live.finish(stream.so_far(), options.format, autoplay=False)
            raise
        result = _stopped(stream, interrupts) if interrupted else stream.outcome()
        _assign(shell, result, options.out)
        live.finish(result, options.format, autoplay=options.autoplay)
        if interrupted or interrupts.is_held:
            raise _interrupt(result.metrics.duration, options.out)
        if result.error is not None:
            raise result.error
        if options.save and not result.stopped:
            with interrupts.let_through():
                note = save_result(result, options.save, overwrite=options.overwrite)
            _show_note(note, options)


def perform_in_background(request: Request, options: Namespace, shell: InteractiveShell) -> None:
    """Send a request and return at once; its answer streams into this cell's output while others run.

    Until the result is there, its variable holds the `BackgroundRun`, with ``cancel()`` and ``result()``. An error
    can stop nothing any more, so it shows as a line of the output.
    """

    def finish(result: Result) -> None:
        _assign(shell, result, options.out)
        note = _closing_note(result, options)
        if isinstance(live, BackgroundLive | BackgroundLine):
            live.note = note
        live.finish(result, options.format, autoplay=options.autoplay)

    with Interrupts():  # nobody would follow what has been sent
        stream = _send(request, options)
        live = _background_live(shell, options, stream)
        run = BackgroundRun(stream, live, finish)
        _assign(shell, run, options.out)
        run.start()


def perform_side_by_side(requests: Mapping[str, Request], options: Namespace, shell: InteractiveShell) -> None:
    """Send several requests at once, show them in columns, and leave a dict of their results.

    Raises:
        FalNotebookError: the first that failed; the others are shown and kept all the same.
        KeyboardInterrupt: the user stopped them.
    """
    interrupted = False
    with Interrupts() as interrupts:
        streams = {name: _send(request, options) for name, request in requests.items()}
        shows_live = screen_of(shell, options.live) is Screen.WIDGETS and not options.quiet
        columns = Columns(streams, session().recent, live=shows_live)
        try:
            columns.follow()
        except KeyboardInterrupt:
            interrupted = True
        except BaseException:
            for stream in streams.values():
                stream.cancel()
            raise
        results = {
            name: _stopped(stream, interrupts) if interrupted else stream.outcome() for name, stream in streams.items()
        }
        _assign(shell, results, options.out)
        if not options.quiet:
            columns.finish(results, options.format)
        if interrupted or interrupts.is_held:
            raise _interrupt(max(result.metrics.duration for result in results.values()), options.out)
        for result in results.values():
            if result.error is not None:
                raise result.error


def _send(request: Request, options: Namespace) -> Stream:
    return session().stream(
        request.endpoint, request.arguments, base_url=options.base_url or None, timeout=options.timeout
    )


def _live(shell: InteractiveShell, options: Namespace) -> Live:
    if options.quiet:
        return NoLive()
    screen = screen_of(shell, options.live)
    if screen is Screen.TEXT:
        return TerminalLive()
    if screen in (Screen.END, Screen.LATER):
        return StaticLive()
    return (SoundingLive if options.play else NotebookLive)(session().recent)


def _background_live(shell: InteractiveShell, options: Namespace, stream: Stream) -> Live:
    if options.quiet:
        return NoLive()
    screen = screen_of(shell, options.live)
    if screen is Screen.TEXT:
        return BackgroundLine(options.out or LAST_RESULT)
    return BackgroundLive(session().recent, stream.cancel if screen in (Screen.WIDGETS, Screen.LATER) else None)


def _stopped(stream: Stream, interrupts: Interrupts) -> Result:
    """The partial result after an interrupt; a second interrupt does not wait for the connection to close.

    What had come by then is read, but for no longer than a moment.
    """
    stream.cancel()
    enough = time.monotonic() + _READ_ON
    try:
        with interrupts.let_through():
            while not stream.is_done and time.monotonic() < enough:
                stream.wait(enough - time.monotonic())
                stream.take()
    except KeyboardInterrupt:
        pass
    return stream.so_far() if stream.is_done else replace(stream.so_far(), stopped=True)


def _assign(shell: InteractiveShell, value: Result | BackgroundRun | dict[str, Result], out: str | None) -> None:
    shell.user_ns[LAST_RESULT] = value
    if out:
        shell.user_ns[out] = value


def _closing_note(result: Result, options: Namespace) -> str:
    """What to say below a result of the background: its error, where it was saved, or why it was not."""
    if result.error is not None:
        return _words(result.error)
    if not options.save or result.stopped:
        return ""
    try:
        return save_result(result, options.save, overwrite=options.overwrite)
    except InvalidRequest as exc:
        return _words(exc)


def _words(error: FalNotebookError) -> str:
    return f"{type(error).__name__}: {error}"


def _show_note(note: str, options: Namespace) -> None:
    if not options.quiet:
        display(small_bundle(note), raw=True)


def _interrupt(seconds: float, out: str | None) -> KeyboardInterrupt:
    """A plain interrupt, as Run All knows it, that shows as one line."""
    where = f"what came by then is in {out or LAST_RESULT}"
    interrupt = KeyboardInterrupt(f"stopped after {seconds:.1f} s; {where}")
    # IPython asks the exception itself how it is shown; a class of ours would change the name that stops Run All.
    setattr(interrupt, "_render_traceback_", lambda: [f"KeyboardInterrupt: {interrupt}"])  # noqa: B010
    return interrupt
