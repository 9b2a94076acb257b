"""Sans-I/O: sound in the base64 of a JSON value: a piece of a recording."""

import base64
import binascii

from ..media.data_uris import is_data_uri
from ..media.media import SNIFF_BYTES, sniff
from .updates import Piece


def audio_piece(audio: str, rate: int) -> Piece | None:
    """The sound in base64: a file's bytes, or samples of 16 bits at this rate; None where it is no base64."""
    if is_data_uri(audio) or "://" in audio[:10]:
        return None
    try:
        data = base64.b64decode(audio, validate=True)
    except (binascii.Error, ValueError):
        return None
    return Piece(data, sniff(data[:SNIFF_BYTES], samples=True) or f"audio/pcm;rate={rate};channels=1") if data else None
