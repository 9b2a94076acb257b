"""What users have at hand becomes a file, and that file has the same content as what they had."""

import io
import os
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from IPython.display import Audio, Video
from IPython.display import Image as ShownImage
from matplotlib.figure import Figure
from PIL import Image

from fal_notebook.errors import InvalidRequest
from fal_notebook.media.at_hand import file_at_hand, is_sound
from fal_notebook.media.media import Media

WIDE = np.arange(2 * 5 * 3, dtype="uint8").reshape(2, 5, 3)
PIXELS = np.arange(2 * 3 * 4, dtype="uint8").reshape(2, 3, 4) * 10


def file_of(value: Any) -> Media:
    media = file_at_hand(value)
    assert media is not None
    assert media.data is not None
    return media


def opened(media: Media) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(io.BytesIO(media.data or b"")))


@given(
    arrays.arrays(
        "uint8",
        st.one_of(
            st.tuples(st.integers(1, 9), st.integers(1, 9)),
            st.tuples(st.integers(1, 9), st.integers(5, 9), st.sampled_from([2, 3, 4])),
        ),
    )
)
def test_an_array_is_a_png_with_its_pixels(pixels: np.ndarray[Any, Any]) -> None:
    media = file_of(pixels)
    assert media.content_type == "image/png"
    assert np.array_equal(opened(media), pixels)


@pytest.mark.parametrize(
    ("array", "pixels"),
    [
        (np.array([[0.0, 0.5, 1.0]]), [[0, 128, 255]]),
        (np.array([[0.0, 1.0]], dtype="float16"), [[0, 255]]),
        (np.array([[True, False]]), [[255, 0]]),
        (WIDE.transpose(2, 0, 1), WIDE),
        (np.asfortranarray(PIXELS), PIXELS),
        (PIXELS[:, ::2], PIXELS[:, ::2]),
    ],
)
def test_other_forms_of_pixels_are_read(array: Any, pixels: Any) -> None:
    assert np.array_equal(opened(file_of(array)), np.asarray(pixels))


class Tensor:
    """As a tensor is used: on a device, with a history."""

    shape, dtype, ndim = PIXELS.shape, PIXELS.dtype, 3

    def detach(self) -> "Tensor":
        return self

    def cpu(self) -> "Tensor":
        return self

    def numpy(self) -> Any:
        return PIXELS


def test_a_tensor_is_a_picture() -> None:
    assert np.array_equal(opened(file_of(Tensor())), PIXELS)


class BFloat(Tensor):
    """A tensor of numbers that NumPy does not have."""

    def numpy(self) -> Any:
        raise TypeError("Got unsupported ScalarType BFloat16")

    def float(self) -> Tensor:
        return Tensor()


class Elsewhere(Tensor):
    def cpu(self) -> "Tensor":
        raise RuntimeError("the device is gone")


def test_a_tensor_of_other_numbers_is_converted_and_one_that_cannot_be_read_is_told() -> None:
    assert np.array_equal(opened(file_of(BFloat())), PIXELS)
    with pytest.raises(InvalidRequest, match="this Elsewhere cannot be read as a file: RuntimeError: the device is"):
        file_at_hand(Elsewhere())


def test_a_rate_of_numpy_is_one_and_a_path_of_another_class_is_read(tmp_path: Path) -> None:
    assert file_of((np.zeros(9), np.int64(16_000))).content_type == "audio/wav"
    (tmp_path / "a.png").write_bytes(b"x")
    (entry,) = os.scandir(tmp_path)
    assert file_of(entry).file_name == "a.png"


@pytest.mark.parametrize(
    "array",
    [
        *(np.zeros((2, 2), "int32"), np.full((2, 2), 1.5), np.full((2, 2), -0.1), np.full((2, 2), np.nan)),
        *(np.zeros(3, "uint8"), np.zeros((2, 2, 5), "uint8"), np.zeros((1, 2, 2, 3), "uint8"), np.zeros((0, 2))),
    ],
)
def test_an_array_without_a_clear_meaning_is_refused_with_the_ways_out(array: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"is no picture.*\(samples, rate\) for sound, \.tolist\(\) for numbers"):
        file_at_hand(array)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "F"])
