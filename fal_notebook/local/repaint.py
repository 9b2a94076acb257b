"""Repaints a picture with NumPy and PIL: posters, pencil, outlines, mosaics. A stand-in for an image-to-image model."""

import io

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter, UnidentifiedImageError

STYLES = ("poster", "pencil", "outline", "mosaic")
MOST_PIXELS = 16_000_000
"""The most pixels of a picture that is repainted."""
_LONGEST_SIDE = 1_024  # pixels of what is made
_TILES = 48  # along the longer side of a mosaic

Grey = npt.NDArray[np.float32]


class NoPictureError(ValueError):
    """The bytes are no picture that can be repainted; the message is one line for the user."""


def repaint(data: bytes, *, style: str, colours: int, strength: float) -> tuple[bytes, int, int]:
    """Return a picture repainted, as a PNG, and its width and height in pixels.

    Args:
        data: the picture, in any format of pixels that PIL reads.
        style: one of `STYLES`.
        colours: how many colours a poster has, from 2 to 64.
        strength: from 0, which leaves the picture as it is, to 1.

    Raises:
        NoPictureError: the bytes are no picture, or one that is too large.
    """
    original = _opened(data)
    made = {"poster": _poster, "pencil": _pencil, "outline": _outline, "mosaic": _mosaic}[style](original, colours)
    file = io.BytesIO()
    Image.blend(original, made, strength).save(file, "PNG")
    return file.getvalue(), original.width, original.height


def _opened(data: bytes) -> Image.Image:
    try:
        with Image.open(io.BytesIO(data)) as picture:
            is_small = picture.width * picture.height <= MOST_PIXELS
            found = _on_white(picture) if is_small else None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise NoPictureError("These bytes are no picture that can be read") from None
    if found is None:
        raise NoPictureError(f"A picture of at most {MOST_PIXELS:,} pixels is wanted")
    found.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    return found


def _on_white(picture: Image.Image) -> Image.Image:
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    clear = picture.convert("RGBA")
    white = Image.new("RGBA", clear.size, "white")
    return Image.alpha_composite(white, clear).convert("RGB")


def _poster(picture: Image.Image, colours: int) -> Image.Image:
    calm = picture.filter(ImageFilter.MedianFilter(5))
    return calm.quantize(colours, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).convert("RGB")


def _pencil(picture: Image.Image, _colours: int) -> Image.Image:
    """Divide by the blurred picture: flat surfaces get white, and edges stay."""
    grey = picture.convert("L")
    light = np.asarray(grey, np.float32)
    blurred = np.asarray(grey.filter(ImageFilter.GaussianBlur(8)), np.float32)
    return _grey_picture(255 * np.clip(light / np.maximum(blurred, 1), 0, 1) ** 3)


def _outline(picture: Image.Image, _colours: int) -> Image.Image:
    """Sobel's slope of the brightness, dark on white."""
    light = np.pad(np.asarray(picture.convert("L"), np.float32), 1, mode="edge")
    across = _smoothed(light[:, 2:] - light[:, :-2], axis=0)
    down = _smoothed(light[2:] - light[:-2], axis=1)
    return _grey_picture(255 - np.clip(np.hypot(across, down), 0, 255))


def _smoothed(slope: Grey, axis: int) -> Grey:
    middle = slope.take(range(1, slope.shape[axis] - 1), axis)
    before = slope.take(range(slope.shape[axis] - 2), axis)
    behind = slope.take(range(2, slope.shape[axis]), axis)
    return before + 2 * middle + behind


def _grey_picture(light: npt.NDArray[np.floating]) -> Image.Image:
    return Image.fromarray(light.astype(np.uint8)).convert("RGB")


def _mosaic(picture: Image.Image, _colours: int) -> Image.Image:
    side = max(2, max(picture.size) // _TILES)
    tiles = (max(1, picture.width // side), max(1, picture.height // side))
    return picture.resize(tiles, Image.Resampling.BOX).resize(picture.size, Image.Resampling.NEAREST)
