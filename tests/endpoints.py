"""An application for the tests' gateway, with endpoints that behave in all the good and bad ways of fal's endpoints.

The endpoints wait for events and never for time, except `paced`, `thinking`, `tone` and `previews`, whose purpose is
their pace.
"""

import asyncio
import base64
import json
import math
import re
import struct
from collections import Counter, deque
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from fal_notebook.media.wav import wav_header

requests: Counter[str] = Counter()
"""The number of requests with each prompt."""

received: deque[dict[str, Any]] = deque(maxlen=8)
"""The arguments of the last requests."""

authorizations: list[str | None] = []
"""The ``Authorization`` header of each request."""

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


async def _arguments(request: Request) -> dict[str, Any]:
    arguments: dict[str, Any] = await request.json()
    requests[str(arguments.get("prompt"))] += 1
    received.append(arguments)
    authorizations.append(request.headers.get("authorization"))
    return arguments


def _event(value: Any) -> bytes:
    return f"event: event\r\ndata: {json.dumps(value)}\r\n\r\n".encode()


async def _snapshots(words: list[str], pause: float = 0.0) -> AsyncIterator[bytes]:
    text = ""
    for word in words:
        text += word
        yield _event({"output": text, "partial": True, "error": None})
        if pause:
            await asyncio.sleep(pause)
    yield _event({"output": text, "partial": False, "error": None})


async def echo(request: Request) -> Response:
    """Answer with the prompt, word by word, as any-llm streams it."""
    arguments = await _arguments(request)
    words = [f"{word} " for word in str(arguments["prompt"]).split(" ")]
    return StreamingResponse(_snapshots(words), media_type="text/event-stream")


async def paced(request: Request) -> Response:
    """Answer with ``count`` tokens in OpenAI's format, ``rate`` a second, or with those of a ``text``.

    The end comes ``after`` so many seconds more.
    """
    arguments = await _arguments(request)
    text = str(arguments.get("text", ""))
    words = [text[at : at + 4] for at in range(0, len(text), 4)]
    words = words or [f"{number:04d} " for number in range(arguments["count"])]

    async def tokens() -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        for number, word in enumerate(words, start=1):
            chunk = {"choices": [{"delta": {"content": word}}]}
            yield f"data: {json.dumps(chunk)}\n\n".encode()
            await asyncio.sleep(max(0.0, begin + number / arguments["rate"] - loop.time()))
        await asyncio.sleep(arguments.get("after", 0))
        yield b"data: [DONE]\n\n"

    return StreamingResponse(tokens(), media_type="text/event-stream")


async def thinking(request: Request) -> Response:
    """Reason for ``seconds``, then answer with the prompt, word by word, ``rate`` a second, in OpenAI's format.

    The words of ``thought`` come one by one, too. With ``tagged``, the reasoning is in tags at the start of the text.
    With ``endless``, nothing comes after it.
    """
    arguments = await _arguments(request)
    thoughts = [f"{word} " for word in arguments["thought"].split(" ")]
    words = [f"{word} " for word in str(arguments["prompt"]).split(" ")]
    pause = arguments["seconds"] / len(thoughts)
    name = "content" if arguments.get("tagged") else "reasoning_content"

    async def deltas() -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        for number, thought in enumerate(thoughts):
            tag = "<think>\n" if arguments.get("tagged") and not number else ""
            yield _event({"choices": [{"delta": {name: tag + thought}}]})
            await asyncio.sleep(max(0.0, begin + (number + 1) * pause - loop.time()))
        while arguments.get("endless") and (await request.receive())["type"] != "http.disconnect":
            pass
        if arguments.get("tagged"):
            yield _event({"choices": [{"delta": {name: "\n</think>\n\n"}}]})
        for word in words:
            yield _event({"choices": [{"delta": {"content": word}}]})
            await asyncio.sleep(1 / arguments.get("rate", 10))
        yield b"data: [DONE]\n\n"

    return StreamingResponse(deltas(), media_type="text/event-stream")


