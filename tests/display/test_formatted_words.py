"""Words that are formatted while they stream: each block enters the page once, and the tail behind them is replaced."""

import re
from collections.abc import Iterator

import pytest
from ipywidgets import Layout

from fal_notebook.display.formatted_words import FormattedWords
from fal_notebook.display.outputs import close_widget
from fal_notebook.render.markdown import markdown_html

from ..render.test_markdown import ATTRIBUTES, HTML, QUOTED, TAGS, problems

OURS = TAGS | {"div"}
OUR_ATTRIBUTES = ATTRIBUTES | {"div": {"class", "tabindex"}, "pre": {"tabindex"}}
HIDDEN = re.compile(r'<style class="fal-style">([^<]*)\{display:none!important\}</style>')
PART = re.compile(r'<div class="fal-now-answer fal-part ([^"]*)">')


class Page:
    """What a page shows of the words."""

    def __init__(self, words: FormattedWords) -> None:
        self.words = words
        self.outputs: list[str] = []
        self.messages = 0

    def add(self, text: str) -> None:
        before = self.words.growing.value
        self.words.add(text, self._show)
        self.messages += before != self.words.growing.value

    def _show(self, bundle: dict[str, str], replaces_all: bool) -> None:  # noqa: FBT001 - as `add` calls it
        if replaces_all:
            self.outputs.clear()
        self.outputs.append(bundle["text/html"])
        self.messages += 1

    @property
    def seen(self) -> str:
        """What is not hidden."""
        html = "".join([*self.outputs, self.words.growing.value])
        hidden = {name.strip(".") for each in HIDDEN.findall(html) for name in each.split(",")}
        _, *parts = PART.split(HIDDEN.sub("", html))
        shown = [part for place, part in zip(parts[::2], parts[1::2], strict=True) if place not in hidden]
        return "".join(re.sub(r"</div>$", "", part) for part in shown)


@pytest.fixture
def page() -> Iterator[Page]:
    layout = Layout()
    words = FormattedWords(layout)
    yield Page(words)
    for part in words.parts:
        close_widget(part)


def test_a_block_is_displayed_once_and_what_grows_is_replaced(page: Page) -> None:
    page.add("# a\n\nb *c")
    assert page.seen == markdown_html("# a\n\nb \\*c")
    page.add(" d")
    assert page.seen == markdown_html("# a\n\nb \\*c d")
    page.add("* e\n\nf")
    assert page.seen == markdown_html("# a\n\nb *c d* e\n\nf")
    assert sum(each.count("<h1") for each in page.outputs) == 1
    assert len(page.outputs) == 2


@pytest.mark.parametrize("size", [1, 3, 40])
def test_every_message_leaves_the_page_complete(page: Page, size: int) -> None:
    text = "# a\n\nSome words, **bold** ones.\n\nb\n\n> c\n\nd"
    for start in range(0, len(text), size):
        messages = page.messages
        page.add(text[start : start + size])
        assert page.messages - messages <= 1
        shown = re.sub(r"<[^>]*>|\s", "", page.seen)
        came = re.sub(r"[\s#>*]", "", text[: start + size])
        assert shown.replace("*", "").startswith(came[:-1])
    assert page.seen == markdown_html(text)


def test_words_without_an_end_display_no_block(page: Page) -> None:
    page.add("some words")
    assert page.outputs == []
    assert page.seen == markdown_html("some words")


def test_words_replace_the_line_that_tells_what_is_waited_for(page: Page) -> None:
    page.words.say("waiting… <b>2 s</b> $x$")
    assert page.seen == '<div class="fal-now-small">waiting… &lt;b&gt;2 s&lt;/b&gt; <span>$</span>x<span>$</span></div>'
    page.add("a")
    assert page.seen == markdown_html("a")


def test_words_that_begin_anew_replace_all(page: Page) -> None:
    page.add("a\n\nb\n\nc")
    page.words.restart()
    page.add("d")
    assert page.seen == markdown_html("d")
    page.add("\n\ne")
    assert page.seen == markdown_html("d\n\ne")


@pytest.mark.parametrize("text", [*HTML, *QUOTED])
def test_hostile_words_cannot_act_while_they_stream(page: Page, text: str) -> None:
    for letter in text + "\n\nwords":
        page.add(letter)
        assert problems(page.seen, OURS, OUR_ATTRIBUTES) == []
