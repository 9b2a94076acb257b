"""How a run begins, or goes on after a restart."""

import contextlib
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from ..client.catalogue import Catalogue, KnownSchema
from ..client.prices import Price, Prices
from ..client.sessions import session
from ..errors import CredentialsError, FalNotebookError, InvalidRequest, JournalError
from ..safety.redaction import Redaction
from ..wire.environment import fetches_schemas
from ..wire.target import resolve_target
from .choice import CHOICES, choose
from .estimate import MOST_CHECKED, Estimate, refused_rows
from .journal import Journal
from .journal_view import JournalView
from .registry import run_of
from .row_states import OPEN
from .rows import Rows, fill
from .run import Run
from .setup import Setup, checked
from .stored import Outcome

SHOWN_FROM = 100
"""With more rows than these, what is known of a run is told before anything is sent."""
_SUFFIXES = ("", "-wal", "-shm", "-journal")  # of the files that SQLite makes of one
_MOST_COMPARED = 1_000_000  # rows among which duplicates are counted
AnyRun = TypeVar("AnyRun", bound=Run)
Kind = Callable[[Path, Setup, Path | None], AnyRun]


@dataclass(frozen=True)
class How:
    """How rows are sent, as the user says it; see `map`."""

    engine: str = "auto"
    budget: float | None = None
    timeout: float | None = None
    base_url: str | None = None
    check: str | None = None

    def __post_init__(self) -> None:
        checked("budget", self.budget, 0)
        checked("timeout", self.timeout, 1e-3, sys.float_info.max)
        if self.engine not in CHOICES:
            raise InvalidRequest(f"engine={self.engine!r:.40} is none of {', '.join(CHOICES)}")


def begin(
    kind: "Kind[AnyRun]", rows: Rows, to: str | Path | None, how: How, tell: Callable[[Estimate], None]
) -> AnyRun | Run:
    """Store the rows, and begin to send them, or go on with them.

    Args:
        kind: the class of the run.
        rows: what is asked.
        to: the journal; None for a temporary one.
        how: how they are sent.
        tell: is told what is known of the run before anything is sent, if it has many rows.

    Raises:
        InvalidRequest: a row or a setting cannot be used.
        CredentialsError: no key was found.
        JournalError: the journal cannot be used, or is of other rows.
    """
    endpoint = rows.header.endpoint
    target = resolve_target(endpoint, how.base_url)
    folder = Path(tempfile.mkdtemp(prefix="fal-")) if to is None else None
    path = Path(to).expanduser() if to is not None else Path(folder or "") / "run.fal"
    try:
        running: Run | None = run_of(path)
        if running is not None and running.standing.reason:
            running.settle()  # it is about to end
        if running is not None and (journal := running.journal) is not None:
            try:
                journal.check(rows.header)
                fill(journal, rows)
            except JournalError:
                if journal.may_write:
                    raise
                running.settle()  # it ended meanwhile, and its journal was closed
            else:
                return running.resume(how.budget)
        journal = _filled(path, rows, target.redaction)
        try:
            estimate = _estimate(journal, how)
            setup = _setup(journal, how)
            engine = setup.make_engine(endpoint)
            _keep(journal, setup, target.private_host)
            if estimate is not None:
                _drop_refused(journal, estimate, engine.name)
                tell(estimate)
            run = kind(path, setup, folder)
            run.begin(journal, engine)
        except BaseException:
            journal.close()
            raise
    except BaseException:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    return run


def dry_run(rows: Rows, how: How) -> Estimate:
    """What is known of a run, without a key and without sending anything."""
    folder = Path(tempfile.mkdtemp(prefix="fal-"))
    try:
        with _filled(folder / "run.fal", rows, _redaction(rows.header.endpoint, how), has_files=False) as journal:
            return estimate_of(journal, how)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def attach(kind: "Kind[AnyRun]", path: str | Path, how: How) -> AnyRun | Run:
    """The run of a journal, which goes on with what is missing.

    Raises:
        JournalError: it is no journal, damaged, of a newer version, or driven by another kernel.
        InvalidRequest: a setting cannot be used.
    """
    path = Path(path).expanduser()
    running: Run | None = run_of(path)
    if running is not None and running.is_running:
        return running.resume(how.budget)
    with Journal.drive(path) as journal:  # which also brings an older one up to date
        setup = _setup(journal, how)
        looked_for = ("unknown",) if setup.engine == "queue" else ()  # in fal's list of requests, which may lag
        is_done = not any(journal.counts()[state] for state in (*OPEN, "cancelled", *looked_for))
    run = kind(path, setup, None)
    if not is_done:
        try:
            run.resume()
        except CredentialsError as exc:  # what is there can be read without a key
            run.note(exc.words)
    return run


