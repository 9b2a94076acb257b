"""The sound of an answer: at most one player at a time, and none if sound is switched off."""

from typing import Any

import pytest

from fal_notebook.prompt.answer_sound import AnswerSound
from fal_notebook.response.updates import Piece

from ..census import open_widgets

SAMPLES = Piece(bytes(320), "audio/pcm;rate=16000;channels=1")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kinds of the messages that are sent to players."""
    from anywidget import AnyWidget

    kinds: list[str] = []

    def keep(_: AnyWidget, content: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        kinds.append(content["kind"])

    monkeypatch.setattr(AnyWidget, "send", keep)
    return kinds


def test_only_the_first_bytes_that_can_be_heard_are_reported(sent: list[str]) -> None:
    sound = AnswerSound()
    sound.begin(play=True)
    assert sound.player_id is None
    half_a_sample = Piece(b"\0", SAMPLES.content_type)
    assert [sound.feed(piece) for piece in (half_a_sample, SAMPLES, SAMPLES)] == [False, True, False]
    assert sound.player_id in open_widgets()
    sound.silence()


def test_without_sound_there_is_no_player(sent: list[str]) -> None:
    before = open_widgets()
    sound = AnswerSound()
    sound.begin(play=False)
    assert sound.feed(SAMPLES) is False
    sound.end(stopped=False)
    sound.silence()
    assert (sound.player_id, sent, open_widgets()) == (None, [], before)


@pytest.mark.parametrize(("stopped", "last"), [(False, "end"), (True, "stop")])
def test_the_page_plays_on_after_an_end_and_not_after_a_stop(sent: list[str], last: str, *, stopped: bool) -> None:
    sound = AnswerSound()
    sound.begin(play=True)
    sound.feed(SAMPLES)
    sound.end(stopped=stopped)
    assert sent == ["samples", last]
    assert sound.player_id is not None
    sound.silence()


def test_the_next_answer_silences_the_one_before_it(sent: list[str]) -> None:
    before = open_widgets()
    sound = AnswerSound()
    sound.begin(play=True)
    sound.feed(SAMPLES)
    first = sound.player_id
    sound.begin(play=True)
    assert sent == ["samples", "stop"]
    assert first not in open_widgets()
    sound.silence()
    assert open_widgets() == before
