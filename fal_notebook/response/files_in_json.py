"""The files inside a JSON answer, found by walking it.

fal's endpoints name them differently (``images``, ``image``, ``audio``, ``audio_url``, ``video``, …), so no list
of names is kept. A file is a string, or the ``url`` of an object, if it is a data URI, or an http(s) URL whose content
type or name in the JSON tells that it is a file. Bare base64 is a file if both its name and its first bytes say so.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from ..errors import InvalidRequest
from ..media.data_uris import is_data_uri, media_from_data_uri
from ..media.media import Media, guess_type, normal_type, only_linked_type
from .base64_media import media_in_base64

_TYPE_BY_NAME = {"image": "image/png", "audio": "audio/mpeg", "video": "video/mp4"}
# image, images, control_image, audio_url, video_file, image_urls, file, url; not image_captions, not prompt.
_FILE_NAME = re.compile(r"(?:^|_)(?:(?P<kind>image|audio|video)s?(?:_(?:file|ur[il])s?)?|(?:file|ur[il])s?)$")
_BASE64_NAME = re.compile(r"(?:^|_)(?:b64(?:_json)?|base64|(?:image|audio|video)s?(?:_(?:data|bytes|b64|base64))?)$")
_INNER_NAME = ("data", "bytes", "content", "b64", "base64")
"""Of base64 in an object that a name says to be a picture, sound or a video."""
_BASE64_STARTS = frozenset("USTZRJAGi/")  # as the first bytes of files that are known by them are written
_SHORTEST_BASE64 = 64
# Names that say no more of a file than its type does.
_PLAIN_WORD = r"images?|audios?|videos?|files?|data|bytes|content|b64|base64|json|ur[il]s?|outputs?|results?|artifacts?"
_PLAIN_NAME = re.compile(rf"(?:{_PLAIN_WORD})(?:_(?:{_PLAIN_WORD}))*", re.IGNORECASE)
_TYPE_ENDING = re.compile(r"(?<=.)_(?:file|ur[il])s?$", re.IGNORECASE)
_LONGEST_NAME = 80
_NO_TYPE = "application/octet-stream"
_FETCHED = ("image/", "audio/", "video/")
_DESCRIPTION: dict[str, type | tuple[type, ...]] = {
    "file_name": str,
    "width": int,
    "height": int,
    "duration": (int, float),
    "seed": int,
    "file_size": int,
}
_ADDRESSES = ("data:", "http://", "https://")
_DEEPEST = 32
_MOST_ADDRESSES = 2_000  # of a value that are looked at: it can have a million


def files_in(value: Any, without: Collection[str] = ()) -> tuple[Media, ...]:
    """The files in a JSON value, in its order.

    Equal files in one list count each: a safety checker may have made several pictures black. A file that stands under
    several names counts once.

    Args:
        value: a JSON value.
        without: names under which nothing is searched.
    """
    if not _has_file(value):
        return ()
    found: list[Media] = []
    seen: Counter[tuple[str, tuple[str, ...]]] = Counter()
    taken: Counter[str] = Counter()
    for address, described, names in islice(_walk(value, (), 0, without), _MOST_ADDRESSES):
        media = _file(address, described, names)
        if media is None:
            continue
        seen[address, names] += 1
        if seen[address, names] > taken[address]:
            taken[address] += 1
            found.append(media)
    return tuple(found)


def _may_be_file(text: str) -> bool:
    """Whether a string may be a file: an address, or base64 as far as its first letters tell."""
    if len(text) >= _SHORTEST_BASE64 and text[0] in _BASE64_STARTS and " " not in text[:_SHORTEST_BASE64]:
        return True
    return is_address(text)


def is_address(text: str) -> bool:
    """Whether a string begins like the address of a file."""
    return ":" in text[:6] and text[:8].lower().startswith(_ADDRESSES)


def _has_file(value: Any) -> bool:
    """Whether a value may have any file; most are short and have none."""
    rest = [value]
    for each in rest:  # the list grows in the loop
        if isinstance(each, str):
            if (":" in each[:6] or len(each) >= _SHORTEST_BASE64) and _may_be_file(each):
                return True
        elif isinstance(each, dict):
            rest.extend(each.values())
        elif isinstance(each, list):
            rest.extend(each)
    return False


def _walk(
    value: Any, names: tuple[str, ...], depth: int, without: Collection[str]
) -> Iterator[tuple[str, Mapping[str, Any], tuple[str, ...]]]:
    """The files in a value, each with the object that describes it and the names that lead to it."""
    if depth > _DEEPEST:
        return
    if isinstance(value, str):
        if _may_be_file(value):
            yield value, {}, names
    elif isinstance(value, list):
        for each in value:
            yield from _walk(each, names, depth + 1, without)
    elif isinstance(value, dict):
        url = value.get("url")
        inner = value
        if isinstance(url, str):
            yield url, value, names
            inner = {name: each for name, each in value.items() if name != "url"}
        for name, each in inner.items():
            if name not in without:
                yield from _walk(each, (*names, str(name)), depth + 1, without)


def _file(url: str, described: Mapping[str, Any], names: tuple[str, ...]) -> Media | None:
    if is_data_uri(url):
        media = _file_in_data_uri(url)
    else:
        media = _file_at_url(url, described, names) or _file_in_base64(url, names)
    return media and replace(media, **_description(described), name=_told_name(names))


def _file_in_data_uri(uri: str) -> Media | None:
    try:
        return media_from_data_uri(uri)
    except InvalidRequest:
        return None


def _file_in_base64(text: str, names: tuple[str, ...]) -> Media | None:
    """A file in bare base64, if its name says that it is one and its first bytes say so too."""
    last, *before = (name.lower() for name in names[:-3:-1]) if names else ("",)
    is_named = _BASE64_NAME.search(last) or (last in _INNER_NAME and before and _BASE64_NAME.search(before[0]))
    return media_in_base64(text) if is_named else None


def _file_at_url(url: str, described: Mapping[str, Any], names: tuple[str, ...]) -> Media | None:
    """A file at an http(s) URL, if its content type or its name in the JSON says that it is one.

    The URL alone is not enough: a model's words may be nothing but a URL, and a page that shows a picture fetches it.
    """
    if not is_link(url):
        return None
    label = described.get("content_type")
    said = normal_type(label) if isinstance(label, str) else ""
    if said and said != _NO_TYPE:
        return Media(said, url=url)
    match = _file_name_in(names)
    known = guess_type(url) or (match and _TYPE_BY_NAME.get(match["kind"]))
    if match and known:
        return Media(known, url=url)
    if said:
        return Media(_linked_type(url, described) or said, url=url)
    linked = only_linked_type(url) if described else None
    return Media(linked, url=url) if linked else None


def _file_name_in(names: tuple[str, ...]) -> re.Match[str] | None:
    """The name, or that of the object around it, if it says that there is a file: ``model_urls`` of ``glb``."""
    found = (_FILE_NAME.search(name.lower()) for name in names[:-3:-1])
    last, before = next(found, None), next(found, None)
    return last or (before if before and before[0].endswith("s") else None)


def _linked_type(url: str, described: Mapping[str, Any]) -> str | None:
    """The type by the extension, if it is none that a page would fetch."""
    names = (url, described.get("file_name"))
    guesses = (guess_type(name.rpartition("/")[2]) for name in names if isinstance(name, str))
    return next((guess for guess in guesses if guess and not guess.startswith(_FETCHED)), None)


def _told_name(names: tuple[str, ...]) -> str:
    """The nearest name that says more of a file than its type does, or none."""
    told = next((name for name in reversed(names) if name and not _PLAIN_NAME.fullmatch(name)), "")
    return _TYPE_ENDING.sub("", told[:_LONGEST_NAME])


def is_link(url: str) -> bool:
    """Whether a string is an http(s) URL with a host, and nothing in it that is unseen or acts."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc) and url.isprintable() and " " not in url


def _description(described: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: described[name]
        for name, kind in _DESCRIPTION.items()
        if isinstance(described.get(name), kind) and not isinstance(described[name], bool)
    }
