"""``--each``: sends the cell for each row of a table, with the row's columns as the variables of its expressions."""

from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from ..client.sessions import session
from ..display.outputs import show_bundle
from ..display.runs import LiveRun, begin_run, estimate_of_run
from ..errors import InvalidRequest
from ..many.row_templates import Constant
from ..many.rows import Rows
from ..many.start import How
from ..wire.target import endpoint_name
from .cell import LAST_RESULT
from .cell_arguments import from_cell, from_line
from .request import schema_of_line
from .template import RowVariables

_SLOT = "{{"


def perform_each(options: Namespace, cell: str, namespace: Mapping[str, Any], shell: InteractiveShell) -> None:
    """Send a request for each row of the table that ``--each`` names, and show how they go on.

    Raises:
        InvalidRequest: there is no such table, or a row cannot be sent. Nothing was sent.
        KeyboardInterrupt: the user stopped it.
    """
    rows = Rows(
        _table(options.each, namespace),
        _arguments(options, cell, namespace),
        endpoint_name(options.endpoint),
        is_unique=options.unique,
        upload=session().upload_choice,
    )
    engine = "queue" if options.queue else "auto"
    how = How(engine, options.budget, options.timeout, options.base_url or None, options.check)
    if options.dry_run:
        show_bundle(estimate_of_run(rows, how)._repr_mimebundle_())
        return
    run = begin_run(rows, options.to, how, quiet=options.quiet)
    shell.user_ns[LAST_RESULT] = run
    if options.out:
        shell.user_ns[options.out] = run
    _show(run, options)


def _show(run: LiveRun, options: Namespace) -> None:
    if options.background and not options.quiet:
        run._ipython_display_()
    elif not options.background:
        run.wait_quietly() if options.quiet else run.follow()


def _table(name: str, namespace: Mapping[str, Any]) -> Any:
    if name not in namespace:
        raise InvalidRequest(f"--each {name}: no such variable")
    return namespace[name]


def _arguments(options: Namespace, cell: str, namespace: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of each row: constants, and functions of the row where there are expressions."""
    schema = schema_of_line(options)

    def read_cell(names: Mapping[str, Any] | None) -> dict[str, Any]:
        return from_cell(cell, options.field, names, as_text=options.as_text)

    given = _of_part(cell, read_cell(None), read_cell, options, namespace)
    for word in options.arguments:

        def read_word(names: Mapping[str, Any] | None, word: str = word) -> dict[str, Any]:
            return from_line([word], names, schema)

        name = word.partition("=")[0].removesuffix(":")
        known = {name: None} if _SLOT in word else read_word(None)
        given |= _of_part(word, known, read_word, options, namespace)
    return given


def _of_part(
    text: str,
    known: Mapping[str, Any],
    read: Callable[[Mapping[str, Any] | None], dict[str, Any]],
    options: Namespace,
    namespace: Mapping[str, Any],
) -> dict[str, Any]:
    """The arguments in a part of the line or the cell.

    Args:
        text: the part.
        known: its arguments by name, with expressions as they stand.
        read: reads it for the variables of a row.
        options: what the line says.
        namespace: the user's variables.
    """
    if options.raw or _SLOT not in text:
        return {name: Constant(value) for name, value in known.items()}
    variables = dict(namespace)
    return {name: lambda row, name=name: read(RowVariables(variables, **row))[name] for name in known}