async def pieces(request: Request) -> Response:
    """Answer with the given text in deltas of ten thousand characters, with a short pause between them.

    With a ``label``, the body is the text itself, under that content type; it comes ``before`` seconds later, and ends
    ``after`` so many more.
    """
    arguments = await _arguments(request)
    words = str(arguments["words"])

    async def body() -> AsyncIterator[bytes]:
        await asyncio.sleep(arguments.get("before", 0))
        yield words.encode()
        await asyncio.sleep(arguments.get("after", 0))

    if "label" in arguments:
        return StreamingResponse(body(), media_type=arguments["label"])

    async def deltas() -> AsyncIterator[bytes]:
        for start in range(0, len(words), 10_000):
            chunk = {"choices": [{"delta": {"content": words[start : start + 10_000]}}]}
            yield f"data: {json.dumps(chunk)}\n\n".encode()
            await asyncio.sleep(0.02)
        yield b"data: [DONE]\n\n"

    return StreamingResponse(deltas(), media_type="text/event-stream")


async def endless(request: Request) -> Response:
    """Answer with a few words, then with nothing more until the client disconnects."""
    await _arguments(request)

    async def words() -> AsyncIterator[bytes]:
        yield _event({"output": "first words", "partial": True, "error": None})
        while (await request.receive())["type"] != "http.disconnect":
            pass

    return StreamingResponse(words(), media_type="text/event-stream")


async def held(request: Request) -> Response:
    """Answer with the given events, then with nothing more until the client disconnects."""
    arguments = await _arguments(request)

    async def events() -> AsyncIterator[bytes]:
        for event in arguments["events"]:
            yield _event(event)
        while (await request.receive())["type"] != "http.disconnect":
            pass

    return StreamingResponse(events(), media_type="text/event-stream")


async def chat(request: Request) -> Response:
    """Answer a conversation in OpenAI's form: with all the names that its user has told, as only memory can.

    A conversation beyond 300 words is refused as too long; "hold" answers with two words and then nothing more; "fail"
    fails after two words.
    """
    messages = (await _arguments(request))["messages"]
    said = [message["content"] for message in messages if message["role"] == "user" and message["content"]]
    count = sum(len(str(message["content"]).split()) for message in messages)
    if count > 300:
        error = {"message": f"This model reads at most 400 tokens, not {count}", "code": "context_length_exceeded"}
        return JSONResponse({"error": error}, 400)
    names = re.findall(r"[A-Z][a-z]+(?=\.)", " ".join(map(str, said)))
    usage = {"prompt_tokens": count, "completion_tokens": len(names), "cost": 0.25}

    async def chunks() -> AsyncIterator[bytes]:
        for words in ("I know", *(f" {name}" for name in names)):
            yield f"data: {json.dumps({'choices': [{'index': 0, 'delta': {'content': words}}]})}\n\n".encode()
        if said[-1] == "fail":
            yield f"data: {json.dumps({'error': {'message': 'out of tokens'}})}\n\n".encode()
        while said[-1] == "hold" and (await request.receive())["type"] != "http.disconnect":
            pass
        end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": usage}
        yield f"data: {json.dumps(end)}\n\ndata: [DONE]\n\n".encode()

    return StreamingResponse(chunks(), media_type="text/event-stream")


async def failing(request: Request) -> Response:
    """Answer with the given HTTP status and body."""
    arguments = await _arguments(request)
    return JSONResponse(arguments["body"], arguments["status"])


async def late(request: Request) -> Response:
    """Answer with half an answer, then with an error inside an event."""
    await _arguments(request)

    async def events() -> AsyncIterator[bytes]:
        yield _event({"output": "half an", "partial": True, "error": None})
        yield _event({"output": "half an", "partial": False, "error": "out of tokens"})

    return StreamingResponse(events(), media_type="text/event-stream")


async def body(request: Request) -> Response:
    """Answer with the given text or bytes, under the given content type."""
    arguments = await _arguments(request)
    data = base64.b64decode(arguments["base64"]) if "base64" in arguments else arguments["text"].encode()
    return Response(data, media_type=arguments["content_type"])


async def large(request: Request) -> Response:
    """Answer with ``size`` bytes in pieces of 64 KiB."""
    size = (await _arguments(request))["size"]

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, size, 65_536):
            yield bytes(min(65_536, size - start))

    return StreamingResponse(pieces(), media_type="application/octet-stream")


