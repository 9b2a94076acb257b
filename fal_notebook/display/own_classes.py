"""The classes of words that grow in a cell: other ones than those of final answers.

Whenever a stylesheet comes or goes, a page styles anew every element with a class that the sheet names. A final answer
brings its sheet with it, and the sheet of the words that grew goes with them. Since each has classes of its own,
neither costs the other anything, however long the answer and however many answers the notebook has.
"""

import re

_OPENING_TAG = re.compile(r'(<[a-z][^<>]*? class=")(fal-[^"]*)"')
_NAME = "fal-"
_OWN_NAME = "fal-now-"


def with_own_classes(html: str) -> str:
    """The HTML of a part of an answer, with the classes of words that grow. Its text cannot hold a tag."""
    return _OPENING_TAG.sub(lambda tag: f'{tag[1]}{tag[2].replace(_NAME, _OWN_NAME)}"', html)


def for_own_classes(sheet: str) -> str:
    """The stylesheet of answers for these classes."""
    return sheet.replace(f".{_NAME}", f".{_OWN_NAME}")
