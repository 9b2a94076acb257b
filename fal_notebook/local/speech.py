"""Speech on the CPU: hibari-tts, English, one sentence at a time."""

import threading
from collections.abc import Iterator

from hibari import Hibari  # type: ignore[import-untyped]  # hibari has no type hints

from fal_notebook.local.loading import Lazy
from fal_notebook.local.pcm import Samples

SAMPLE_RATE = 24_000


class _Voice:
    """hibari's engine behind a lock, since it does not promise to be safe in several threads."""

    def __init__(self) -> None:
        self._engine = Hibari()
        self._lock = threading.Lock()

    def sentences(self, text: str, speed: float) -> Iterator[Samples]:
        parts = self._engine.stream(text, speed=speed)
        while True:
            with self._lock:
                part = next(parts, None)
            if part is None:
                return
            yield part


def speak(text: str, *, speed: float = 1.0) -> Iterator[Samples]:
    """Yield the sound of one sentence after the other: float32 samples at 24 kHz, mono.

    Args:
        text: English text.
        speed: 1.0 is the voice's own pace; 0.5 is slow, 2.0 fast.
    """
    yield from _voice.get().sentences(text, speed)


_voice = Lazy(_Voice)
