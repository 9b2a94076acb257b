"""A picture from a picture, in the shapes of fal's image-to-image endpoints."""

import asyncio
import base64
import binascii
import re
import time
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from fal_notebook.local.arguments import Arguments, InvalidArgumentsError, Mistake
from fal_notebook.local.loading import optional_packages

if TYPE_CHECKING:
    from fal_notebook.local.repaint import NoPictureError

MODEL = "repaint (local)"
_DATA_URI = re.compile(r"data:image/[\w.+-]+;base64,", re.ASCII)


async def repaint(arguments: Arguments) -> Response:
    """Answer with the repainted picture as JSON."""
    with optional_packages():
        from fal_notebook.local.repaint import STYLES, NoPictureError
        from fal_notebook.local.repaint import repaint as make
    address = arguments.text("image_url")
    style = arguments.choice("style", STYLES)
    colours = arguments.integer("colours", default=6, low=2, high=64)
    strength = arguments.number("strength", default=1.0, low=0.0, high=1.0)
    arguments.check()
    began = time.perf_counter()
    try:
        data = _bytes(address)
        png, width, height = await asyncio.to_thread(make, data, style=style, colours=colours, strength=strength)
    except NoPictureError as error:
        raise _mistake(error) from error
    url = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    seconds = round(time.perf_counter() - began, 4)
    image = {"url": url, "content_type": "image/png", "width": width, "height": height}
    return JSONResponse({"image": image, "timings": {"inference": seconds}, "model": MODEL})


def _bytes(address: str) -> bytes:
    from fal_notebook.local.repaint import NoPictureError

    head = _DATA_URI.match(address)
    if head is None:
        raise NoPictureError("This machine's endpoint reads no addresses: a data URI of a picture is wanted")
    try:
        return base64.b64decode(address[head.end() :], validate=True)
    except binascii.Error:
        raise NoPictureError("The base64 of the data URI is broken") from None


def _mistake(error: "NoPictureError") -> InvalidArgumentsError:
    return InvalidArgumentsError(Mistake(("body", "image_url"), str(error), "image_load_error"))
