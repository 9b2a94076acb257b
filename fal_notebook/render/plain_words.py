"""A body that is text and no Markdown: shown as it is, and a small CSV as a table."""

import csv
import re

from ..media.media import normal_type
from .bundles import Bundle, table_bundle, text_bundle

_TEXT = re.compile(r"text/.+|application/.*(yaml|xml|csv|toml|json5|subrip|srt|vtt|script|sql|tex|sh|urlencoded)")
_MARKDOWN = re.compile(r"(text|application)/((x-)?markdown|html)")  # many servers give words the label of HTML
_SEPARATORS = {"text/csv": ",;", "application/csv": ",;", "text/tab-separated-values": "\t"}
_LONGEST_TABLE = 20_000  # characters; a page lays out all cells of a table at once
_MOST_ROWS = 100
_MOST_COLUMNS = 20


def is_no_markdown(label: str) -> bool:
    """Whether the content type of a body of words says that they are not Markdown."""
    kind = normal_type(label)
    return _TEXT.fullmatch(kind) is not None and not _MARKDOWN.fullmatch(kind)


def plain_words_bundle(text: str, label: str) -> Bundle:
    """A text under a label that is not Markdown's."""
    for separator in _SEPARATORS.get(normal_type(label), ""):
        rows = _rows(text, separator)
        if rows:
            return {**table_bundle(rows[0], rows[1:]), "text/plain": text_bundle(text, "text")["text/plain"]}
    return text_bundle(text, "text")


def _rows(text: str, separator: str) -> list[list[str]]:
    """The rows of a table; none if the text is not one, or too large a one."""
    if len(text) > _LONGEST_TABLE or text.count("\n") > _MOST_ROWS:
        return []
    try:
        rows = [row for row in csv.reader(text.splitlines(keepends=True), delimiter=separator, strict=True) if row]
    except csv.Error:
        return []
    width = len(rows[0]) if rows else 0
    is_table = len(rows) > 1 and 1 < width <= _MOST_COLUMNS and all(len(row) == width for row in rows)
    return rows if is_table else []
