"""What a model wrote to be unfolded is a fold, at every moment of a text that grows, and holds Markdown."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fal_notebook.render.bundles import text_bundle
from fal_notebook.render.growing_markdown import GrowingMarkdown
from fal_notebook.render.markdown import markdown_html

from .test_growing_markdown import grown
from .test_lossless_markdown import Reader
from .test_markdown import FRAGMENTS, HTML, bare, problems

BEGIN, END = "<details>\n<summary>The *answer*</summary>\n", "</details>\n"
WORDS = f"{BEGIN}\nForty-**two**.\n\n```py\nx = '</details>'\n</details>\n```\n\n$x$\n\n{END}\nMore."
MARKS = (
    BEGIN,
    END,
    "<details open><summary>a</summary>\n",
    "<details>\n",
    "<summary>\n",
    "\n",
    "w1 ",
    "w2\n",
    "> ",
    "- ",
)


def folds(text: str) -> list[str]:
    return re.findall(r"<details[^>]*>|</?summary>|</details>", bare(markdown_html(text)))


def test_it_holds_markdown_below_its_summary() -> None:
    html = bare(markdown_html(WORDS))
    assert html.startswith("<details>\n<summary>The <em>answer</em></summary>\n<p>Forty-<strong>two")
    assert html.endswith("<p><span>\\(x\\)</span></p>\n</details>\n<p>More.</p>\n")
    assert "'&lt;/details&gt;'\n&lt;/details&gt;\n</code></pre>" in html


@pytest.mark.parametrize(
    "text",
    [
        f"{BEGIN}x\n{END}",
        f"words\n{BEGIN}x\n{END}words",
        f"<details><summary>a</summary>\n\nx\n{END}",
        f"<DETAILS>\n<summary>\na\nb\n</summary>\nx\n{END}",
        "- <details>\n  <summary>a</summary>\n\n  x\n\n  </details>\n- b\n",
        "> <details>\n> <summary>a</summary>\n> x\n> </details>\n",
    ],
)
def test_it_may_stand_wherever_a_block_may(text: str) -> None:
    assert folds(text) == ["<details>", "<summary>", "</summary>", "</details>"]


def test_one_may_stand_in_another_and_be_open() -> None:
    text = f"{BEGIN}<details open>\n<summary>a</summary>\nx\n{END}{END}"
    assert folds(text) == [
        *("<details>", "<summary>", "</summary>"),
        *('<details open="">', "<summary>", "</summary>", "</details>", "</details>"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        BEGIN,
        f"{BEGIN}x\n",
        f"{BEGIN}x</details>\n",
        f"<details>\nx\n{END}",
        f"<details>\n\n<summary>a</summary>\nx\n{END}",
        f"<details>\n<summary> </summary>\nx\n{END}",
        f"<details class=x>\n<summary>a</summary>\nx\n{END}",
        f"    {BEGIN}",
        f"```\n{BEGIN}x\n{END}```\n",
        f"- {BEGIN}x\n{END}",
        f"{BEGIN}{'words ' * 2_000}\n{END}",
        BEGIN * 5 + END * 5,
    ],
)
def test_what_a_reader_could_miss_otherwise_is_no_fold(text: str) -> None:
    """Such as the rest of an answer that was cut in the middle of a fold."""
    assert all("summary" not in each for each in folds(text)[:1])


@given(st.lists(st.sampled_from(MARKS), max_size=12).map("".join))
def test_no_word_in_or_beside_it_is_lost(text: str) -> None:
    words = re.findall(r"w\d|answer", text)
    assert re.findall(r"w\d|answer", Reader(markdown_html(text)).text) == words
    assert re.findall(r"w\d|answer", text_bundle(text).get("text/markdown", text)) == words


@given(st.lists(st.sampled_from([*MARKS, *FRAGMENTS, *HTML]), max_size=12).map("".join))
def test_nothing_in_or_beside_it_acts(text: str) -> None:
    assert problems(markdown_html(text)) == []


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_it_stays_shut_while_it_grows(size: int) -> None:
    """So nothing that stands moves at its end."""
    growing = GrowingMarkdown()
    for start in range(0, WORDS.index(END, WORDS.index("$x$")) - size, size):
        growing.feed(WORDS[start : start + size])
        tail = growing.take().tail.html
        assert "Forty" not in tail
        assert "&lt;" not in tail
    growing, page = grown([WORDS[start : start + size] for start in range(0, len(WORDS), size)])
    assert page.html == growing.html() == markdown_html(WORDS)


def test_of_a_saved_answer_readers_without_html_have_all() -> None:
    assert text_bundle(WORDS)["text/markdown"].startswith("**The *answer***\n\nForty-**two**.\n\n```py\n")
