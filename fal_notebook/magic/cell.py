"""One run of ``%%falstream``: it sends the request, shows the answer live, and keeps the result.

However a request ends, three steps follow in this order: the result is assigned to its variable, it is shown, and only
then an error or an interrupt is raised. So nothing that the user paid for is lost, and Run All stops at the failure.
``--save`` saves only complete answers. Interrupts that come while a result is assigned or shown are held until that is
done.
"""

import re
import time
from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import replace

from IPython.core.interactiveshell import InteractiveShell

from ..client.interrupts import Interrupts
from ..client.payloads import chosen_upload
from ..client.queue import Submitted
from ..client.result import Result, show_safely, with_show_error
from ..client.streaming import Stream
from ..display.background import BackgroundLine, BackgroundLive, BackgroundRun, BackgroundStatic
from ..display.columns import Columns
from ..display.front_end import Screen, screen_of
from ..display.live import Live, NoLive, StaticLive, TerminalLive, follow
from ..display.notebook_live import NotebookLive
from ..display.outputs import show_bundle
from ..display.queue_live import QueueLive
from ..display.reloaded_page import recent_answers
from ..display.sounding_live import SoundingLive
from ..errors import FalNotebookError, InvalidRequest, NotShown, RequestError
from ..render.bundles import small_bundle
from .queued import left_in_queue, left_words, note_of_queue
from .request import Request
from .saving import save_result

_LONGEST_READ = 2.0  # seconds after an interrupt in which what has arrived is still read
_OPTIONS = {"timeout": "--timeout", "max_body": "%config FalMagics.max_body"}
LAST_RESULT = "_fal"
"""The variable that always holds the result of the last run, as ``_`` holds the last value."""


def perform(request: Request, options: Namespace, shell: InteractiveShell) -> None:
    """Send a request, show the answer live, and keep the result.

    Raises:
        FalNotebookError: the request failed.
        KeyboardInterrupt: the user stopped it.
    """
    _perform(lambda: _send(request, options), request.noted, options, shell)


def perform_attached(submitted: Submitted, options: Namespace, shell: InteractiveShell) -> None:
    """Follow a request that is in fal's queue, show it live, and keep the result. The errors are those of `perform`."""
    options.queue = True
    _perform(lambda: submitted.stream(timeout=options.timeout), lambda result: result, options, shell)


def _perform(
    send: Callable[[], Stream], noted: Callable[[Result], Result], options: Namespace, shell: InteractiveShell
) -> None:
    interrupted = False
    with Interrupts() as interrupts:
        live = _view(shell, options)
        try:
            stream = send()
        except BaseException:
            live.discard()
            raise

        def show(result: Result) -> None:
            told = replace(result, tells_error=False)  # the cell raises it
            live.finish(told, options.format, autoplay=options.autoplay)

        try:
            try:
                follow(stream, live)
            except KeyboardInterrupt:
                interrupted = True
            ended = noted(_stopped(stream, interrupts) if interrupted else stream.outcome())
            result = with_show_error(note_of_queue(ended, stream), live.failure)
            _name_options(result.error)
            result = _put_away(shell, result, options.out, show)
            if (left := left_in_queue(result, stream)) is not None:
                _assign(shell, left, options.out)
        except BaseException:
            stream.cancel()
            _put_away(shell, _so_far(stream), options.out, show)
            raise
        if interrupted or interrupts.is_held:
            raise _interrupt_of(result.metrics.duration, options.out, left_words(stream))
        if options.save and _is_whole(result):
            with interrupts.let_through():
                note = save_result(result, options.save, overwrite=options.overwrite)
            if not options.quiet:
                show_bundle(small_bundle(note))
        elif result.media and not options.quiet and screen_of(shell, options.live) is Screen.TEXT:
            show_bundle(small_bundle(_how_to_keep(result, options.out or LAST_RESULT)))
        _raise_error(result, options)


def perform_in_background(request: Request, options: Namespace, shell: InteractiveShell) -> None:
    """Send a request and return at once; its answer streams into this cell's output while other cells run.

    Until the result is there, its variable holds the `BackgroundRun`, with ``cancel()`` and ``result()``. An error can
    no longer be raised in the cell, so it is shown as a line of the output.
    """
    saved: list[str] = []

    def finish(ended: Result) -> None:
        result = note_of_queue(request.noted(ended), stream)
        _name_options(result.error)
        _assign(shell, left_in_queue(result, stream) or result, options.out)
        if not saved:
            saved.append(_save_in_background(result, options))
        if isinstance(live, BackgroundLive | BackgroundLine | BackgroundStatic):
            live.note = saved[0]
        live.finish(result, options.format, autoplay=options.autoplay)

    with Interrupts():  # an interrupt in here would leave a request that nobody reads
        stream = _send(request, options)
        try:
            live = _background_view(shell, options, stream)
            run = BackgroundRun(stream, live, finish)
            _assign(shell, run, options.out)
            run.start()
        except BaseException:
            stream.cancel()
            _assign(shell, _so_far(stream), options.out)
            raise


