"""What is said of a file in words: its label, its title, its size."""

from urllib.parse import unquote, urlsplit

from ..media.media import Media
from ..safety.plain_text import one_line

_LONGEST_LABEL = 60
_LONGEST_TITLE = 80


def media_words(media: Media) -> str:
    """A description of a file in words, such as ``audio/wav, 84,044 bytes``."""
    parts = [media.content_type]
    if media.width and media.height:
        parts.append(f"{media.width} × {media.height}")
    if media.data is not None:
        parts.append(f"{len(media.data):,} bytes")
    if media.url:
        parts.append(media.url)
    return one_line(", ".join(parts))


def size_words(size: int) -> str:
    """A number of bytes as people say it: ``84 bytes``, ``84 kB``, ``1.3 MB``."""
    if size < 1_000:
        return f"{size} bytes"
    for unit in ("kB", "MB", "GB"):
        size_in_unit = size / 1_000 ** ("kB", "MB", "GB").index(unit) / 1_000
        if size_in_unit < 999.5 or unit == "GB":
            return f"{size_in_unit:.1f} {unit}" if size_in_unit < 9.95 else f"{size_in_unit:,.0f} {unit}"
    raise AssertionError("the last unit takes every size")


def file_label(media: Media) -> str:
    """What the answer calls a file: ``vocals``, ``control image``; empty if it does not."""
    return one_line(" ".join(media.name.replace("_", " ").split()), _LONGEST_LABEL)


def file_title(media: Media) -> str:
    """A title for a file that cannot be shown: its name, that of its URL, its label, or at least its type."""
    told = media.file_name or _name_in(media.url or "")
    title, label = one_line(told or "", _LONGEST_TITLE), file_label(media)
    if title and label and not title.lower().startswith(label.lower()):
        return f"{label} · {title}"
    return title or label or media.content_type


def _name_in(url: str) -> str:
    """The file's name at the end of a URL's path, if it has an extension."""
    try:
        last = unquote(urlsplit(url).path.rpartition("/")[2])
    except ValueError:
        return ""
    return last if "." in last.strip(".") else ""
