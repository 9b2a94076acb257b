"""Files of every kind go through a real `fal.App` and come back byte for byte, within the request and uploaded."""

import base64
import io
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fal
import httpx
import numpy as np
import pytest
from fal.toolkit import File
from IPython.display import Audio, Video
from IPython.display import Image as ShownImage
from matplotlib.figure import Figure
from PIL import Image
from pydantic import BaseModel

import fal_notebook
from fal_notebook.client.uploads import Uploads
from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.serving import find_app
from fal_notebook.local.storage import LocalStorage
from fal_notebook.media.at_hand import file_at_hand
from fal_notebook.media.media import Media

from ..conftest import KEY
from ..local.storages import storage_of


class Item(BaseModel):
    file_url: str


class Files(BaseModel):
    file_url: str
    items: list[Item] = []


class Copies(BaseModel):
    files: list[File]


class Copier(fal.App):
    machine_type = "XS"

    @fal.endpoint("/copy")
    def copy(self, asked: Files) -> Copies:
        return Copies(files=[_copied(each) for each in (asked.file_url, *(item.file_url for item in asked.items))])


def _copied(url: str) -> File:
    if url.startswith("data:"):
        head, _, body = url.partition(",")
        data, content_type = base64.b64decode(body), head.removeprefix("data:").partition(";")[0]
    else:
        answer = httpx.get(url).raise_for_status()
        data, content_type = answer.content, answer.headers["content-type"]
    return File.from_bytes(data, content_type, repository="in_memory")


@pytest.fixture(scope="module")
def _app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IS_ISOLATE_AGENT", "1")
        app = HTTPOverWebSocket(find_app(f"{__name__}:Copier"), key=KEY)
        storage = LocalStorage(tmp_path_factory.mktemp("storage"), key=KEY)
        with storage_of(storage, app, patch) as server:
            _address.append(server.url)
            yield


_address: list[str] = []


@pytest.fixture(params=["never", "always"])
def way(request: pytest.FixtureRequest, _app: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("FAL_NOTEBOOK_URL", _address[-1])
    monkeypatch.setenv("FAL_KEY", KEY)
    session = fal_notebook.session()
    session.upload = request.param
    session.companion(Uploads).tell = lambda _: None
    yield request.param
    session.upload = "auto"


PIXELS = np.arange(4 * 5 * 3, dtype="uint8").reshape(4, 5, 3)
SOUND = (np.sin(np.arange(1_600) / 10) * 20_000).astype("int16")


def _png() -> bytes:
    media = file_at_hand(PIXELS)
    assert media is not None
    return media.read()


def _wav() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 2, 16_000, 0, "NONE", ""))
        sound.writeframes(SOUND.tobytes())
    return file.getvalue()


KINDS: dict[str, tuple[str, bytes]] = {
    "cat.png": ("image/png", _png()),
    "speech.wav": ("audio/wav", _wav()),
    "film.mp4": ("video/mp4", b"\0\0\0\x18ftypisom" + bytes(range(256))),
    "paper.pdf": ("application/pdf", b"%PDF-1.7\n\xff\0"),
    "shape.glb": ("model/gltf-binary", b"glTF\2\0\0\0"),
    "notes.txt": ("text/plain", "Grüße\r\n".encode()),
    "some.bin": ("application/octet-stream", bytes(300)),
    "empty.bin": ("application/octet-stream", b""),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_file_of_the_disk_comes_back(name: str, way: str, tmp_path: Path) -> None:
    content_type, data = KINDS[name]
    path = tmp_path / name
    path.write_bytes(data)
    with path.open("rb") as opened:
        media = through(path, opened, io.BytesIO(data), data)
    assert [each.read() for each in media] == [data] * 4
    assert [each.content_type for each in media[:2]] == [content_type] * 2


def drawn() -> Figure:
    figure = Figure(figsize=(1, 1))
    figure.add_subplot().plot([1, 2])
    return figure


MADE: dict[str, tuple[Callable[[], Any], str]] = {
    "an array": (lambda: PIXELS, "image/png"),
    "numbers from 0 to 1": (lambda: PIXELS / 255, "image/png"),
    "a picture of PIL": (lambda: Image.fromarray(PIXELS), "image/png"),
    "a picture with alpha": (lambda: Image.fromarray(PIXELS).convert("RGBA"), "image/png"),
    "a figure": (drawn, "image/png"),
    "samples": (lambda: (SOUND, 16_000), "audio/wav"),
    "what IPython shows as a picture": (lambda: ShownImage(data=_png()), "image/png"),
    "what it plays": (lambda: Audio(_wav()), "audio/wav"),
    "what it plays as a film": (
        lambda: Video(KINDS["film.mp4"][1], embed=True, mimetype="video/mp4"),
        "video/mp4",
    ),
}


@pytest.mark.parametrize("kind", MADE)
def test_what_is_in_memory_comes_back_as_the_file_that_stands_for_it(kind: str, way: str) -> None:
    make, content_type = MADE[kind]
    value = make()
    (media,) = through(value)
    want = file_at_hand(value)
    assert want is not None
    assert (media.read(), media.content_type) == (want.read(), content_type)


def test_pixels_and_samples_are_the_same_when_they_come_back_and_again(way: str) -> None:
    pixels, sound = through(PIXELS, (SOUND, 16_000))
    assert np.array_equal(pixels.array, PIXELS)
    samples, rate = sound.audio
    assert (rate, np.array_equal(samples, SOUND)) == (16_000, True)
    again, twice = through(pixels, sound.audio)
    assert np.array_equal(np.asarray(again.image), PIXELS)
    assert twice.data == sound.data


def test_an_answer_of_one_file_is_a_file_of_the_next_request(way: str) -> None:
    answer = fal_notebook.run("copy", file_url=PIXELS)
    (media,) = through(answer)
    assert np.array_equal(media.array, PIXELS)


def through(first: Any, *others: Any) -> list[Media]:
    """The files that the app makes of these."""
    answer = fal_notebook.run("copy", file_url=first, items=[{"file_url": each} for each in others])
    return answer.media
