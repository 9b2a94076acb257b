"""Answers with everything that an answer can have, from a gateway of their own: for pictures, and for axe.

Their endpoints stand beside those of the demo's models, which draw the pictures and refuse wrong arguments.
"""

import asyncio
import base64
import json
import threading
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from fal_notebook.local.app import create_app as create_local_app
from fal_notebook.media.wav import wav_header

from .endpoints import tone_samples

ANSWER = """\
## Why the tide comes twice a day

The Moon pulls the near side of the Earth more than its centre, and the far side *less*. What is left of the pull is \
the **tidal force**, and it raises water on both sides:

| body | mass in kg | distance in km | tide, relative |
|:-----|-----------:|---------------:|---------------:|
| Moon | 7.35e22 | 384,400 | 1.00 |
| Sun | 1.99e30 | 149,600,000 | 0.46 |
| Jupiter | 1.90e27 | 778,500,000 | 0.000007 |

For a body of mass $M$ at distance $d$, the acceleration over the radius $r$ is about

$$a = \\frac{2\\,G M r}{d^3}$$

so that distance counts more than mass:

```python
G, R = 6.674e-11, 6.371e6  # m³/(kg·s²), metres

def tide(mass: float, distance: float) -> float:
    \"\"\"The tidal acceleration on the Earth's surface, in m/s².\"\"\"
    return 2 * G * mass * R / distance**3

for name, mass, distance in [("Moon", 7.35e22, 3.844e8), ("Sun", 1.99e30, 1.496e11)]:
    print(f"{name:>8}: {tide(mass, distance):.2e}")
```

1. At *new* and *full* Moon both add up: a **spring tide**.
2. At *half* Moon they oppose each other: a **neap tide**.
   - It is about 20 % lower.
   - It comes a week later.

> The day of the tides has 24 h 50 min, for the Moon has moved on meanwhile.
"""
REASONING = "The reader asks about *two* tides, so the far side needs its own sentence. Then `d³`, with numbers."
DETECTIONS = {
    "image": {"width": 1280, "height": 853},
    "results": {
        "bboxes": [
            {
                "x": 12 + 37 * number % 1100,
                "y": 8 + 53 * number % 760,
                "w": 24 + number % 90,
                "h": 30 + number % 70,
                "label": ("gull", "boat", "rope", "person")[number % 4],
                "score": round(0.99 - number / 400, 4),
            }
            for number in range(200)
        ]
    },
    "seed": 7,
}
_USAGE = {"prompt_tokens": 19, "completion_tokens": 411, "total_tokens": 430, "cost": 0.0012}
_CHARACTERS = 4
"""Those of one token."""
_LONGEST_WAIT = 120.0  # seconds


class Gate:
    """Lets an answer go on after two thirds of its words; it is open until it is closed."""

    def __init__(self) -> None:
        self._is_open = threading.Event()
        self.open()

    def open(self) -> None:
        self._is_open.set()

    def close(self) -> None:
        self._is_open.clear()

    async def passed(self) -> None:
        """Wait until it is open."""
        await asyncio.to_thread(self._is_open.wait, _LONGEST_WAIT)


def create_app(gate: Gate) -> Starlette:
    """Return the application; its words and its progress wait at the gate."""

    async def tides(request: Request) -> Response:
        """Answer with words; first with reasoning if ``think`` is set."""
        arguments = await request.json()
        return StreamingResponse(_words(gate, think=arguments.get("think")), media_type="text/event-stream")

    async def progress(_: Request) -> Response:
        return StreamingResponse(_progress(gate), media_type="text/event-stream")

    app = create_local_app()
    app.router.routes += [
        Route("/local/tides/stream", tides, methods=["POST"]),
        Route("/local/progress/stream", progress, methods=["POST"]),
        Route("/local/detections", _detections, methods=["POST"]),
        Route("/local/files", _files, methods=["POST"]),
    ]
    return app


def _event(value: Any) -> str:
    return f"data: {json.dumps(value)}\n\n"


async def _words(gate: Gate, *, think: bool) -> AsyncIterator[str]:
    if think:
        yield _event({"choices": [{"delta": {"reasoning_content": REASONING}}]})
        await asyncio.sleep(0.3)
    pause = 2 * len(ANSWER) // 3
    for start in range(0, len(ANSWER), _CHARACTERS):
        if start >= pause > start - _CHARACTERS:
            await gate.passed()
        yield _event({"choices": [{"delta": {"content": ANSWER[start : start + _CHARACTERS]}}]})
        await asyncio.sleep(0.002)
    yield _event({"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": _USAGE})
    yield "data: [DONE]\n\n"


async def _progress(gate: Gate) -> AsyncIterator[str]:
    for number in range(1, 3):
        yield _event({"progress": number / 3, "message": f"pass {number} of 3: the sea is being drawn"})
    await gate.passed()
    yield _event({"progress": 1.0, "message": "done", "output": "drawn"})


async def _detections(_: Request) -> Response:
    return JSONResponse(DETECTIONS)


async def _files(_: Request) -> Response:
    """Answer with three sounds, a document, a 3-D model and an archive."""
    stems = {}
    for number, name in enumerate(("vocals", "drums", "bass"), start=1):
        sound = wav_header(16_000) + tone_samples(number / 2)
        stems[name] = {"url": f"data:audio/wav;base64,{base64.b64encode(sound).decode()}"}
    others = {
        "report": {"url": f"data:application/pdf;base64,{base64.b64encode(b'%PDF-1.4 report').decode()}"},
        "model_mesh": {
            "url": "https://files.example/lighthouse.glb",
            "content_type": "model/gltf-binary",
            "file_size": 2_411_724,
        },
        "textures": {
            "url": "https://files.example/textures.zip",
            "content_type": "application/zip",
            "file_size": 91_400,
        },
    }
    return JSONResponse({**stems, **others, "bpm": 96, "key": "D minor"})
