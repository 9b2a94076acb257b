"""The names of files that others name, made such that they only lie there.

A server's name would choose what becomes of a file: ``torch.py`` runs at the next ``import torch``. So the ending is
that of the file's type, of a few types that nothing runs, and of the name that stands before it what a disk and the
programs that read folders may take for something else is left out.
"""

import mimetypes
import re
import unicodedata
from pathlib import PurePosixPath

from .plain_text import one_line

_ENDINGS = {
    "audio/wav": ".wav",
    "audio/mpeg": ".mp3",
    "audio/ogg": ".ogg",
    "audio/flac": ".flac",
    "audio/aac": ".aac",
    "audio/mp4": ".m4a",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "image/avif": ".avif",
    "text/csv": ".csv",
    "text/markdown": ".md",
    "text/vtt": ".vtt",
    "application/gzip": ".gz",
    "application/json": ".json",
    "application/pdf": ".pdf",
    "application/x-subrip": ".srt",
    "application/xml": ".xml",
    "application/zip": ".zip",
    "model/gltf-binary": ".glb",
    "model/gltf+json": ".gltf",
}
_SHOWN = ("image", "audio", "video", "font")  # kinds of which no type is run
_ENDING = re.compile(r"\.[a-z0-9]{1,8}")
_UNTYPED = "application/octet-stream"
_MODELS = (".fbx", ".glb", ".gltf", ".obj", ".ply", ".safetensors", ".stl", ".usdz")
"""Endings that a server may choose where it names no type: models of things, for which few types are in use."""
_READ = (".json", ".md", ".txt", ".xml")  # programs look for some of them by name: package.json, CMakeLists.txt
_BYTES = 255 - 28  # that a name may have on common disks, with room for a number, an ending and what is put before
_OWN = "fal"
# Microsoft Learn, "Naming Files, Paths, and Namespaces".
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$|clock\$)\s*(\.|$)", re.IGNORECASE)
_SIGNS = re.compile(r'[<>:"|?*%$~`!&;\'\x00-\x1f\x7f\ufffd\u2400-\u2421]')


def ending(content_type: str) -> str:
    """The ending, with its dot, that a file of this type is saved under; ``.bin`` for all that could be run."""
    kind = content_type.partition("/")[0]
    if content_type in _ENDINGS:
        return _ENDINGS[content_type]
    guessed = (mimetypes.guess_extension(content_type) or "") if kind in _SHOWN else ""
    if _ENDING.fullmatch(guessed) and (mimetypes.guess_type(f"x{guessed}")[0] or "").startswith(f"{kind}/"):
        return guessed
    return ".txt" if kind == "text" else ".bin"


def file_name(said: str | None, content_type: str) -> str:
    """A name for a file in a folder.

    Args:
        said: the name that the server gave.
        content_type: what the file is.
    """
    name = one_line(unicodedata.normalize("NFC", (said or "").replace("\\", "/").encode("utf-8", "replace").decode()))
    path = PurePosixPath(name.rpartition("/")[2].strip(" ."))
    last = path.suffix.lower()
    chosen = last if content_type == _UNTYPED and last in _MODELS else ending(content_type)
    stem = path.stem.removesuffix(chosen)
    letters = "".join(letter if letter.isprintable() else "" for letter in _SIGNS.sub("_", stem))
    cut = letters.encode()[:_BYTES].decode("utf-8", "ignore").strip(" .-_")
    is_taken = _RESERVED.match(cut) or (chosen in _READ and cut)
    return f"{_OWN}-{cut}{chosen}" if is_taken else f"{cut or _OWN}{chosen}"
