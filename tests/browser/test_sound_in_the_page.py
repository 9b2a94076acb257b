"""`--play` and `AudioPlayer` in a real page: sound that plays early, the click it may need, the static player."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from .ear import EAR, Unclicked, emptied, until
from .lab import Notebook, Server, address, notebook, stored

# 417 bytes a frame of 26 ms: MPEG-1, layer III, 128 kbit/s, 44.1 kHz, one channel, silent (ISO/IEC 11172-3, 2.4.1).
MP3 = "bytes.fromhex('fffb90c0') + bytes(413)"
CELLS = [
    "%load_ext fal_notebook\nfrom fal_notebook import AudioPlayer, stream\nimport time",
    "%falstream test/tone/stream prompt=x seconds:=4 --play --autoplay",
    "%falstream test/tone/stream prompt=x seconds:=5 ahead:=3 speed:=2 format=wav --play",
    "%falstream test/tone/stream prompt=x seconds:=4 speed:=2 endless:=true --play -o partial",
    "%falstream test/echo/stream prompt=words --play",
    "player = AudioPlayer()\ndisplay(player)\n"
    f"for _ in range(30):\n    player.feed(5 * ({MP3}), 'audio/mpeg')\n    time.sleep(0.1)\n"
    "player.end()",
    "result = AudioPlayer.play(stream('test/tone/stream', prompt='x', seconds=1))",
    "%falstream test/tone/stream prompt=x seconds:=3 speed:=100 --play",
    "from fal_notebook import PromptWidget\nbox = PromptWidget('test/tone/stream', {'seconds': 3}); box",
    "box.arguments = {'seconds': 4, 'endless': True}; box.play",
    "box.arguments = {'seconds': 4, 'speed': 50}",
]
WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def opened(loud_browser: Browser, jupyter_server: Server) -> Iterator[Notebook]:
    with notebook(loud_browser, jupyter_server, CELLS, "sound.ipynb", script=EAR) as page:
        page.run(0)
        yield page


@pytest.fixture
def page(opened: Notebook) -> Notebook:
    """The page, with no output and nothing recorded."""
    return emptied(opened)


def _player(page: Notebook, cell: int) -> Locator:
    return page.output(cell).get_by_role("group", name="Sound")


def _seconds(page: Notebook, cell: int) -> tuple[float, float]:
    """The seconds played and received, as the player shows them."""
    said: list[str] = _player(page, cell).evaluate("box => [box.dataset.played, box.dataset.received]")
    return float(said[0]), float(said[1])


def _is_static(outputs: list[dict[str, Any]]) -> bool:
    return all(WIDGET not in output["data"] and "autoplay" not in output["data"]["text/html"] for output in outputs)


def test_samples_sound_before_the_stream_has_ended_and_become_a_static_player(
    page: Notebook, record_property: Callable[[str, object], None]
) -> None:
    page.start(1)
    until(page, "ear.sounded")
    played, received = _seconds(page, 1)
    assert received < 3.9
    assert played <= received
    expect(_player(page, 1)).to_contain_text("playing")
    latency = page.page.evaluate("ear.sounded - ear.arrived")
    record_property("milliseconds from the first message to the first sound", round(latency))
    print(f"{page.server.app}: first message to first sound {latency:.0f} ms")  # noqa: T201 - the measurement
    assert latency < 1000
    outputs = page.wait(1)
    assert _is_static(outputs)
    expect(page.output(1).locator("audio")).to_have_count(1)
    assert "data:audio/wav;base64,UklGR" in outputs[0]["data"]["text/html"]


def _check_gaps(pieces: list[dict[str, float]]) -> None:
    """Check that each piece begins where the one before ends. The first is so long that the sound cannot run out."""
    assert pieces[0]["end"] - pieces[0]["when"] == pytest.approx(3)
    assert max(abs(after["when"] - before["end"]) for before, after in pairwise(pieces)) < 1e-9


@pytest.mark.front_end
def test_a_streamed_wav_plays_without_a_gap_until_the_static_player_does(page: Notebook) -> None:
    page.start(2)
    until(page, "ear.sounded")
    assert _is_static(page.wait(2))
    pieces = page.page.evaluate("ear.pieces")
    assert len(pieces) > 5
    _check_gaps(pieces)
    until(page, "ear.contexts.at(-1).state === 'closed'")
    assert not page.output(2).locator("audio").evaluate("each => each.paused")


def test_a_pause_holds_the_sound_and_a_second_click_goes_on(page: Notebook) -> None:
    page.start(3)
    until(page, "ear.sounded")
    page.output(3).get_by_role("button", name="Pause the sound").click()
    until(page, "ear.contexts.at(-1).state === 'suspended'")
    expect(_player(page, 3)).to_contain_text("paused")
    held, _ = _seconds(page, 3)
    page.page.wait_for_timeout(500)
    assert _seconds(page, 3)[0] == pytest.approx(held, abs=0.15)
    page.output(3).get_by_role("button", name="Play the sound").click()
    until(page, "ear.level > 0.1")
    page.command("notebook:interrupt-kernel")
    page.wait(3)


def test_an_interrupt_silences_at_once_and_keeps_what_came(page: Notebook) -> None:
    page.start(3)
    until(page, "ear.sounded")
    page.command("notebook:interrupt-kernel")
    outputs = page.wait(3)
    until(page, "ear.contexts.at(-1).state === 'closed'")
    assert _is_static([output for output in outputs if "data" in output])
    expect(page.output(3).locator("audio")).to_have_count(1)
    expect(page.output(3)).to_contain_text("stopped")


def test_an_answer_without_sound_is_shown_as_ever(page: Notebook) -> None:
    outputs = page.run(4)
    assert _is_static(outputs)
    expect(page.output(4)).to_contain_text("words")
    expect(_player(page, 4)).to_have_count(0)


@pytest.mark.front_end
def test_an_mp3_plays_while_python_feeds_it(page: Notebook) -> None:
    page.start(5)
    until(page, "ear.elements[0]?.currentTime > 0.2")
    assert page.page.evaluate("ear.elements[0].buffered.end(0)") < 3.9
    assert _is_static(page.wait(5))
    expect(page.output(5).locator("audio")).to_have_count(1)
    until(page, "ear.elements[0].paused")


def test_python_plays_a_stream(page: Notebook) -> None:
    outputs = page.run(6)
    assert page.page.evaluate("ear.loudest") == pytest.approx(16_000 / 32_768, abs=0.02)
    assert _is_static(outputs)


def test_what_comes_nearly_at_once_sounds_to_its_end(page: Notebook) -> None:
    page.run(7)
    until(page, "ear.contexts.at(-1).state === 'closed'")
    until(page, "ear.heard.at(-1).static")
    until(page, "document.querySelector('.jp-Notebook audio').ended")
    assert page.output(7).locator("audio").evaluate("each => each.currentTime") >= 3


def test_the_prompt_widget_plays_what_comes_when_its_switch_is_on(page: Notebook) -> None:
    page.run(8)
    shown = page.output(8).locator(".fal-root")
    switch = shown.get_by_role("switch", name="Play sound")
    expect(switch).not_to_be_checked()
    switch.check()
    shown.get_by_label("Prompt", exact=True).fill("x")
    shown.get_by_label("Prompt", exact=True).press("Control+Enter")
    until(page, "ear.sounded")
    expect(shown.locator(".fal-streaming").get_by_role("group", name="Sound")).to_contain_text("playing")
    expect(shown.locator(".fal-entry[data-end=done] audio")).to_have_count(1)
    expect(_player(page, 8)).to_have_count(0)
    (transcript,) = [output["data"] for output in page.outputs(8) if "Transcript" in str(output)]
    assert set(transcript) == {"text/plain", "text/html"}
    assert "data:audio/wav;base64,UklGR" in transcript["text/html"]
    assert page.run(9)[0]["data"]["text/plain"] == "True"


@pytest.mark.front_end
def test_sound_that_goes_on_after_the_answers_end_ends_with_the_next_prompt(page: Notebook) -> None:
    page.run(8)
    page.run(10)
    shown = page.output(8).locator(".fal-root")
    shown.get_by_role("switch", name="Play sound").check()
    shown.get_by_label("Prompt", exact=True).fill("x")
    shown.get_by_label("Prompt", exact=True).press("Control+Enter")
    expect(shown.locator(".fal-entry[data-end=done] audio")).to_have_count(1)
    until(page, "ear.heard.at(-1).static")
    expect(_player(page, 8)).to_have_count(0)
    shown.get_by_role("switch", name="Play sound").uncheck()
    shown.get_by_label("Prompt", exact=True).fill("y")
    shown.get_by_label("Prompt", exact=True).press("Control+Enter")
    until(page, "document.querySelector('.fal-entry audio').paused")
    assert shown.locator("audio").first.evaluate("each => each.currentTime < 3.9")
    expect(_player(page, 8)).to_have_count(0)
    expect(shown.locator(".fal-entry[data-end=done]")).to_have_count(2)


def test_stop_silences_the_prompt_widget_at_once_and_clear_takes_its_player_away(page: Notebook) -> None:
    page.run(8)
    page.run(9)
    shown = page.output(8).locator(".fal-root")
    shown.get_by_role("switch", name="Play sound").check()
    for end in ("Stop", "Clear"):
        shown.get_by_label("Prompt", exact=True).fill("x")
        shown.get_by_label("Prompt", exact=True).press("Control+Enter")
        expect(_player(page, 8)).to_contain_text("playing")
        shown.get_by_role("button", name=end, exact=True).click()
        until(page, "ear.contexts.at(-1).state === 'closed'")
        expect(_player(page, 8)).to_have_count(0)
    expect(shown.locator(".fal-entry")).to_have_count(0)


def test_nothing_of_the_widget_is_saved(page: Notebook) -> None:
    page.run(1)
    saved = page.save()
    assert WIDGET not in str(saved)
    page.open()
    expect(page.output(1).locator("audio")).to_have_count(1)
    expect(page.page.locator(".jp-Notebook")).not_to_contain_text("Error displaying widget")


@pytest.mark.front_end
def test_where_sound_needs_a_click_the_player_says_so(browser: Browser, jupyter_server: Server) -> None:
    with stored(jupyter_server, ["\n".join(CELLS[number] for number in (0, 3))], "click.ipynb"):
        page = Unclicked(browser, address(jupyter_server, "click.ipynb"))
        session = "window.jupyterapp?.shell.currentWidget?.sessionContext?.session"
        page.until(f"{session}?.kernel?.connectionStatus === 'connected'")
        page.value("jupyterapp.commands.execute('notebook:run-cell'); 0")
        page.until("document.querySelector('[data-state=blocked]')?.innerText.includes('press play to hear it')")
        assert page.value("ear.loudest") == 0
        page.click("[data-state=blocked] button")
        page.until("ear.sounded")
        page.until("document.querySelector('[data-state=playing]')")
        page.value("jupyterapp.commands.execute('notebook:interrupt-kernel'); 0")
        page.until("document.querySelector('.jp-Notebook audio')")
        page.page.close()