def perform_side_by_side(requests: Mapping[str, Request], options: Namespace, shell: InteractiveShell) -> None:
    """Send several requests at once, show the answers in columns, and keep a dict of the results.

    Raises:
        FalNotebookError: the first request that failed; the others are shown and kept all the same.
        KeyboardInterrupt: the user stopped them.
    """
    interrupted = False
    with Interrupts() as interrupts:
        shows_live = screen_of(shell, options.live) is Screen.WIDGETS and not options.quiet
        streams = _send_all(requests, options)
        columns = Columns(streams, recent_answers(), options.format, live=shows_live)
        try:
            try:
                columns.follow()
            except KeyboardInterrupt:
                interrupted = True
            results = {
                name: with_show_error(
                    _stopped(stream, interrupts) if interrupted else stream.outcome(), columns.failure
                )
                for name, stream in streams.items()
            }
            for result in results.values():
                _name_options(result.error)
            _assign(shell, results, options.out)
            if not options.quiet:
                results = columns.finish(results, options.format)
                _assign(shell, results, options.out)
        except BaseException:
            for stream in streams.values():
                stream.cancel()
            results = {name: _so_far(stream) for name, stream in streams.items()}
            _assign(shell, results, options.out)
            if not options.quiet:
                columns.finish(results, options.format)
            raise
        if interrupted or interrupts.is_held:
            raise _interrupt_of(max(result.metrics.duration for result in results.values()), options.out)
        for result in results.values():
            _raise_error(result, options)


def _raise_error(result: Result, options: Namespace) -> None:
    """Raise the error of a result, if it has one. It does not repeat the request's id, which the footer has."""
    if isinstance(result.error, RequestError):
        result.error.id_is_shown = not options.quiet
    if result.error is not None:
        raise result.error


def _send(request: Request, options: Namespace) -> Stream:
    ask = request.queued if options.queue else request.stream
    token = chosen_upload.set(options.upload)
    try:
        return ask(base_url=options.base_url or None, timeout=options.timeout)
    finally:
        chosen_upload.reset(token)


def _send_all(requests: Mapping[str, Request], options: Namespace) -> dict[str, Stream]:
    """Send all requests. If one cannot be sent, stop those that were sent before it."""
    streams: dict[str, Stream] = {}
    try:
        for name, request in requests.items():
            streams[name] = _send(request, options)
    except BaseException:
        for stream in streams.values():
            stream.cancel()
        raise
    return streams


def _view(shell: InteractiveShell, options: Namespace) -> Live:
    if options.quiet:
        return NoLive()
    screen = screen_of(shell, options.live)
    if screen is Screen.TEXT:
        return TerminalLive()
    if screen in (Screen.END, Screen.LATER):
        return StaticLive()
    live = SoundingLive if options.play else QueueLive if options.queue else NotebookLive
    return live(recent_answers(), formatted=options.format == "markdown")


def _background_view(shell: InteractiveShell, options: Namespace, stream: Stream) -> Live:
    if options.quiet:
        return NoLive()
    screen = screen_of(shell, options.live)
    if screen is Screen.TEXT:
        return BackgroundLine(options.out or LAST_RESULT)
    if screen is Screen.END:
        return BackgroundStatic()
    return BackgroundLive(recent_answers(), stream.cancel, options.format)


def _stopped(stream: Stream, interrupts: Interrupts) -> Result:
    """Stop a stream after an interrupt, and return the partial result.

    What has arrived is still read, for two seconds at most. A second interrupt ends that at once.
    """
    stream.cancel()
    enough = time.monotonic() + _LONGEST_READ
    try:
        with interrupts.let_through():
            while not stream.is_done and time.monotonic() < enough:
                stream.wait(enough - time.monotonic())
                stream.take()
    except KeyboardInterrupt:
        pass
    return _so_far(stream)


def _so_far(stream: Stream) -> Result:
    """The result; if the stream has not ended, what has arrived, marked as stopped."""
    return stream.so_far() if stream.is_done else replace(stream.so_far(), stopped=True)


def _put_away(shell: InteractiveShell, result: Result, out: str | None, show: Callable[[Result], object]) -> Result:
    """Assign a result to its variable and show it; return the result that was kept, as `show_safely` does."""
    try:
        _assign(shell, result, out)
    finally:
        result = show_safely(result, show)
    _assign(shell, result, out)
    return result


def _assign(
    shell: InteractiveShell, value: Result | BackgroundRun | Submitted | dict[str, Result], out: str | None
) -> None:
    shell.user_ns[LAST_RESULT] = value
    if out:
        shell.user_ns[out] = value


def _how_to_keep(result: Result, name: str) -> str:
    """How to get at files that a terminal cannot show."""
    count = len(result.media)
    what = "it" if count == 1 else f"the first of {count}"
    return f'{name}.media[0].save("NAME") writes {what} to a file, --save NAME does it at once'


def _save_in_background(result: Result, options: Namespace) -> str:
    """Save a background answer if that was asked for; return where it is, or why it could not be saved."""
    if not options.save or not _is_whole(result):
        return ""
    try:
        return save_result(result, options.save, overwrite=options.overwrite)
    except InvalidRequest as exc:
        return f"{type(exc).__name__}: {exc}"
    except Exception as exc:  # noqa: BLE001 - no failure to save it may lose the answer
        return f"the answer could not be saved: {type(exc).__name__}"


def _is_whole(result: Result) -> bool:
    return not result.stopped and (result.error is None or isinstance(result.error, NotShown))


def _name_options(error: FalNotebookError | None) -> None:
    """Let the hint of an error name the option or the setting of the magic in place of Python's argument."""
    if error is not None:
        for argument, option in _OPTIONS.items():
            error.hint = re.sub(rf"(?<![-.]){argument}\b", option, error.hint)


def _interrupt_of(seconds: float, out: str | None, left: str = "") -> KeyboardInterrupt:
    """A ``KeyboardInterrupt``, which stops Run All, that is shown in one line."""
    where = left or f"what came by then is in {out or LAST_RESULT}"
    interrupt = KeyboardInterrupt(f"stopped after {seconds:.1f} s; {where}")
    # IPython asks the exception itself how to show it. Not a subclass: Run All knows an interrupt by the class's name.
    setattr(interrupt, "_render_traceback_", lambda: [f"KeyboardInterrupt: {interrupt}"])  # noqa: B010
    return interrupt
