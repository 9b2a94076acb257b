"""Sans-I/O: files in bare base64, of which only the first bytes tell what they are."""

import base64
import binascii
from typing import Any

from ..media.media import SNIFF_BYTES, Media, media_from_bytes, sniff

_SHORTEST = 24  # letters: no file is shorter
_HEAD = 4 * SNIFF_BYTES // 3  # letters of which the first bytes are made


def media_in_base64(text: Any) -> Media | None:
    """The file in base64; None where it is none, or its first bytes are not plainly of a kind that is shown."""
    if not isinstance(text, str) or len(text) < _SHORTEST:
        return None
    if "\n" in text:  # the lines of MIME
        text = "".join(text.split())
    text += "=" * (-len(text) % 4)  # which some leave out
    try:
        kind = sniff(base64.b64decode(text[:_HEAD], validate=True))
        return media_from_bytes(base64.b64decode(text, validate=True), kind) if kind else None
    except (binascii.Error, ValueError):
        return None
