"""Names for files that a server names, chosen so that no program runs a file or takes it for something else.

A server that chose the name would choose what becomes of the file: ``torch.py`` runs at the next ``import torch``. So
the extension follows from the file's type, and only types that nothing runs have one of their own. Characters and
names that mean something to a disk, to a shell or to programs that read folders are taken out of the rest.
"""

import mimetypes
import re
import unicodedata
from pathlib import PurePosixPath

from .plain_text import one_line

_EXTENSIONS = {
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
_HARMLESS_KINDS = ("image", "audio", "video", "font")  # no type of these kinds is ever run
_EXTENSION = re.compile(r"\.[a-z0-9]{1,8}")
_UNTYPED = "application/octet-stream"
_MODEL_EXTENSIONS = (".fbx", ".glb", ".gltf", ".obj", ".ply", ".safetensors", ".stl", ".usdz")
"""Extensions that a server may choose where it gives no type: 3D models and weights, whose types are hardly used."""
_FOUND_BY_NAME = (".json", ".md", ".txt", ".xml")  # programs read some by their name: package.json, CMakeLists.txt
_LONGEST_STEM = 255 - 28  # bytes: the longest name on common disks, less prefix, number and extension
_OWN_STEM = "fal"  # the stem where the server gives none, and the prefix of a name that means something to programs
# Microsoft Learn, "Naming Files, Paths, and Namespaces".
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$|clock\$)\s*(\.|$)", re.IGNORECASE)
_SPECIAL_CHARACTERS = re.compile(r'[<>:"|?*%$~`!&;\'\x00-\x1f\x7f\ufffd\u2400-\u2421]')


def file_extension(content_type: str) -> str:
    """The extension, with its dot, of a file of this type; ``.bin`` for every type that could be run."""
    kind = content_type.partition("/")[0]
    if content_type in _EXTENSIONS:
        return _EXTENSIONS[content_type]
    guessed = (mimetypes.guess_extension(content_type) or "") if kind in _HARMLESS_KINDS else ""
    if _EXTENSION.fullmatch(guessed) and (mimetypes.guess_type(f"x{guessed}")[0] or "").startswith(f"{kind}/"):
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
    chosen = last if content_type == _UNTYPED and last in _MODEL_EXTENSIONS else file_extension(content_type)
    stem = path.stem.removesuffix(chosen)
    letters = "".join(letter if letter.isprintable() else "" for letter in _SPECIAL_CHARACTERS.sub("_", stem))
    cut = letters.encode()[:_LONGEST_STEM].decode("utf-8", "ignore").strip(" .-_")
    is_taken = _RESERVED.match(cut) or (chosen in _FOUND_BY_NAME and cut)
    return f"{_OWN_STEM}-{cut}{chosen}" if is_taken else f"{cut or _OWN_STEM}{chosen}"