def test_a_picture_of_pil_is_a_png(mode: str) -> None:
    picture = Image.new(mode, (3, 2))
    assert opened(file_of(picture)).shape[:2] == (2, 3)
    assert file_of(picture).content_type == "image/png"


def test_a_photo_stays_a_jpeg() -> None:
    file = io.BytesIO()
    Image.new("RGB", (3, 2)).save(file, "JPEG")
    assert file_of(Image.open(file)).content_type == "image/jpeg"


def test_a_figure_is_a_png() -> None:
    figure = Figure(figsize=(1, 1))
    figure.add_subplot().plot([1, 2])
    assert file_of(figure).content_type == "image/png"


@pytest.mark.parametrize("shape", ["mono", "stereo", "channels first"])
@pytest.mark.parametrize("kind", ["int16", "float32"])
@pytest.mark.parametrize("rate_first", [False, True])
def test_samples_with_their_rate_are_a_wav(shape: str, kind: str, rate_first: bool) -> None:  # noqa: FBT001
    whole = np.arange(0, 32_000, 100, dtype="int16")
    samples = whole if kind == "int16" else (whole / 32_767).astype("float32")
    given = {"mono": samples, "stereo": np.stack([samples] * 2, 1), "channels first": np.stack([samples] * 2)}[shape]
    pair = (16_000, given) if rate_first else (given, 16_000)
    assert is_sound(pair)
    with wave.open(io.BytesIO(file_of(pair).data or b"")) as sound:
        assert (sound.getframerate(), sound.getnchannels()) == (16_000, 1 if shape == "mono" else 2)
        heard = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")
    assert np.array_equal(heard if shape == "mono" else heard[::2], whole)


@pytest.mark.parametrize("pair", [(1, 2), ([0], 16_000), (np.zeros(3), 2.5), (np.zeros(3), 3), (np.zeros(3),)])
def test_other_pairs_are_no_sound(pair: tuple[Any, ...]) -> None:
    assert not is_sound(pair)


def test_paths_open_files_and_bytes_are_read(tmp_path: Path) -> None:
    path = tmp_path / "cat.png"
    path.write_bytes(file_of(PIXELS).data or b"")
    assert file_of(path).content_type == "image/png"
    assert file_of(path).file_name == "cat.png"
    with path.open("rb") as file:
        assert file_of(file) == file_of(file) == file_of(path)
    assert file_of(io.BytesIO(path.read_bytes())).content_type == "image/png"
    assert file_of(memoryview(path.read_bytes())).data == path.read_bytes()


def test_a_file_that_is_not_there_is_told_with_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(b"x")
    with pytest.raises(InvalidRequest, match=r"there is no file .*foto\.png \(did you mean photo\.png\?\)"):
        file_at_hand(tmp_path / "foto.png")
    with pytest.raises(InvalidRequest, match="there is no folder"):
        file_at_hand(tmp_path / "none" / "foto.png")
    with pytest.raises(InvalidRequest, match="cannot be read: Is a directory"):
        file_at_hand(tmp_path)


def test_a_file_that_is_open_as_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("x")
    with (tmp_path / "x.txt").open() as file, pytest.raises(InvalidRequest, match='open it with "rb"'):
        file_at_hand(file)


def test_what_ipython_displays_is_a_file(tmp_path: Path) -> None:
    png = file_of(PIXELS).data
    assert file_of(ShownImage(data=png)).data == png
    sound = file_of(Audio(np.ones(100), rate=16_000))
    assert sound.content_type == "audio/wav"
    (tmp_path / "x.mp4").write_bytes(b"\0\0\0\x18ftypisom")
    assert file_of(Video(str(tmp_path / "x.mp4"))).content_type == "video/mp4"
    shown = file_at_hand(ShownImage(url="https://fal.media/a.png"))
    assert shown is not None
    assert shown.url == "https://fal.media/a.png"


@pytest.mark.parametrize("value", ["words", 3, None, [1], {"a": 1}, object(), "cat.png"])
def test_other_values_are_no_files(value: Any) -> None:
    assert file_at_hand(value) is None
