"""How the files of a request travel: within its message as data URIs, or uploaded before it, with their URLs in it.

A data URI makes a message long, and some endpoints of fal take none, or only short ones. An upload makes a file public.
So what is small goes within the message, and everything that goes to a gateway of one's own, whatever its size.
"""

import json
import uuid
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import urlsplit

from ..media.media import Media
from ..wire.fetching import is_private_host
from ..wire.target import Target
from .arguments import inline, settled

UploadChoice = Literal["auto", "always", "never"]
UPLOAD_CHOICES: tuple[UploadChoice, ...] = ("auto", "always", "never")
LARGEST_INLINE = 256 * 1024
"""The most bytes of a file that goes to fal within the message, if nothing else is wished."""
chosen_upload: ContextVar[UploadChoice | None] = ContextVar("chosen_upload", default=None)
"""What the caller wishes for the requests that it makes now; None for what the session says."""


@dataclass(frozen=True)
class Payload:
    """The message of a request, with marks where the URLs of uploaded files will stand.

    Attributes:
        message: the arguments as JSON.
        files: the files to upload, by the mark that stands for each.
    """

    message: str
    files: Mapping[str, Media]

    def with_urls(self, urls: Mapping[str, str]) -> str:
        """The message with the URLs in place of the marks."""
        message = self.message
        for mark, url in urls.items():
            message = message.replace(f'"{mark}"', json.dumps(url))
        return message


def payload_of(arguments: Mapping[str, Any], target: Target, choice: UploadChoice) -> Payload:
    """The message that carries these arguments to a host, and the files that have to be uploaded before.

    Args:
        arguments: what users give; what is settled already is not read anew.
        target: where the message goes.
        choice: ``auto`` for what is told at the head of this module; whether files are uploaded always, or never.

    Raises:
        InvalidRequest: a value cannot be sent.
        ConnectError: a file of this machine that fal cannot fetch could not be read.
    """
    files: dict[str, Media] = {}
    run = uuid.uuid4().hex  # nothing in the arguments can be taken for a mark

    def place(value: object) -> str:
        media = _reachable(value, target) if isinstance(value, Media) else value
        if not isinstance(media, Media) or not _is_uploaded(media, target, choice):
            return inline(media)
        mark = next((mark for mark, known in files.items() if known is media), f"file-{run}-{len(files)}")
        files[mark] = media
        return mark

    message = json.dumps(settled(arguments), default=place, allow_nan=False)
    return Payload(message, files)


def _reachable(media: Media, target: Target) -> Media:
    """The file; with its bytes in place of a URL that only this machine or its network can fetch, and fal cannot."""
    if not media.url or target.private_host is not None or not is_private_host(_host(media.url)):
        return media
    return replace(media, data=media.read(), url=None)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "localhost"
    except ValueError:
        return "localhost"


def _is_uploaded(media: Media, target: Target, choice: UploadChoice) -> bool:
    if media.url or choice == "never":
        return False
    return choice == "always" or (target.is_fal and len(media.data or b"") > LARGEST_INLINE)
