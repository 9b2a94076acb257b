"""The live widgets show only raster pictures and plain text, and leave no widget open."""

from fal_notebook.display.live_widgets import Picture, ProgressBar
from fal_notebook.display.outputs import close_widget
from fal_notebook.media.media import Media

from ..endpoints import gif


def test_a_picture_changes_its_bytes_and_its_type_together() -> None:
    picture = Picture()
    picture.show(Media("image/gif", gif(1)))
    assert (picture.widget.format, picture.widget.value) == ("gif", gif(1))
    close_widget(picture.widget)


def test_the_bar_is_seen_once_a_fraction_is_known_and_stays_where_it_was() -> None:
    progress = ProgressBar()
    bar, message = progress.widget.children
    progress.show(None, "loading\x1b[2J the model\n")
    assert (bar.layout.display, message.value) == ("none", "loading␛[2J the model")
    progress.show(0.5, "half")
    progress.show(None, "still half")
    assert (bar.layout.display, bar.value, message.value) == (None, 0.5, "still half")
    close_widget(progress.widget)


def test_a_screen_reader_has_a_name_for_the_bar_and_its_message() -> None:
    progress = ProgressBar()
    for each in progress.widget.children:
        state = each.get_state()
        assert (state.get("tooltip") or state.get("description_tooltip")) == "Progress"
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