def estimate_of(view: JournalView, how: How) -> Estimate:
    """What is known of the rows of a journal."""
    header, rows = view.header, len(view)
    known = None if how.check == "off" else _schema(header.endpoint, how.base_url)
    refused = {} if known is None or known.is_old else refused_rows(view, known.schema)
    engine, why = choose(how.engine, header.endpoint, rows, how.base_url)
    found = Estimate(
        header.endpoint,
        rows,
        view.duplicates() if rows <= _MOST_COMPARED else 0,
        header.is_unique,
        refused,
        0 if known is None or known.is_old else min(rows, MOST_CHECKED),
        _price(header.endpoint, how.base_url),
        f"engine: {engine}, {why}",
    )
    if found.dollars is not None or how.base_url is not None:
        return found
    return replace(found, expected=session().companion(Prices).estimated(header.endpoint, found.requests))


def _estimate(journal: Journal, how: How) -> Estimate | None:
    """What is known of a run that begins with many rows."""
    is_new = journal.counts()["new"] == len(journal)
    return estimate_of(journal, how) if is_new and len(journal) > SHOWN_FROM else None


def _filled(path: Path, rows: Rows, redaction: Redaction, *, has_files: bool = True) -> Journal:
    """The journal with all rows, and with their files if it is to have them. No new file is left if a row is wrong."""
    was_there = path.exists()
    header = rows.header if has_files else replace(rows.header, files=())
    journal = Journal.drive(path, header, redaction)
    try:
        fill(journal, rows if has_files else (replace(row, files=()) for row in rows))
    except BaseException as exc:
        journal.close()
        if not was_there and not isinstance(exc, KeyboardInterrupt):
            for suffix in _SUFFIXES:
                Path(f"{path}{suffix}").unlink(missing_ok=True)
        raise
    return journal


def _setup(journal: Journal, how: How) -> Setup:
    """How the rows are sent: as the user says now, else as before.

    Raises:
        InvalidRequest: the rows stand in fal's queue, and are to be sent otherwise.
    """
    kept = "queue" if journal.counts()["submitted"] else journal.setting("engine")
    if kept == "queue" and how.engine == "sockets":
        raise InvalidRequest(
            f"{journal.path} began on fal's queue", hint='its rows end there: leave engine="sockets" out'
        )
    wanted = how.engine if how.engine != "auto" or kept is None else kept
    name, _ = choose(wanted, journal.header.endpoint, len(journal), how.base_url or journal.setting("base_url"))
    base_url = how.base_url or journal.setting("base_url")
    budget = how.budget if how.budget is not None else journal.budget
    price = None if budget is None else _price(journal.header.endpoint, base_url)
    dollars = None if price is None else price.dollars_a_request
    return Setup(name, base_url, how.timeout, budget, dollars, session().upload_choice)


def _keep(journal: Journal, setup: Setup, gateway: str | None) -> None:
    """Store what a later kernel needs to go on in the same way."""
    settings = {"engine": setup.engine, "base_url": setup.base_url, "gateway": gateway}
    with journal.transaction():
        for name, value in settings.items():
            if value is not None and journal.setting(name) != value:
                journal.keep_setting(name, value)


def _drop_refused(journal: Journal, estimate: Estimate, engine: str) -> None:
    """Let the rows fail that the endpoint is certain to refuse; they are not sent."""
    if estimate.refused:
        ends = [Outcome(number, "failed", error=f"not sent: {why}") for number, why in estimate.refused.items()]
        journal.refused(ends, engine)


def _redaction(endpoint: str, how: How) -> Redaction:
    with contextlib.suppress(CredentialsError):
        return resolve_target(endpoint, how.base_url).redaction
    return Redaction()


def _schema(endpoint: str, base_url: str | None) -> KnownSchema | None:
    if not fetches_schemas():
        return None
    with contextlib.suppress(FalNotebookError):
        return session().companion(Catalogue).find(endpoint, base_url)
    return None


def _price(endpoint: str, base_url: str | None) -> Price | None:
    with contextlib.suppress(FalNotebookError):
        return session().companion(Prices).of([endpoint], base_url).get(endpoint)
    return None
