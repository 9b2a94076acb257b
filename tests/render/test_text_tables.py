"""Tables of plain text in terminals of every width."""

from fal_notebook.render.text_tables import text_table

NAMES = ("argument", "kind", "meaning")
ROWS = [("prompt", "text", "What the model is asked, in as many words as you like."), ("seed", "a number", "")]


def test_a_wide_table_has_a_line_for_each_row() -> None:
    expected = (
        "argument  kind      meaning\n"
        "prompt    text      What the model is asked, in as many words as you like.\n"
        "seed      a number"
    )
    assert text_table(NAMES, ROWS) == expected
    assert text_table(NAMES, ROWS, 120) == expected


def test_where_there_is_little_room_the_last_column_goes_on_below_itself() -> None:
    assert text_table(NAMES, ROWS, 45) == (
        "argument  kind      meaning\n"
        "prompt    text      What the model is asked,\n"
        "                    in as many words as you\n"
        "                    like.\n"
        "seed      a number"
    )


def test_in_a_narrow_terminal_each_row_is_a_block_and_no_line_is_too_long() -> None:
    found = text_table(NAMES, ROWS, 30)
    assert found == (
        "prompt\n  kind: text\n  meaning: What the model is\n    asked, in as many words as\n    you like.\n"
        "seed\n  kind: a number"
    )
    assert max(map(len, found.splitlines())) <= 30
