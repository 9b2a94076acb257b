"""A picture that is really computed: a Julia set, its constant and its colours chosen by a text.

It stands in for an image model: it takes a prompt and a seed, gets finer in passes, and needs a noticeable
time. The colour of a point is its *smooth* iteration count, which has no bands: the number of steps until the
point escapes, less the fraction by which it overshot.
"""

import base64
import cmath
import hashlib
import io
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

_ITERATIONS = 240
_ESCAPE_RADIUS = 64.0
_HALF_HEIGHT = 1.25
_BAND_POINTS = 65_536
# Points per pixel in each direction, pass by pass; the last has four for a pixel, which smooths the edges.
_DENSITY = (1 / 8, 1 / 4, 1 / 2, 2)
# The palette's turning points, from points that escape at once to points that stay long; it closes on itself.
_PALETTE = np.array(
    [(11, 16, 54), (24, 76, 138), (88, 178, 201), (246, 239, 211), (244, 170, 66), (172, 58, 44)],
    np.float32,
)
_INSIDE = (6, 7, 20)

Colours = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Picture:
    """A finished pass of one picture.

    Attributes:
        png: the file, always in the full size.
        progress: the share of passes that are done, 1.0 for the last.
    """

    png: bytes
    progress: float

    @property
    def data_uri(self) -> str:
        """The file as a ``data:`` URI."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode()


@dataclass(frozen=True)
class _Motif:
    """What the text decides: the constant of z² + c, and where on the palette the picture begins (0 to 1)."""

    constant: complex
    hue: float


def seed_of(prompt: str) -> int:
    """Return the seed, below 2**32, that a prompt has when none is given."""
    return int.from_bytes(hashlib.sha256(prompt.encode()).digest()[:4])


def render(
    prompt: str, *, seed: int, width: int, height: int, stopped: Callable[[], bool] = lambda: False
) -> Iterator[Picture]:
    """Yield the picture in four passes, from an eighth of its resolution to twice that.

    The same arguments give the same picture.

    Args:
        prompt: any text.
        seed: any whole number.
        width: in pixels.
        height: in pixels.
        stopped: asked after every band of rows; true ends the work without a further picture.
    """
    motif = _motif(prompt, seed)
    for done, density in enumerate(_DENSITY, start=1):
        bands = []
        for points in _bands(round(width * density), round(height * density), width / height):
            if stopped():
                return
            bands.append(_colours(_escape_counts(points, motif.constant), motif.hue))
        yield Picture(_png(np.concatenate(bands), width, height), done / len(_DENSITY))


def _motif(prompt: str, seed: int) -> _Motif:
    """Pick a constant just outside the main cardioid of the Mandelbrot set, where Julia sets are richest."""
    digest = hashlib.sha256(f"{seed}:{prompt}".encode()).digest()
    turn, distance, hue = (int.from_bytes(digest[at : at + 4]) / 2**32 for at in (0, 4, 8))
    direction = cmath.rect(1.0, math.tau * (0.08 + 0.84 * turn))
    boundary = direction / 2 - direction**2 / 4
    return _Motif(boundary * (1.03 + 0.04 * distance), hue)


def _bands(columns: int, rows: int, aspect: float) -> Iterator[npt.NDArray[np.complex128]]:
    """Yield the points of the plane by whole rows, few enough at a time to stay in the processor's cache."""
    across = ((np.arange(columns) + 0.5) / columns * 2 - 1) * _HALF_HEIGHT * max(aspect, 1.0)
    down = ((np.arange(rows) + 0.5) / rows * 2 - 1) * _HALF_HEIGHT * max(1.0, 1 / aspect)
    step = max(_BAND_POINTS // columns, 1)
    for top in range(0, rows, step):
        yield across[None, :] - 1j * down[top : top + step, None]


def _escape_counts(points: npt.NDArray[np.complex128], constant: complex) -> Counts:
    """Return the smooth count of steps until each point escapes; infinity for those that do not."""
    counts = np.full(points.size, np.inf, np.float32)
    remaining = np.arange(points.size)
    z = points.ravel().copy()
    for iteration in range(_ITERATIONS):
        z = z * z + constant
        size = z.real**2 + z.imag**2
        escaped = size > _ESCAPE_RADIUS**2
        if escaped.any():
            overshoot = np.log2(np.log(size[escaped]) / (2 * math.log(_ESCAPE_RADIUS)))
            counts[remaining[escaped]] = iteration + 1 - overshoot
            remaining, z = remaining[~escaped], z[~escaped]
    return counts.reshape(points.shape)


def _colours(counts: Counts, hue: float) -> Colours:
    inside = np.isinf(counts)
    position = (hue + 0.42 * np.log1p(np.where(inside, 0, counts))) % 1.0 * len(_PALETTE)
    left = position.astype(np.intp) % len(_PALETTE)
    share = (position - np.floor(position))[..., None]
    share = share * share * (3 - 2 * share)
    colours = _PALETTE[left] * (1 - share) + _PALETTE[(left + 1) % len(_PALETTE)] * share
    colours[inside] = _INSIDE
    return colours.round().astype(np.uint8)


def _png(colours: Colours, width: int, height: int) -> bytes:
    image = Image.fromarray(colours).resize((width, height), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
