"""The live widgets show only raster pictures and plain text, and leave no widget open."""

import re
from html import unescape
from typing import Any

import pytest

from fal_notebook.display.live_widgets import Picture, ProgressBar
from fal_notebook.display.outputs import close_widget
from fal_notebook.media.media import Media
from fal_notebook.safety.plain_text import one_line

from ..endpoints import gif
from ..render.test_markdown import HTML, QUOTED, problems


def words(message: Any) -> str:
    return unescape(re.sub(r"<[^>]*>", "", message.value))


def test_a_picture_changes_its_bytes_and_its_type_together() -> None:
    picture = Picture()
    picture.show(Media("image/gif", gif(1)))
    assert (picture.widget.format, picture.widget.value) == ("gif", gif(1))
    close_widget(picture.widget)


def test_the_bar_is_seen_once_a_fraction_is_known_and_stays_where_it_was() -> None:
    progress = ProgressBar()
    bar, message = progress.widget.children
    progress.show(None, "loading\x1b[2J the model\n")
    assert (bar.layout.display, words(message)) == ("none", "loading␛[2J the model")
    progress.show(0.5, "half")
    progress.show(None, "still half")
    assert (bar.layout.display, bar.value, words(message)) == (None, 0.5, "still half")
    close_widget(progress.widget)


def test_a_screen_reader_has_a_name_for_the_bar() -> None:
    progress = ProgressBar()
    state = progress.widget.children[0].get_state()
    assert (state.get("tooltip") or state.get("description_tooltip")) == "Progress"
    close_widget(progress.widget)


@pytest.mark.parametrize("message", [*HTML, *QUOTED, r"$\href{javascript:alert(1)}{x}$", r"\(x\) \[x\] $$x$$"])
def test_a_progress_message_cannot_act_and_starts_no_mathematics(message: str) -> None:
    progress = ProgressBar()
    progress.show(0.5, message)
    html = progress.widget.children[1].value
    assert problems(html, {"span"}, {"span": {"style"}}) == []
    assert not re.search(r"[$\\][^<]", html)
    assert words(progress.widget.children[1]) == one_line(message, 200)
    close_widget(progress.widget)


def test_closing_closes_all_that_belongs_to_a_widget() -> None:
    progress = ProgressBar()
    bar, message = progress.widget.children
    close_widget(progress.widget)
    every = [
        progress.widget,
        progress.widget.layout,
        bar,
        bar.layout,
        bar.style,
        message,
        message.layout,
        message.style,
    ]
    assert [each.comm for each in every] == [None] * len(every)
