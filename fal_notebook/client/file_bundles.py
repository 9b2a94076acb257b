"""The files of an answer, each with what the JSON says of it, and what the JSON says beside them and the words."""

from collections.abc import Sequence
from typing import Any

from ..media.media import Media
from ..render.bundles import Bundle, small_bundle
from ..render.cards import Card, files_bundles
from ..render.file_words import size_words
from ..response.base64_media import media_in_base64
from ..response.files_in_json import files_in, is_address

MOST_FILES = 100
"""The most files that are shown: a page with thousands of pictures freezes."""
_MUCH = 20_000_000  # bytes that an answer adds to a notebook without a word about it
_OF_A_FILE = frozenset(
    (
        *("url", "content_type", "file_name", "file_size", "width", "height", "duration", "sample_rate"),
        *("b64_json", "base64", "data"),
    )
)
"""What the object of a file says of it, which its card shows."""
_TOLD = ("usage", "model", "request_id", "partial", "done")
"""What the line below an answer tells anyway, and the marks of an end."""
_NOTHING = object()
_DEEPEST = 30  # levels in which files and words are looked for
_HEAD = 64  # letters of base64 that tell whether it is a file
_SHORTEST_REPEATED = 3  # characters of a string that is left out because the words of the answer have it


def shown_files(media: Sequence[Media], data: Any, *, native: bool = False, autoplay: bool = False) -> list[Bundle]:
    """The files as outputs: cards, and a line if there are more than a page can hold."""
    withheld = withheld_pictures(media, data)
    pictures = -1
    cards = []
    for number, each in enumerate(media[:MOST_FILES]):
        pictures += each.kind == "image"
        note = _note(each, data, withheld=pictures in withheld) if each.kind == "image" else ""
        cards.append(Card(each, f"media[{number}]", note))
    parts = files_bundles(cards, native=native, autoplay=autoplay)
    if len(media) > len(cards):
        parts.append(small_bundle(f"… and {len(media) - len(cards):,} files more, in its media"))
    return parts


def withheld_flags(data: Any) -> list[bool]:
    """Whether fal's safety checker replaced a picture by a black one, for each picture of ``images``."""
    flags = _get(data, "has_nsfw_concepts")
    return [flag is True for flag in flags] if isinstance(flags, list) else []


def withheld_pictures(media: Sequence[Media], data: Any) -> list[int]:
    """The numbers of the pictures that were replaced by black ones.

    The flags count only the pictures of ``images``; a mask or an input has none. Where it is not clear which
    pictures they mean, no numbers are returned.
    """
    flags, pictures = withheld_flags(data), [each for each in media if each.kind == "image"]
    if True not in flags or len(pictures) > MOST_FILES:
        return []
    if len(flags) == len(pictures):
        start: int | None = 0
    else:
        judged = list(files_in({"images": _get(data, "images")}))
        starts = (at for at in range(len(pictures)) if judged and pictures[at : at + len(judged)] == judged)
        start = next(starts, None)
    return [] if start is None else [start + number for number, flag in enumerate(flags) if flag]


def size_note(bundles: Sequence[Bundle]) -> list[Bundle]:
    """A line if these outputs add much to a notebook that is saved with them."""
    size = sum(len(data) for bundle in bundles for data in bundle.values() if isinstance(data, str))
    if size < _MUCH:
        return []
    said = f"this output adds {size_words(size)} to the notebook; --quiet --save keeps its files beside it instead"
    return [small_bundle(said)]


def rest_of(data: Any, text: str) -> dict[str, Any]:
    """What a JSON answer says beside its words and its files, without what is empty."""
    if not isinstance(data, dict):
        return {}
    words = text.strip()
    rest = {name: _rest(each, words, 0) for name, each in data.items() if name not in _TOLD}
    flags = withheld_flags(data)
    return {
        name: each
        for name, each in rest.items()
        if not (each is _NOTHING or each is None or each is False or each in ("", [], {}))
        and not (name == "has_nsfw_concepts" and flags and True not in flags)
    }


def _rest(value: Any, words: str, depth: int) -> Any:
    """A value without the files and the words in it, or `_NOTHING`."""
    if isinstance(value, str):
        return _NOTHING if _is_told(value, words, depth) else value
    if depth > _DEEPEST or not value or not isinstance(value, dict | list):
        return value
    if isinstance(value, list):
        left = [_rest(each, words, depth + 1) for each in value]
        return [each for each in left if each is not _NOTHING] or _NOTHING
    skipped = _OF_A_FILE if isinstance(value.get("url"), str) or "b64_json" in value else frozenset()
    inner = {name: _rest(each, words, depth + 1) for name, each in value.items() if name not in skipped}
    return {name: each for name, each in inner.items() if each is not _NOTHING} or _NOTHING


def _is_told(value: str, words: str, depth: int) -> bool:
    """Whether the words or the files of the answer say the same."""
    if is_address(value) or media_in_base64(value[:_HEAD]):
        return True
    said = value.strip()
    return said == words or (depth == 0 and len(said) >= _SHORTEST_REPEATED and said in words)


def _note(picture: Media, data: Any, *, withheld: bool) -> str:
    """What is said of a picture apart from its size: its seed, and whether it was withheld."""
    said = _get(data, "seed") if picture.seed is None else picture.seed
    seed = [f"seed {said}"] if isinstance(said, int) and not isinstance(said, bool) else []
    return " · ".join([*seed, *(["withheld by the safety checker"] if withheld else [])])


def _get(data: Any, name: str) -> Any:
    return data.get(name) if isinstance(data, dict) else None
