"""One player from the first sound to the last: the static player takes over at the same second."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from .ear import EAR, Unclicked, emptied, until
from .lab import Notebook, Server, address, notebook, stored

pytestmark = pytest.mark.front_end  # for what it takes

# 417 bytes a frame of 26 ms: MPEG-1, layer III, 128 kbit/s, 44.1 kHz, one channel, silent (ISO/IEC 11172-3, 2.4.1).
MP3 = "bytes.fromhex('fffb90c0') + bytes(413)"
FAST = "test/tone/stream prompt=x seconds:=9 speed:=6"  # 9 seconds of sound in 1.5
CELLS = [
    "%load_ext fal_notebook",
    f"%falstream {FAST} --play",
    f"%falstream {FAST} --play --autoplay",
    "%falstream test/tone/stream prompt=x seconds:=9 speed:=6 endless:=true --play",
    "from fal_notebook import PromptWidget\nbox = PromptWidget('test/tone/stream', {'seconds': 9, 'speed': 6}); box",
    "import ipywidgets\nwith (place := ipywidgets.Output()):\n"
    f"    get_ipython().run_line_magic('falstream', '{FAST} --play')\nplace",
    "import time\nfrom fal_notebook import AudioPlayer\nplayer = AudioPlayer()\ndisplay(player)\n"
    f"for _ in range(30):\n    player.feed(10 * ({MP3}), 'audio/mpeg')\n    time.sleep(0.03)\n"
    "player.end()",
    "%falstream test/tone/stream prompt=x seconds:=9 speed:=1 --play",
]
LIVE = ".fal-player:visible"


@pytest.fixture(scope="module")
def opened(loud_browser: Browser, jupyter_server: Server) -> Iterator[Notebook]:
    with notebook(loud_browser, jupyter_server, CELLS, "takeover.ipynb", script=EAR) as page:
        page.run(0)
        yield page


@pytest.fixture
def page(opened: Notebook) -> Notebook:
    """The page, with no output and nothing recorded."""
    return emptied(opened)


def _until_taken_over(page: Notebook) -> None:
    until(page, "ear.heard.at(-1)?.static > 0")


def _heard(page: Notebook) -> list[dict[str, Any]]:
    heard: list[dict[str, Any]] = page.page.evaluate("ear.heard")
    return heard


def _check_seamless(page: Notebook) -> None:
    """Check that the static player began where the live one fell silent, and that never two were heard at once."""
    heard = _heard(page)
    assert not [
        each for each in heard if each["count"] > 1 or (each["live"] is not None and each["static"] is not None)
    ]
    last = max((each for each in heard if each["live"] is not None), key=lambda each: each["now"])
    first = next(each for each in heard if each["static"] is not None)
    gap = first["now"] - last["now"]
    jump = first["static"] - (last["live"] + gap)
    print(f"silent for {1000 * gap:.0f} ms, {1000 * jump:+.0f} ms apart at {last['live']:.1f} s")  # noqa: T201 - measured
    assert gap < 0.15
    assert abs(jump) < 0.2


def _players(page: Notebook, cell: int) -> Locator:
    return page.output(cell).locator("audio:visible, .fal-player:visible")


def test_the_static_player_takes_over_at_the_same_second(page: Notebook) -> None:
    page.start(1)
    until(page, "ear.sounded")
    expect(_players(page, 1)).to_have_count(1)
    page.wait(1)
    _until_taken_over(page)
    page.page.wait_for_timeout(300)
    _check_seamless(page)
    expect(_players(page, 1)).to_have_count(1)
    until(page, "ear.contexts.at(-1).state === 'closed'")
    page.output(1).locator("audio").evaluate("each => each.pause()")
    assert page.page.evaluate("ear.heard.at(-1).live") is None


def test_autoplay_changes_nothing_of_it(page: Notebook) -> None:
    page.run(2)
    _until_taken_over(page)
    _check_seamless(page)
    assert not page.output(2).locator("audio").evaluate("each => each.autoplay")


def test_what_was_paused_and_muted_stays_paused_and_muted(page: Notebook) -> None:
    page.start(1)
    until(page, "ear.sounded")
    shown = page.output(1)
    shown.get_by_role("button", name="Mute the sound").press("Space")
    until(page, "ear.level < 0.01")
    shown.get_by_role("button", name="Pause the sound").press("Enter")
    held = float(shown.locator(LIVE).get_attribute("data-played") or 0)
    page.wait(1)
    until(page, "document.querySelector('.jp-Notebook audio')?.currentTime > 0")
    player = shown.locator("audio")
    page.page.wait_for_timeout(500)
    assert player.evaluate("each => [each.paused, each.muted]") == [True, True]
    assert player.evaluate("each => each.currentTime") == pytest.approx(held, abs=0.2)
    expect(_players(page, 1)).to_have_count(1)


def test_an_interrupt_silences_at_once_and_the_static_player_stands_there(page: Notebook) -> None:
    page.start(3)
    until(page, "ear.heard.at(-1)?.live > 1.5")
    page.page.evaluate("window.asked = performance.now() / 1000")
    page.command("notebook:interrupt-kernel")
    page.wait(3)
    until(page, "document.querySelector('.jp-Notebook audio')?.currentTime > 0")
    page.page.wait_for_timeout(500)
    heard = _heard(page)
    last = max((each for each in heard if each["live"] is not None), key=lambda each: each["now"])
    late = last["now"] - page.page.evaluate("asked")
    print(f"silent {1000 * late:.0f} ms after the interrupt")  # noqa: T201 - measured
    assert late < 1
    player = page.output(3).locator("audio")
    assert player.evaluate("each => [each.paused, each.muted]") == [True, False]
    assert player.evaluate("each => each.currentTime") == pytest.approx(last["live"], abs=0.2)
    assert not [each for each in heard if each["static"] is not None]


def test_a_second_run_in_the_page_leaves_the_first_alone(page: Notebook) -> None:
    page.run(1)
    _until_taken_over(page)
    page.run(2)
    until(page, "[...document.querySelectorAll('audio')].filter((each) => !each.paused).length === 2")
    assert page.output(1).locator("audio").evaluate("each => !each.paused && !each.muted")


def test_the_box_has_one_player_from_the_first_sound_to_the_last(page: Notebook) -> None:
    page.run(4)
    shown = page.output(4).locator(".fal-root")
    shown.get_by_role("switch", name="Play sound").check()
    shown.get_by_label("Prompt", exact=True).fill("x")
    shown.get_by_label("Prompt", exact=True).press("Control+Enter")
    until(page, "ear.sounded")
    expect(_players(page, 4)).to_have_count(1)
    expect(shown.locator(".fal-entry[data-end=done] audio")).to_have_count(1)
    _until_taken_over(page)
    _check_seamless(page)
    expect(_players(page, 4)).to_have_count(1)
    shown.get_by_label("Prompt", exact=True).fill("y")
    shown.get_by_label("Prompt", exact=True).press("Control+Enter")
    until(page, "document.querySelector('.fal-entry audio').paused")
    shown.get_by_role("button", name="Clear", exact=True).click()


def test_it_takes_over_within_an_output_widget(page: Notebook) -> None:
    page.run(5)
    _until_taken_over(page)
    _check_seamless(page)
    expect(_players(page, 5)).to_have_count(1)


def test_where_the_static_player_is_not_found_the_sound_keeps_its_controls(page: Notebook) -> None:
    page.page.evaluate(
        "() => { const find = document.querySelectorAll.bind(document); document.querySelectorAll = (wanted) =>"
        " find(wanted.includes('data-fal-sound') ? 'nothing' : wanted); }"
    )
    try:
        page.run(1)
        alone = page.page.get_by_role("group", name="Sound of an answer")
        expect(alone).to_contain_text("playing")
        alone.get_by_role("button", name="Pause the sound").click()
        until(page, "ear.contexts.at(-1).state === 'suspended'")
        alone.get_by_role("button", name="Play the sound").click()
        until(page, "ear.level > 0.1")
        alone.get_by_role("button", name="Stop the sound").click()
        expect(alone).to_have_count(0)
        until(page, "ear.contexts.at(-1).state === 'closed'")
    finally:
        page.page.evaluate("() => { delete document.querySelectorAll; }")


def test_where_the_browser_does_not_let_it_play_the_live_player_stands_in_its_place(page: Notebook) -> None:
    page.page.evaluate(
        "() => { window.letPlay = HTMLMediaElement.prototype.play; HTMLMediaElement.prototype.play = () =>"
        " Promise.reject(new DOMException('', 'NotAllowedError')); }"
    )
    try:
        page.run(1)
        expect(page.output(1).locator(LIVE)).to_contain_text("playing")
        expect(_players(page, 1)).to_have_count(1)
        until(page, "ear.contexts.at(-1).state === 'closed'")
        expect(page.output(1).locator(LIVE)).to_have_count(0)
        expect(page.output(1).locator("audio")).to_be_visible()
    finally:
        page.page.evaluate("() => { HTMLMediaElement.prototype.play = letPlay; }")


def test_an_mp3_that_python_feeds_is_taken_over_at_the_same_second(page: Notebook) -> None:
    page.run(6)
    _until_taken_over(page)
    _check_seamless(page)
    expect(_players(page, 6)).to_have_count(1)


def test_the_stop_button_silences_at_once(page: Notebook) -> None:
    page.start(3)
    stop = page.output(3).get_by_role("button", name="Stop this request")
    stop.wait_for()
    page.page.evaluate("window.asked = performance.now() / 1000")
    stop.click()
    until(page, "ear.contexts.at(-1).state === 'closed'")
    page.wait(3)
    assert max(each["now"] for each in _heard(page) if each["live"]) - page.page.evaluate("asked") < 1
    assert page.output(3).locator("audio").evaluate("each => each.paused")


def test_the_focus_goes_to_the_static_player(page: Notebook) -> None:
    page.start(1)
    until(page, "ear.sounded")
    page.output(1).get_by_role("button", name="Pause the sound").focus()
    page.wait(1)
    _until_taken_over(page)
    until(page, "document.activeElement.localName === 'audio'")


def test_a_reload_shows_the_static_player_and_no_sound(page: Notebook) -> None:
    page.run(1)
    _until_taken_over(page)
    saved = page.save()
    assert "widget-view" not in str(saved)
    page.open()
    page.page.wait_for_timeout(1500)
    expect(_players(page, 1)).to_have_count(1)
    player = page.output(1).locator("audio")
    assert player.evaluate("each => [each.paused, each.muted, each.currentTime]") == [True, False, 0]
    expect(page.page.locator(".fal-player-alone")).to_have_count(0)


def test_a_page_that_is_reloaded_while_sound_arrives_has_the_static_player_at_the_end(page: Notebook) -> None:
    page.start(7)
    page.output(7).get_by_role("button", name="Stop this request").wait_for()
    page.save()
    page.open()
    expect(page.output(7).locator("audio")).to_be_visible()
    expect(_players(page, 7)).to_have_count(1)


def test_sound_that_the_browser_does_not_allow_stands_at_its_beginning(
    browser: Browser, jupyter_server: Server
) -> None:
    with stored(jupyter_server, ["\n".join(CELLS[:2])], "unheard.ipynb"):
        page = Unclicked(browser, address(jupyter_server, "unheard.ipynb"))
        page.until(
            "window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.connectionStatus === 'connected'"
        )
        page.value("jupyterapp.commands.execute('notebook:run-cell'); 0")
        page.until("document.querySelector('[data-state=blocked]')?.innerText.includes('press play to hear it')")
        page.until("document.querySelector('.jp-Notebook audio')?.readyState >= 1")
        page.page.wait_for_timeout(2000)
        player = "document.querySelector('.jp-Notebook audio')"
        state = f"(({{paused, muted, currentTime}}) => [paused, muted, currentTime])({player})"
        assert page.value(state) == [True, False, 0]
        assert page.value("document.querySelectorAll('.fal-player').length") == 0
        assert page.value("ear.loudest") == 0
        page.page.close()
