"""Pictures in the shapes of fal's image endpoints: a JSON result, a raw PNG, and previews in events.

Several pictures of one order get finer together, as those of an image model do; each has the next seed.
"""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from fal_notebook.local.arguments import Arguments
from fal_notebook.local.loading import optional_packages
from fal_notebook.local.responses import event, event_stream, primed
from fal_notebook.local.threads import Outlet, stream_from_thread

if TYPE_CHECKING:
    from fal_notebook.local.fractal import Picture

MODEL = "julia-set (local)"


@dataclass(frozen=True)
class _Order:
    """What is to be drawn; ``seed`` is None where the prompt is to decide."""

    prompt: str
    seed: int | None
    width: int
    height: int
    count: int


@dataclass(frozen=True)
class _Pass:
    """A pass over all pictures that is done, and what is told of it; ``seed`` is that of the first picture."""

    pictures: "tuple[Picture, ...]"
    seed: int
    seconds: float


async def fractal(arguments: Arguments) -> Response:
    """Answer with the finished pictures as JSON, or with the first as a PNG."""
    form = arguments.choice("format", ("json", "png"))
    order = _order(arguments)
    passes = [done async for done in _passes(order)]
    if form == "png":
        return Response(passes[-1].pictures[0].png, media_type="image/png")
    return JSONResponse(_result(order, passes[-1]))


async def fractal_stream(arguments: Arguments) -> Response:
    """Answer with a preview for each pass, and the result at the end."""
    order = _order(arguments)
    return event_stream(_events(order, await primed(_passes(order))))


def _order(arguments: Arguments) -> _Order:
    seed = arguments.integer("seed", default=-1, low=0, high=2**32 - 1)
    order = _Order(
        prompt=arguments.text("prompt"),
        seed=None if seed < 0 else seed,
        width=arguments.integer("width", default=512, low=64, high=1024),
        height=arguments.integer("height", default=512, low=64, high=1024),
        count=arguments.integer("num_images", default=1, low=1, high=4),
    )
    arguments.check()
    return order


def _passes(order: _Order) -> AsyncGenerator[_Pass, None]:
    def produce(outlet: Outlet[_Pass]) -> None:
        with optional_packages():
            from fal_notebook.local.fractal import render, seed_of
        began = time.perf_counter()
        seed = seed_of(order.prompt) if order.seed is None else order.seed
        each = (
            render(order.prompt, seed=seed + number, width=order.width, height=order.height, stopped=outlet.is_closed)
            for number in range(order.count)
        )
        for pictures in zip(*each, strict=False):  # those that were stopped end early
            outlet.put(_Pass(pictures, seed, time.perf_counter() - began))

    return stream_from_thread(produce)


async def _events(order: _Order, passes: AsyncGenerator[_Pass, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(passes):
        async for done in passes:
            if done.pictures[0].progress < 1.0:
                yield event(_preview(order, done))
            else:
                yield event(_result(order, done))


def _preview(order: _Order, done: _Pass) -> dict[str, object]:
    progress = done.pictures[0].progress
    message = f"Julia set, {progress:.0%} of the passes"
    return {"progress": progress, "message": message, "images": _images(order, done), "model": MODEL}


def _result(order: _Order, done: _Pass) -> dict[str, object]:
    return {
        "images": _images(order, done),
        "seed": done.seed,
        "prompt": order.prompt,
        "timings": {"inference": round(done.seconds, 4)},
        "has_nsfw_concepts": [False] * order.count,
        "model": MODEL,
    }


def _images(order: _Order, done: _Pass) -> list[dict[str, object]]:
    return [
        {
            "url": picture.data_uri,
            "content_type": "image/png",
            "width": order.width,
            "height": order.height,
            "seed": done.seed + number,
        }
        for number, picture in enumerate(done.pictures)
    ]
