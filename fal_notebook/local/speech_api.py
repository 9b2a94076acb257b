"""The voice: a WAV that plays while it is being made, and the event stream of fal's speech endpoints."""

import base64
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

from starlette.responses import Response

from fal_notebook.local.arguments import Arguments
from fal_notebook.local.loading import optional_packages
from fal_notebook.local.responses import ClosingStream, event, event_stream, primed
from fal_notebook.local.threads import Outlet, stream_from_thread

if TYPE_CHECKING:
    from fal_notebook.local.pcm import Samples

MODEL = "hibari-tts (local)"

_EVENT_RATE = 16_000


async def speech(arguments: Arguments) -> Response:
    """Answer with a WAV, sentence by sentence."""
    return ClosingStream(_wav(await _speak(arguments)), "audio/wav")


async def speech_stream(arguments: Arguments) -> Response:
    """Answer with events that hold PCM at 16 kHz, a sentence each."""
    began = time.perf_counter()
    return event_stream(_events(await _speak(arguments), began))


async def _speak(arguments: Arguments) -> "AsyncGenerator[Samples, None]":
    text = arguments.text("prompt")
    speed = arguments.number("speed", default=1.0, low=0.5, high=2.0)
    arguments.check()

    def produce(outlet: "Outlet[Samples]") -> None:
        with optional_packages():
            from fal_notebook.local.speech import speak
        for sentence in speak(text, speed=speed):
            if outlet.closed:
                return
            outlet.put(sentence)

    return await primed(stream_from_thread(produce))


async def _wav(sentences: "AsyncGenerator[Samples, None]") -> AsyncGenerator[bytes, None]:
    from fal_notebook.local.pcm import streaming_wav_header, to_pcm16
    from fal_notebook.local.speech import SAMPLE_RATE

    yield streaming_wav_header(SAMPLE_RATE)
    async with aclosing(sentences):
        async for sentence in sentences:
            yield to_pcm16(sentence)


async def _events(sentences: "AsyncGenerator[Samples, None]", began: float) -> AsyncGenerator[bytes, None]:
    from fal_notebook.local.pcm import resample_24k_to_16k, to_pcm16

    samples = 0
    async with aclosing(sentences):
        async for sentence in sentences:
            lowered = resample_24k_to_16k(sentence)
            samples += lowered.size
            yield event({"audio": base64.b64encode(to_pcm16(lowered)).decode(), "model": MODEL})
    yield event(
        {
            "done": True,
            "inference_time_ms": round((time.perf_counter() - began) * 1000, 1),
            "audio_duration_sec": round(samples / _EVENT_RATE, 3),
            "model": MODEL,
        }
    )
