import pytest
from hypothesis import given
from hypothesis import strategies as st

from fal_notebook.response.growing_text import GrowingText, UnmarkedText

SENTENCE = "The cat sat on the mat, said Zürich's 🎈 and the cat purred on."


def told(*pieces: str, documented: bool = False) -> str:
    """The text that pieces make, which is also what their changes fold to."""
    text, folded = UnmarkedText(), ""
    for piece in pieces:
        change = text.take(piece, documented=documented)
        if change:
            folded = folded[: change[1]] + change[0]
        assert folded == str(text)
    return folded


def test_growing_text_tells_what_is_new_and_where() -> None:
    text = GrowingText()
    assert [text.append("ab"), text.append(""), text.append("c"), text.replace("abcd"), text.append("e")] == [
        ("ab", 0),
        None,
        ("c", 2),
        ("d", 3),
        ("e", 4),
    ]
    assert str(text) == "abcde"


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ("The cat", "The cat sat", (" sat", 7)),
        ("The cat", "The cat", None),
        ("The cat", "The dog", ("dog", 4)),
        ("The cat sat", "The cat", ("", 7)),
        ("The cat", "A dog", ("A dog", 0)),
        ("The cat", "", ("", 0)),
        ("", "The", ("The", 0)),
        ("a\ud83c", "a🎈", ("🎈", 1)),
    ],
)
def test_a_snapshot_changes_what_follows_the_common_start(
    before: str, after: str, change: tuple[str, int] | None
) -> None:
    text = GrowingText()
    text.append(before)
    assert text.replace(after) == change
    assert str(text) == after


@given(st.lists(st.tuples(st.booleans(), st.text("ab", max_size=6))))
def test_folding_the_changes_gives_the_text(steps: list[tuple[bool, str]]) -> None:
    text, folded = GrowingText(), ""
    for is_snapshot, words in steps:
        change = text.replace(words) if is_snapshot else text.append(words)
        if change:
            folded = folded[: change[1]] + change[0]
    assert folded == str(text)


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (["Hel", "lo ", "world"], "Hello world"),
        (["Hel", "lo ", "world", "Hello world"], "Hello world"),
        (["Hel", "lo ", "world", "Hello world", "Hello world", ""], "Hello world"),
        (["Hello", " world", "\n", "Hello world", "\n"], "Hello world\n"),
        (["\n", "Hello", " ", "world"], "\nHello world"),
        (["ha", "ha", "!"], "haha!"),
        (["ha", "ha", "ha", " said", " he"], "hahaha said he"),
        (["I", " am", " amazing"], "I am amazing"),
        (["I", " can", " can", " a", " an"], "I can can a an"),
        (list("Hello, llama"), "Hello, llama"),
        (["* a\n", "* b\n", "* c\n", "* d\n"], "* a\n* b\n* c\n* d\n"),
        (['{"a": 1}\n', '{"b": 2}\n', '{"c": 3}\n', '{"d": 4}\n'], '{"a": 1}\n{"b": 2}\n{"c": 3}\n{"d": 4}\n'),
        (["你", "好", "世界"], "你好世界"),
        (["a ", "apple ", "and ", "ant"], "a apple and ant"),
        (["so ", "some ", "songs ", "sound"], "so some songs sound"),
        (["The", " cat", " can", " cab"], "The cat can cab"),
        (["I think so. ", "I think not. ", "I think"], "I think so. I think not. I think"),
        (['{"id": "a", "n": 1}\n', '{"id": "a", "n": 2}\n'], '{"id": "a", "n": 1}\n{"id": "a", "n": 2}\n'),
    ],
)
def test_pieces_that_share_nothing_with_those_before_are_joined(pieces: list[str], text: str) -> None:
    assert told(*pieces) == text


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (["Hello"], "Hello"),
        (["ha", "ha"], "ha"),
        (["A", "A cat", "A cat."], "A cat."),
        (["The cat sat", "The dog sat"], "The dog sat"),
        (["The cat sat", "The cat"], "The cat"),
        (["The cat", "The cat sat", "A dog", "Two dogs", "3"], "3"),
        (["I", "Eye", "Eye am", "Eye am here"], "Eye am here"),
        (["Step 1/10", "Step 2/10", "Step 3/10", "Step 4/10"], "Step 4/10"),
        (["Searching…", "Reading…", "The answer", "The answer is 4"], "The answer is 4"),
        (["Hello there.", " \n", ""], "Hello there."),
        ([" \n", "Hello"], "Hello"),
    ],
)
def test_pieces_that_repeat_what_came_before_replace_it(pieces: list[str], text: str) -> None:
    assert told(*pieces) == text


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (["The cat", "A dog"], "A dog"),
        (["A", "A cat", "Two dogs"], "Two dogs"),
        (["Hel", "lo ", "world"], "Hello world"),
        (["Hel", "lo ", "world", "Hello world"], "Hello world"),
    ],
)
def test_more_has_to_speak_for_deltas_where_snapshots_are_documented(pieces: list[str], text: str) -> None:
    assert told(*pieces, documented=True) == text


def test_deltas_of_which_many_came_stay_deltas() -> None:
    pieces = ["The ", "cat ", "sat ", "on ", "a ", "matting", "matting, ", "said they"]
    assert told(*pieces) == "".join(pieces)


def test_what_is_marked_as_new_goes_behind_either_reading() -> None:
    text = UnmarkedText()
    assert [text.append("ha"), text.append("ha"), text.take("haha"), text.append("!")] == [
        ("ha", 0),
        ("ha", 2),
        None,
        ("!", 4),
    ]
    assert str(text) == "haha!"
    assert text.take(" he said") == (" he said", 5)


def test_it_is_settled_that_pieces_are_snapshots_when_one_goes_on_from_many_characters() -> None:
    text, seen = UnmarkedText(), []
    for piece in ("A", "A cat", "A cat.", "A cat. Yes"):
        text.take(piece)
        seen.append(text.are_snapshots)
    assert seen == [False, False, True, True]


@given(lengths=st.lists(st.integers(0, len(SENTENCE)), min_size=1), documented=st.booleans())
def test_beginnings_of_a_sentence_are_snapshots(*, lengths: list[int], documented: bool) -> None:
    pieces = [SENTENCE[:length] for length in sorted(lengths)]
    assert told(*pieces, documented=documented) == pieces[-1]


@given(pieces=st.lists(st.text("ab🎈é \n", max_size=8), max_size=12), documented=st.booleans())
def test_the_changes_of_any_pieces_fold_to_the_text(*, pieces: list[str], documented: bool) -> None:
    told(*pieces, documented=documented)
