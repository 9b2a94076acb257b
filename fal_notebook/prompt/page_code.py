"""The JavaScript and CSS that a prompt widget sends to its page: its own, and what it shares with the live outputs.

They are text, not paths: anywidget would watch a path for changes, and so keep every widget alive.
"""

from pathlib import Path

from ..display.control_channel import CONTROL_SCRIPT
from ..display.copying import COPYING_SCRIPT
from ..display.growing_words import GROWING_SCRIPT
from ..display.reasoning_widget import REASONING_SCRIPT, REASONING_STYLE
from ..render.answer_style import answer_style

_PAGE = Path(__file__).with_name("page")
_SCRIPTS = (
    COPYING_SCRIPT,
    CONTROL_SCRIPT,
    GROWING_SCRIPT,
    REASONING_SCRIPT,
    *sorted(_PAGE.glob("*.js")),
)  # in any order: each only defines names

SCRIPT = "".join(path.read_text(encoding="utf-8") for path in _SCRIPTS)
STYLE = (
    "".join(path.read_text(encoding="utf-8") for path in (*sorted(_PAGE.glob("*.css")), REASONING_STYLE))
    + answer_style()
)
