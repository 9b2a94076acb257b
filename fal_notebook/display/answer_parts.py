"""The blocks of an answer that grows as HTML for a page, in which they stand as close as in the whole answer.

The rules for these classes are in `render/answer.css`. They hold within an element of the class ``fal-answer``.
"""

import re
from collections.abc import Iterable

from ..render.growth import Block

_NEEDLESS = re.compile("</t[dhr]>\n")  # end tags that HTML leaves out: a table has many of them


def parts_html(blocks: Iterable[Block]) -> str:
    """The HTML of blocks that stand behind each other; of a tail, too."""
    html = "".join(map(_part_html, blocks))
    return _NEEDLESS.sub("", html)


def _part_html(block: Block) -> str:
    classes = {
        "fal-goes-on": block.continues,
        "fal-open": block.is_open,
    }
    names = " ".join(name for name, holds in classes.items() if holds)
    return f'<div class="{names}">{block.html}</div>' if names and block.html else block.html
