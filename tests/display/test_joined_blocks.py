"""Blocks that grow, joined: with nothing in the text that comes late, they are the whole text at every moment."""

import re

import pytest

from fal_notebook.display.growing_words import GrowingWords
from fal_notebook.display.joined_blocks import joined_html
from fal_notebook.render.growth import Block
from fal_notebook.render.markdown import markdown_html
from fal_notebook.response.updates import Text

CODE = "```py\n" + "".join(f"    line = {number}\n" for number in range(200)) + "```\n"
TABLE = "| a | b |\n|---|---|\n" + "".join(f"| row {number} | words |\n" for number in range(200))
NUMBERED = "".join(f"{number}. item **{number}**\n" for number in range(3, 30))
WORDS = "Some words and more. " * 300
MIXED = f"# Words\n\n- a\n- b\n  - c\n  - d\n- e\n\n{CODE}\nText\n\n{NUMBERED}\n{TABLE}\n> quote\n\nThe end"
ATTRIBUTES = re.compile(r' (value="\d+"|dir="auto")')


def grown(text: str, size: int) -> GrowingWords:
    words = GrowingWords()
    for at in range(0, len(text), size):
        words.feed(Text(text[at : at + size], at))
        words.take()
    return words


def plain(html: str) -> str:
    return ATTRIBUTES.sub("", re.sub(r">\n+<", "><", html)).strip()


@pytest.mark.parametrize("text", [CODE, TABLE, NUMBERED, WORDS, MIXED, "- a\n- b\n\n1. c\n2. d\n"])
@pytest.mark.parametrize("size", [7, 300])
def test_what_goes_on_is_in_the_element_that_it_goes_on_with(text: str, size: int) -> None:
    words = grown(text, size)
    words.take(last=True)
    assert plain(joined_html(words.blocks)) == plain(markdown_html(text))


def test_a_tail_goes_on_as_well() -> None:
    words = grown("- a\n- b\n- c\n\nThe", 3)
    assert plain(joined_html([*words.blocks, words.tail])) == plain(markdown_html("- a\n- b\n- c\n\nThe"))


def test_what_is_of_another_kind_stands_behind() -> None:
    blocks = [Block("<ul>\n<li>a</li>\n</ul>\n"), Block("<p>b</p>", continues=True)]
    assert joined_html(blocks).endswith("</ul>\n<p>b</p>")
    assert joined_html([Block("", continues=True), Block("<p>b</p>", continues=True)]) == "<p>b</p>"


def test_a_text_that_is_no_markdown_is_shown_as_it_is() -> None:
    words = GrowingWords()
    words.show_as_text()
    text = "*a* <b>\n" * 400
    for at in range(0, len(text), 33):
        words.feed(Text(text[at : at + 33], at))
        words.take()
    words.feed(Text("# c", len(text)))
    words.take(last=True)
    assert joined_html(words.blocks) == words.html()
    assert "&lt;b&gt;\n# c</pre>" in words.html()
    words.feed(Text("d", 2))
    words.take(last=True)
    assert joined_html(words.blocks) == words.html()
    assert "*ad" in words.html()
