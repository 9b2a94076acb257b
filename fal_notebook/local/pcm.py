"""Sound as numbers and as bytes: 16-bit PCM, the header of an endless WAV, and resampling from 24 to 16 kHz."""

import struct
from functools import cache

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]

_UNKNOWN_LENGTH = 0xFFFFFFFF
_SAMPLE_BYTES = 2


def to_pcm16(samples: Samples) -> bytes:
    """Turn samples between -1 and 1 into little-endian 16-bit PCM; louder ones are clipped."""
    return (np.clip(samples, -1.0, 1.0) * 32767.0).round().astype("<i2").tobytes()


def streaming_wav_header(rate: int) -> bytes:
    """Return the header of a mono 16-bit WAV whose length is not yet known.

    Both lengths are 0xFFFFFFFF, as streaming servers write them: players read on until the data ends.
    """
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, rate * _SAMPLE_BYTES, _SAMPLE_BYTES, 8 * _SAMPLE_BYTES)
    return b"".join(
        [
            struct.pack("<4sI4s", b"RIFF", _UNKNOWN_LENGTH, b"WAVE"),
            form,
            struct.pack("<4sI", b"data", _UNKNOWN_LENGTH),
        ]
    )


def resample_24k_to_16k(samples: Samples) -> Samples:
    """Lower the rate: insert zeros to reach 48 kHz, cut off what 16 kHz cannot carry, keep every third."""
    if samples.size == 0:
        return samples
    doubled = np.zeros(2 * samples.size, np.float32)
    doubled[::2] = samples
    return np.convolve(doubled, _low_pass(), mode="same")[::3].astype(np.float32)


@cache
def _low_pass() -> Samples:
    """Return a windowed sinc of 97 taps at 48 kHz, with a gain of 2 for the inserted zeros."""
    taps, cutoff = 97, 7600 / 48000
    steps = np.arange(taps) - (taps - 1) / 2
    kernel = np.sinc(2 * cutoff * steps) * np.blackman(taps)
    return np.asarray(2 * kernel / kernel.sum(), np.float32)
