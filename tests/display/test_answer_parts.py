"""The blocks of an answer that grows stand in a page as those of the whole answer do."""

from fal_notebook.display.answer_parts import parts_html
from fal_notebook.render.growth import Block


def test_a_block_of_its_own_is_as_it_is() -> None:
    assert parts_html([Block("<h1>a</h1>"), Block("<p>b</p>")]) == "<h1>a</h1><p>b</p>"


def test_a_block_that_goes_on_says_so() -> None:
    items = [Block("<ul></ul>", continues=True), Block("<ol></ol>", continues=True)]
    assert parts_html(items) == ('<div class="fal-goes-on"><ul></ul></div><div class="fal-goes-on"><ol></ol></div>')


def test_code_whose_end_has_not_come_says_so() -> None:
    assert parts_html([Block("<pre></pre>", is_open=True)]) == '<div class="fal-open"><pre></pre></div>'
    both = Block("<pre></pre>", continues=True, is_open=True)
    assert parts_html([both]) == '<div class="fal-goes-on fal-open"><pre></pre></div>'


def test_an_empty_tail_is_nothing() -> None:
    assert parts_html([Block("", continues=True)]) == ""
