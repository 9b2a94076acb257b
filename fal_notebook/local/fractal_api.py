"""The picture in the shapes of fal's image endpoints: a JSON result, a raw PNG, and previews in events."""

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


@dataclass(frozen=True)
class _Pass:
    """A pass that is done, and what is told of it."""

    picture: "Picture"
    seed: int
    seconds: float


async def fractal(arguments: Arguments) -> Response:
    """Answer with the finished picture, as JSON or as a PNG."""
    form = arguments.choice("format", ("json", "png"))
    order = _order(arguments)
    passes = [done async for done in _passes(order)]
    if form == "png":
        return Response(passes[-1].picture.png, media_type="image/png")
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
    )
    arguments.check()
    return order


def _passes(order: _Order) -> AsyncGenerator[_Pass, None]:
    def produce(outlet: Outlet[_Pass]) -> None:
        with optional_packages():
            from fal_notebook.local.fractal import render, seed_of
        began = time.perf_counter()
        seed = seed_of(order.prompt) if order.seed is None else order.seed
        for picture in render(
            order.prompt, seed=seed, width=order.width, height=order.height, stopped=outlet.is_closed
        ):
            outlet.put(_Pass(picture, seed, time.perf_counter() - began))

    return stream_from_thread(produce)


async def _events(order: _Order, passes: AsyncGenerator[_Pass, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(passes):
        async for done in passes:
            if done.picture.progress < 1.0:
                yield event(_preview(order, done))
            else:
                yield event(_result(order, done))


def _preview(order: _Order, done: _Pass) -> dict[str, object]:
    progress = done.picture.progress
    message = f"Julia set, {progress:.0%} of the passes"
    return {"progress": progress, "message": message, "image": _image(order, done), "model": MODEL}


def _result(order: _Order, done: _Pass) -> dict[str, object]:
    return {
        "images": [_image(order, done)],
        "seed": done.seed,
        "prompt": order.prompt,
        "timings": {"inference": round(done.seconds, 4)},
        "has_nsfw_concepts": [False],
        "model": MODEL,
    }


def _image(order: _Order, done: _Pass) -> dict[str, object]:
    return {
        "url": done.picture.data_uri,
        "content_type": "image/png",
        "width": order.width,
        "height": order.height,
    }