def tone_samples(seconds: float, rate: int = 16_000) -> bytes:
    """The samples of a tone of 440 Hz, 16 bits, one channel."""
    frames = range(round(seconds * rate))
    return b"".join(struct.pack("<h", round(16_000 * math.sin(math.tau * 440 * frame / rate))) for frame in frames)


async def tone(request: Request) -> Response:
    """Answer with a tone of ``seconds`` in pieces of 0.1 s, ``speed`` times as fast as it plays.

    The first piece has ``ahead`` seconds. With ``endless`` the answer does not end after the last. The pieces are
    events, as fal's speech endpoints send them, or parts of a WAV file whose header gives no length.
    """
    arguments = await _arguments(request)
    wav = arguments.get("format") == "wav"
    count = round(arguments["seconds"] * 10)
    first = round(arguments.get("ahead", 0.1) * 10)
    samples = tone_samples(count / 10)

    async def pieces() -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        if wav:
            yield wav_header(16_000)
        for before, after in pairwise([0, *range(first, count + 1)]):
            piece = samples[before * 3200 : after * 3200]
            yield piece if wav else _event({"audio": base64.b64encode(piece).decode()})
            due = begin + (after - first + 1) / 10 / arguments.get("speed", 1.0)
            await asyncio.sleep(max(0.0, due - loop.time()))
        while arguments.get("endless") and (await request.receive())["type"] != "http.disconnect":
            pass
        if not wav:
            yield _event({"done": True, "audio_duration_sec": count / 10})

    return StreamingResponse(pieces(), media_type="audio/wav" if wav else "text/event-stream")


async def picture(request: Request) -> Response:
    """Answer with a picture as fal's image endpoints do in ``sync_mode``."""
    await _arguments(request)
    uri = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    return JSONResponse({"images": [{"url": uri, "content_type": "image/png", "width": 1, "height": 1}], "seed": 7})


def gif(grey: int, comment: bytes = b"") -> bytes:
    """A picture of one pixel (GIF89a); the comment makes the file as large as one wants."""
    blocks = b"".join(
        bytes([len(comment[at : at + 255])]) + comment[at : at + 255] for at in range(0, len(comment), 255)
    )
    head = b"GIF89a" + bytes([1, 0, 1, 0, 0x80, 0, 0]) + bytes([grey] * 3 + [0] * 3) + b"!\xfe" + blocks + b"\0"
    return head + b"," + bytes([0, 0, 0, 0, 1, 0, 1, 0, 0]) + b"\x02\x02D\x01\0;"


async def previews(request: Request) -> Response:
    """Answer with ``count`` previews and progress, then with the last picture, or with nothing more.

    There are ``rate`` previews a second, each with ``size`` extra bytes. ``message`` goes with the progress. If there
    is a ``url``, it is sent in place of the pictures.
    """
    arguments = await _arguments(request)
    count, comment = arguments["count"], b"x" * arguments.get("size", 0)

    async def events() -> AsyncIterator[bytes]:
        for number in range(count):
            data = base64.b64encode(gif(number % 256, comment)).decode()
            url = arguments.get("url") or f"data:image/gif;base64,{data}"
            progress = {"progress": (number + 1) / count, "message": arguments.get("message", f"step {number + 1}")}
            yield _event({"images": [{"url": url, "content_type": "image/gif"}], **progress})
            await asyncio.sleep(1 / arguments["rate"])
        while arguments.get("endless") and (await request.receive())["type"] != "http.disconnect":
            pass

    return StreamingResponse(events(), media_type="text/event-stream")


ROUTES = {
    "/test/echo/stream": echo,
    "/test/paced/stream": paced,
    "/test/thinking/stream": thinking,
    "/test/pieces/stream": pieces,
    "/test/endless/stream": endless,
    "/test/held/stream": held,
    "/test/failing": failing,
    "/test/late/stream": late,
    "/test/body": body,
    "/test/large": large,
    "/test/chat/completions": chat,
    "/test/picture": picture,
    "/test/tone/stream": tone,
    "/test/previews/stream": previews,
}


def create_app() -> Starlette:
    return Starlette(routes=[Route(path, endpoint, methods=["POST"]) for path, endpoint in ROUTES.items()])
