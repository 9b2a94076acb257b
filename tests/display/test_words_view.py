"""Tests of the widget with growing words: what its messages have."""

from typing import Any

from fal_notebook.display.growing_words import GrowingWords
from fal_notebook.display.words_view import Around, WordsView
from fal_notebook.render.bundles import small_bundle
from fal_notebook.response.updates import Text

from ..growing_page import GrowingColumns

LINE = Around.of(below=[small_bundle("receiving…")])


def _frames(view: WordsView) -> list[dict[str, Any]]:
    frames = [view.widget.frame]
    view.widget.observe(lambda change: frames.append(change.new), "frame")
    return frames


def test_a_message_has_only_what_is_new() -> None:
    view, words = WordsView(["a model"], "mark"), GrowingWords()
    frames = _frames(view)
    words.feed(Text("# A heading\n\nSome *words*", 0))
    assert view.show([(LINE, words)]) > 0
    words.feed(Text(" go on\n\nand on", 26))
    view.show([(LINE, words)])
    assert view.show([(LINE, words)]) == 0
    assert "heading" in str(frames[1])
    assert "receiving" in str(frames[1])
    assert "heading" not in str(frames[2])
    assert "receiving" not in str(frames[2])
    page = GrowingColumns()
    for frame in frames:
        page.apply(frame)
    assert page.text == ["A heading Some words go on and on receiving…"]
    view.widget.close()


def test_a_page_that_asks_gets_all_with_the_next_message() -> None:
    view, words = WordsView(["a", "b"], "mark"), GrowingWords()
    frames = _frames(view)
    words.feed(Text("# A heading\n\nSome *words*", 0))
    view.show([(LINE, words), (Around(), GrowingWords())])
    view.widget._handle_custom_msg({"kind": "whole"}, [])
    view.show([(LINE, words), (Around(), GrowingWords())])
    page = GrowingColumns()
    page.apply(frames[-1])
    assert page.text == ["A heading Some words receiving…", ""]
    view.widget.close()


def test_a_name_starts_neither_html_nor_mathematics() -> None:
    view = WordsView(["<b>$x$"], "mark")
    assert view.widget.look["names"] == ["&lt;b&gt;<span>$</span>x<span>$</span>"]
    view.widget.close()
