"""Sound goes to the page in few messages and whole frames, and never into the widget's state."""

import threading
from typing import Any

import pytest

from fal_notebook import AudioPlayer
from fal_notebook.display.player import Outbox, PagePlayer, has_player, with_player_name
from fal_notebook.media.media import media_from_bytes
from fal_notebook.media.wav import wav_header
from fal_notebook.render.bundles import merged, text_bundle
from fal_notebook.render.cards import media_bundle

SOUND = bytes(range(1, 241))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[dict[str, Any], bytes]]:
    """The messages that go to the page, each with its bytes."""
    from anywidget import AnyWidget

    messages: list[tuple[dict[str, Any], bytes]] = []

    def keep(_: AnyWidget, content: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        messages.append((content, b"".join(buffers or [])))

    monkeypatch.setattr(AnyWidget, "send", keep)
    return messages


def test_the_first_bytes_leave_at_once_and_what_follows_leaves_together() -> None:
    messages: list[bytes] = []
    outbox = Outbox(messages.append, pause=3600)
    for number in range(100):
        outbox.put(bytes([number]))
    assert messages == [b"\0"]
    outbox.flush()
    assert messages == [b"\0", bytes(range(1, 100))]
    outbox.flush()
    assert len(messages) == 2


def test_what_is_held_leaves_by_itself() -> None:
    messages: list[bytes] = []
    second = threading.Event()

    def send(data: bytes) -> None:
        messages.append(data)
        if len(messages) == 2:
            second.set()

    outbox = Outbox(send, pause=0.01)
    outbox.put(b"a")
    outbox.put(b"b")
    assert second.wait(10)
    assert messages == [b"a", b"b"]


def test_what_is_dropped_never_leaves() -> None:
    messages: list[bytes] = []
    outbox = Outbox(messages.append, pause=3600)
    outbox.put(b"a")
    outbox.put(b"b")
    outbox.drop()
    outbox.flush()
    assert messages == [b"a"]


def test_every_message_names_the_format_and_the_end_comes_last(sent: list[tuple[dict[str, Any], bytes]]) -> None:
    player = PagePlayer()
    for at in range(0, len(SOUND), 20):
        player.feed(SOUND[at : at + 20], "audio/pcm;rate=24000;channels=1")
    player.end()
    assert player.has_sound
    kinds = [content["kind"] for content, _ in sent]
    assert kinds == ["samples"] * (len(sent) - 1) + ["end"]
    assert sent[0][0] == {"kind": "samples", "encoding": "s16", "rate": 24_000, "channels": 1, "at": 0}
    assert [content["at"] for content, _ in sent[:-1]] == [
        sum(len(data) for _, data in sent[:at]) for at in range(len(kinds) - 1)
    ]
    assert sent[-1][0]["name"] == player.name
    assert b"".join(data for _, data in sent) == SOUND


def test_a_stop_is_the_last_message(sent: list[tuple[dict[str, Any], bytes]]) -> None:
    player = PagePlayer()
    for _ in range(10):
        player.feed(SOUND, "audio/pcm")
    player.stop()
    assert sent[-1] == ({"kind": "stop", "name": player.name}, b"")
    assert len(sent) <= 3


def test_an_mp3_goes_as_it_is(sent: list[tuple[dict[str, Any], bytes]]) -> None:
    PagePlayer().feed(b"ID3\x04" + bytes(20), "audio/mpeg")
    assert sent == [({"kind": "file", "type": "audio/mpeg", "at": 0}, b"ID3\x04" + bytes(20))]


@pytest.mark.usefixtures("sent")
def test_the_state_holds_no_sound() -> None:
    player = PagePlayer()
    before = player.widget.get_state()
    player.feed(bytes(1_000_000), "audio/pcm")
    player.end()
    assert player.widget.get_state() == before


@pytest.mark.usefixtures("sent")
def test_a_recording_is_whole_when_it_has_ended() -> None:
    player = AudioPlayer()
    body = wav_header(24_000) + SOUND
    for at in range(0, len(body), 7):
        player.feed(body[at : at + 7], "audio/wav")
    player.end()
    player.end()
    media = player.media
    assert media is not None
    assert media.content_type == "audio/wav"
    assert media.read().endswith(SOUND)
    with pytest.raises(RuntimeError, match="has ended"):
        player.feed(b"more")


@pytest.mark.usefixtures("sent")
def test_there_is_no_recording_before_its_end() -> None:
    player = AudioPlayer()
    player.feed(SOUND)
    assert player.media is None
    assert repr(player) == "<AudioPlayer, open>"


@pytest.mark.usefixtures("sent")
def test_nothing_sounds_before_it_is_known_what_it_is() -> None:
    player = PagePlayer()
    player.feed(b"RIFF", "audio/wav")
    assert not player.has_sound


@pytest.mark.usefixtures("sent")
def test_a_recording_that_never_began_ends_too() -> None:
    player = AudioPlayer()
    player.stop()
    assert player.media is None
    assert repr(player) == "<AudioPlayer, ended>"


def test_the_first_player_of_an_answer_gets_the_name_and_no_word_of_it_changes() -> None:
    recording = media_bundle(media_from_bytes(wav_header(24_000) + SOUND, "audio/wav"))
    words = text_bundle("`<audio controls>` and <audio src=x> are words")
    (answer,) = merged([words, recording, recording])
    named = with_player_name(answer, "f00")
    assert named["text/html"].count('<audio data-fal-sound="f00" ') == 1
    assert named["text/html"].replace(' data-fal-sound="f00"', "") == answer["text/html"]
    assert named["text/html"].startswith(words["text/html"])
    assert with_player_name(answer, "") is answer


def test_words_and_pictures_have_no_player() -> None:
    assert not has_player(text_bundle("<audio controls></audio>"))
    assert not has_player({"text/plain": "a picture", "image/png": "iVBO"})
