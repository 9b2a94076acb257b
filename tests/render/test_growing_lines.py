"""A text that is no Markdown, as it grows: in the end it is the preformatted text, however it came."""

from hypothesis import given
from hypothesis import strategies as st

from fal_notebook.render.growing_lines import GrowingLines
from fal_notebook.render.growth import Block
from fal_notebook.render.markdown import preformatted_html
from fal_notebook.safety.plain_text import plain_text

REPEATED = st.builds(str.__mul__, st.text("ab<*\n\r\u202e😀\ud83d\u0301 "), st.integers(1, 90))
PIECES = st.lists(st.tuples(REPEATED, st.booleans()), max_size=8)


def inner(blocks: list[Block]) -> str:
    return "".join(block.html.partition(">")[2].removesuffix("</pre>") for block in blocks)


@given(PIECES, st.integers(0, 300))
def test_in_the_end_it_is_the_whole_text_as_it_is(pieces: list[tuple[str, bool]], offset: int) -> None:
    lines, blocks, text = GrowingLines(), list[Block](), ""
    for piece, is_taken in [*pieces, ("replaced", True)]:
        place = offset if piece == "replaced" and offset < len(text) else len(text)
        lines.feed(piece, place)
        text = text[:place] + piece
        if is_taken:
            growth = lines.take()
            blocks[growth.keep :] = growth.blocks
    lines.end()
    growth = lines.take()
    blocks[growth.keep :] = growth.blocks
    assert growth.tail.html == ""
    assert lines.html() == preformatted_html(plain_text(text))
    assert f"{inner(blocks)}</pre>" == lines.html().partition(">")[2]
    assert [block.continues for block in blocks] == [number > 0 for number in range(len(blocks))]


def test_a_line_that_grows_is_the_tail_and_what_is_long_is_given_in_pieces() -> None:
    lines = GrowingLines()
    lines.feed("a line\n" * 200)
    growth = lines.take()
    assert len(growth.blocks) == 1
    assert growth.blocks[0].html.endswith("a line\n</pre>")
    lines.feed("<b>")
    assert lines.take().tail.html.endswith("a line\n&lt;b&gt;</pre>")
