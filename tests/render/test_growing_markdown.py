"""A text that is formatted while it comes is in the end what it is as a whole, and never less safe on the way."""

import re
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fal_notebook.render.growing_markdown import GrowingMarkdown
from fal_notebook.render.growth import Block, Growth
from fal_notebook.render.markdown import markdown_html
from fal_notebook.safety.plain_text import plain_text

from .test_lossless_markdown import DOCUMENTS, RUNS
from .test_markdown import ACTING, FORMULAS, FRAGMENTS, HTML, QUOTED, bare, block_problems

ROOT = Path(__file__).parents[2]
CORPUS = [path.read_text(encoding="utf-8", errors="replace") for path in (ROOT / "tests/corpus/words").iterdir()]
OURS = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "notebooks/GUIDE.md", "tests/FAULTS.md")
REAL = [*CORPUS, *((ROOT / name).read_text(encoding="utf-8") for name in OURS)]
PLAIN_BLOCKS = (
    *("# Words\n\n", "Words\n=====\n\n", "Some **words** of `code`.\n\n", "- a\n- b\n- c\n\n"),
    *("- a\n\n- b\n- c\n\n", "1. a\n2. b\n\n   ```py\n   x\n   ```\n3. c\n\n", "1. a\n1. b\n1. c\n\n"),
    *("3. a\n4. b\n", "> a\nb\n\n> c\n", "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 |\n\n"),
    *("```py\nx = '$$'\n\n```\n", "~~~\n- x\n~~~\n", "    code\n\n    x\n", "$$\nx\n\ny\n$$\n"),
    *("\\[\nx = y\n\\]\n", "a $$x$$ b\n\n", "cost $$\n\n", "\\[\n", "\\]\n", "---\n", "***\n", "words\n"),
    *("[a]\n\n", "[a]: https://x.org\n", "[a]: https://x.org\n'title\n", "[^1]: note\n\n    more\n\n", "[^1]\n"),
    *("\n", " ", "\\begin{align}\nx\n", "\\end{align}\n", "a  \nb\\\nc\n", "<b>\n", "\t- a\n"),
    *("- [a]: https://x.org\n'title\n"),
    *("<details>\n<summary>a</summary>\n", "<details open><summary>b *c*</summary>\n\n", "<summary>\n", "</details>\n"),
    *("- <details>\n  <summary>a</summary>\n\n  b\n\n  </details>\n", "<details>\n", "</details>\n\n"),
)
TEXTS = st.one_of(
    DOCUMENTS,
    RUNS,
    st.lists(st.sampled_from(PLAIN_BLOCKS), max_size=10).map("".join),
    st.lists(st.sampled_from([*FRAGMENTS, *QUOTED]), max_size=8).map("".join),
    st.builds(
        lambda text, first, length: text[first % len(text) :][:length],
        *(st.sampled_from(REAL), st.integers(0, 100_000), st.integers(0, 5_000)),
    ),
    st.text(max_size=60),
)
CUTS = st.lists(st.integers(0, 10_000), max_size=20)
WORDS = "The quick brown fox jumps over the lazy dog and **runs** away. "
FENCE = '<div class="fal-code"><div class="fal-code-head">py</div>\n<pre tabindex="0"><code>'
TABLE = "| a | b |\n|---|---|\n"
FOLD = "<details>\n<summary>b</summary>\n"
SHUT = "<details>\n<summary>b</summary>\n"


class Page:
    """What a page shows."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.tail = ""
        self.bytes = 0
        self.longest_tail = 0

    def apply(self, growth: Growth) -> None:
        assert growth.keep <= len(self.blocks)
        self.blocks[growth.keep :] = growth.blocks
        tail = growth.tail.html
        if tail != self.tail:
            self.bytes += len(tail.encode())
        self.tail = tail
        self.bytes += sum(len(block.html.encode()) for block in growth.blocks)
        self.longest_tail = max(self.longest_tail, len(tail))

    @property
    def html(self) -> str:
        return "".join(block.html for block in self.blocks)


def pieces(text: str, cuts: list[int]) -> list[str]:
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return [text[first:last] for first, last in pairwise(places)]


def grown(parts: list[str]) -> tuple[GrowingMarkdown, Page]:
    growing, page = GrowingMarkdown(), Page()
    for part in parts:
        growing.feed(part)
        page.apply(growing.take())
    growing.end()
    page.apply(growing.take())
    assert page.tail == ""
    return growing, page


def seconds(parts: list[str]) -> float:
    began = time.thread_time()
    grown(parts)
    return time.thread_time() - began


@given(TEXTS, CUTS)
def test_in_the_end_it_is_the_html_of_the_whole_text(text: str, cuts: list[int]) -> None:
    growing, _ = grown(pieces(text, cuts))
    assert growing.html() == markdown_html(plain_text(text))


@pytest.mark.parametrize("text", REAL, ids=lambda text: text[:20])
def test_so_it_is_of_documents_that_come_in_tokens(text: str) -> None:
    growing, _ = grown([text[start : start + 40] for start in range(0, len(text), 40)])
    assert growing.html() == markdown_html(plain_text(text))


@pytest.mark.parametrize("end", ["", "\n", " ", "\n\n"])
@pytest.mark.parametrize("start", ["", "words\n\n", "- a\n- b\n"])
@pytest.mark.parametrize("rows", [TABLE + "| 1 | 2 |\n" * 500, "```\n" + "x\n" * 500, "- a\n" * 3, WORDS * 40])
def test_so_it_is_where_all_but_the_last_line_end_was_given(start: str, rows: str, end: str) -> None:
    text = start + rows + end
    for parts in ([text], [text[:-1], text[-1:]], [start, rows, end]):
        growing, _ = grown(parts)
        assert growing.html() == markdown_html(text)


@given(TEXTS, CUTS)
def test_a_block_that_was_given_is_the_one_of_the_whole_text(text: str, cuts: list[int]) -> None:
    """Unless it was given in parts, or something in the text says of others what they are."""
    growing, page = grown(pieces(text, cuts))
    whole = markdown_html(plain_text(text))
    if not any(block.continues for block in page.blocks) and "]:" not in text and not whole.startswith("<pre style"):
        assert page.html == whole
    assert growing.html() == whole


@given(st.lists(st.tuples(TEXTS, st.integers(0, 10_000), st.booleans()), max_size=5))
def test_what_replaces_text_leaves_nothing_of_it(changes: list[tuple[str, int, bool]]) -> None:
    growing, page, text = GrowingMarkdown(), Page(), ""
    for new, offset, is_taken in changes:
        place = offset % (len(text) + 1)
        growing.feed(new, place)
        text = text[:place] + new
        if is_taken:
            page.apply(growing.take())
    growing.end()
    page.apply(growing.take())
    assert growing.html() == markdown_html(plain_text(text))
    if "]:" not in text and not any(block.continues for block in page.blocks):
        assert page.html == growing.html() or growing.html().startswith("<pre style")


def test_a_replacement_takes_back_only_what_it_may_have_decided() -> None:
    growing, page = GrowingMarkdown(), Page()
    for part in ("# a\n", "b\n\n", "c\n\n", "d"):
        growing.feed(part)
        page.apply(growing.take())
    growing.feed("e\n\n", 8)
    growth = growing.take()
    assert growth.keep == 2
    assert [bare(block.html) for block in growth.blocks] == ["<p>ce</p>\n"]


# Safety.


@pytest.mark.parametrize("text", [*HTML, *QUOTED, *(form.replace("%s", ACTING[0]) for form in FORMULAS)])
@pytest.mark.parametrize("before", ["", "- a\n- ", "| a |\n|---|\n| "])
def test_hostile_words_cannot_act_wherever_they_are_cut(before: str, text: str) -> None:
    growing = GrowingMarkdown()
    page = Page()
    whole = before + text + "\n\nwords\n"
    step = 1 + len(whole) // 500  # the longest are cut at some letters only
    for at in range(0, len(whole), step):
        growing.feed(whole[at : at + step])
        page.apply(growing.take())
        assert block_problems(page.html + page.tail) == []
    growing.end()
    page.apply(growing.take())
    assert block_problems(page.html) == []


@pytest.mark.parametrize("command", ACTING)
@pytest.mark.parametrize(
    "form", ["$%s$ ", "$$\n%s\n$$\n", r"\(%s\) ", "\\begin{align}\n%s\n\\end{align}\n", "**$%s$**"]
)
def test_no_formula_holds_a_command_that_acts_wherever_it_is_cut(form: str, command: str) -> None:
    growing, page = GrowingMarkdown(), Page()
    for letter in form.replace("%s", command) + "\n\nwords\n":
        growing.feed(letter)
        page.apply(growing.take())
        assert block_problems(page.html + page.tail) == []


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=10).map("".join), st.integers(1, 7))
def test_no_mixture_of_hostile_words_acts_on_the_way(text: str, size: int) -> None:
    growing, page = GrowingMarkdown(), Page()
    for start in range(0, len(text), size):
        growing.feed(text[start : start + size])
        page.apply(growing.take())
        assert block_problems(page.html + page.tail) == []


@pytest.mark.parametrize(
    "text", ["[" * 1_001, "a\n" * 11_000, "# x\n" * 400, "- x\n" * 6_000, "a\u0431" * 20_000, "**x** " * 12_000]
)
def test_what_no_page_takes_as_a_whole_is_not_given_in_parts(text: str) -> None:
    growing, page = grown([text[start : start + 1_000] for start in range(0, len(text), 1_000)])
    assert growing.html() == markdown_html(text)
    assert page.html.count("</h") <= 300 + 2_000
    assert page.html.count("</li>") <= 5_000 + 2_000
    assert block_problems(page.html) == []


def test_all_blocks_together_have_as_many_formulas_as_a_page_sets_at_once() -> None:
    text = "$x+y+z+1+2+3+4+5+6$\n\n" * 1_000
    growing, page = grown([text[start : start + 1_000] for start in range(0, len(text), 1_000)])
    assert page.html == growing.html() == markdown_html(text)
    assert "<code>" in page.html


# What grows is shown in its own kind, and what is finished is given.


@pytest.mark.parametrize(
    ("text", "given", "tail"),
    [
        ("# a\n", ["<h1>a</h1>\n"], ""),
        ("# a", [], "<h1>a</h1>\n"),
        ("a\n\n", ["<p>a</p>\n"], ""),
        ("a\n", [], "<p>a</p>\n"),
        ("a\n# b\n", ["<p>a</p>\n", "<h1>b</h1>\n"], ""),
        ("a\n---\n", ["<h2>a</h2>\n"], ""),
        ("- a\n- b\n", ["<ul>\n<li>a</li>\n</ul>\n"], "<ul>\n<li>b</li>\n</ul>\n"),
        ("- a\n- ", [], "<ul>\n<li>a</li>\n</ul>\n"),
        ("2. a\n3. b", [], '<ol start="2">\n<li>a</li>\n<li>b</li>\n</ol>\n'),
        ("2. a\n3. b\n", ['<ol start="2">\n<li>a</li>\n</ol>\n'], '<ol start="3">\n<li>b</li>\n</ol>\n'),
        ("> a\n> b", [], "<blockquote>\n<p>a\nb</p>\n</blockquote>\n"),
        ("> a\n\n", ["<blockquote>\n<p>a</p>\n</blockquote>\n"], ""),
        ("```py\n", [], ""),
        ("```py\nx", [], "<pre><code>x</code></pre>\n"),
        ("```py\nx\n``", [], "<pre><code>x\n</code></pre>\n"),
        ("```py\nx\n```\n", ["<pre><code>x\n</code></pre>\n"], ""),
        ("| a | b", [], ""),
        ("$$x$$\n\n", ["<p><span>\\[x\\]</span></p>\n"], ""),
        ("$$\nx\n\n- y", [], "<p><code>$$\nx\n\n- y</code></p>"),
        ("$$\nx\n$$\n\n", ["<p><span>\\[x\\]</span></p>\n"], ""),
        ("a $x$ b", [], "<p>a <code>x</code> b</p>\n"),
        ("a *b", [], "<p>a *b</p>\n"),
        ("a `b", [], "<p>a `b</p>\n"),
        ("a [b](https://fal.ai/lo", [], "<p>a b</p>\n"),
        ("a\n-", [], "<p>a</p>\n"),
        ("a\n1.", [], "<p>a</p>\n"),
        ("[a]: https://x.org\n\n", [], ""),
        ("a\n\n<detail", ["<p>a</p>\n"], ""),
        ("a\n<details>\n<summary>b", [], "<p>a</p>\n"),
        (f"{FOLD}\nc\n", [], f"{SHUT}</details>\n"),
        (f"{FOLD}c\n</details>\n", [f"{SHUT}<p>c</p>\n</details>\n"], ""),
    ],
)
def test_a_block_is_given_once_it_is_finished_and_shown_in_its_kind_before(
    text: str, given: list[str], tail: str
) -> None:
    for parts in ([text], list(text)):
        growing, page = GrowingMarkdown(), Page()
        for part in parts:
            growing.feed(part)
            page.apply(growing.take())
        assert [bare(block.html) for block in page.blocks] == given
        assert bare(page.tail) == tail


@pytest.mark.parametrize("end", ["", "|", "|-", "|---|-", "|---|---|", "|---|---|\n"])
def test_a_table_is_one_from_its_head_on(end: str) -> None:
    growing = GrowingMarkdown()
    growing.feed(f"| a | b |\n{end}")
    assert growing.take().tail.html == markdown_html(TABLE)


def test_the_rows_of_a_table_come_one_by_one() -> None:
    growing = GrowingMarkdown()
    growing.feed(f"{TABLE}| 1 | 2 |\n| 3")
    assert growing.take().tail.html == markdown_html(f"{TABLE}| 1 | 2 |\n| 3 |")


def test_a_long_fence_is_given_line_by_line() -> None:
    lines = "".join(f"    line {number}\n" for number in range(200))
    growing, page = grown([line + "\n" for line in f"```py\n{lines}```\n\n# Words".split("\n")])
    assert len(page.blocks) > 3
    assert [block.continues for block in page.blocks] == [False, *[True] * (len(page.blocks) - 2), False]
    assert page.html.replace(f"</code></pre></div>\n{FENCE}", "") == growing.html()


def test_a_long_table_is_given_in_tables_with_the_same_head() -> None:
    rows = [f"| row {number} | x |\n" for number in range(300)]
    growing, page = grown([TABLE, *rows, "\n", "words"])
    assert len(page.blocks) > 3
    assert all("<th>a</th>" in block.html for block in page.blocks[:-1])
    assert [page.html.count(f"<td>row {number}</td>") for number in range(300)] == [1] * 300
    assert growing.html() == markdown_html(TABLE + "".join(rows) + "\nwords")


@pytest.mark.parametrize("gap", ["", "\n"])
@pytest.mark.parametrize("number", ["{}.", "1.", "-"])
def test_the_items_of_a_list_stand_in_the_end_as_they_were_given(number: str, gap: str) -> None:
    text = gap.join(f"{number.format(each)} item {each}\n" for each in range(1, 9))
    growing, page = grown(list(text))
    assert len(page.blocks) == 8
    first, *others = page.blocks
    assert not first.continues
    assert all(block.continues and ("<p" in block.html) is bool(gap) for block in others)
    starts = [bare(block.html).split("\n", 1)[0] for block in others]
    assert starts == (["<ul>"] * 7 if number == "-" else [f'<ol start="{each}">' for each in range(2, 9)])
    items = "".join(block.html.split("\n", 1)[1].rsplit("</", 1)[0] for block in page.blocks)
    assert items in growing.html()


def test_a_reference_that_comes_late_settles_in_the_end() -> None:
    growing, page = grown(["See [this] and [^1].\n\n", "[this]: https://fal.ai\n", "\n[^1]: a note\n"])
    assert bare(page.blocks[0].html) == "<p>See [this] and [^1].</p>\n"
    assert 'href="https://fal.ai"' in growing.html()
    assert "<sup>[1]</sup>" in growing.html()


def test_a_reference_that_came_before_is_known() -> None:
    _, page = grown(["[this]: https://fal.ai\n\n", "See [this].\n\n"])
    assert 'href="https://fal.ai"' in page.blocks[0].html


@pytest.mark.parametrize("line_end", ["\r\n", "\r", "\n"])
def test_lines_may_end_as_they_like(line_end: str) -> None:
    growing, page = grown(list(f"a{line_end}{line_end}- b{line_end}- c"))
    assert growing.html() == markdown_html("a\n\n- b\n- c")
    assert page.html == growing.html()


# What it costs.


@pytest.mark.parametrize(
    "piece",
    [
        "word ",
        WORDS,
        "word\n",
        "x",
        "- item\n",
        "> quote\n",
        "| a | b |\n",
        "```\n",
        "$$\nx\n\n",
        "\\[\n",
        "語",
        "* ",
        "> ",
        f"{FOLD}\n{WORDS}\n\n",
        FOLD,
        "<details>\n",
    ],
)
def test_the_tail_and_the_work_of_a_look_are_bounded(piece: str) -> None:
    text = ("" if piece[0] != "|" else TABLE) + piece * (9_000 // len(piece))
    growing, page = grown([text[start : start + 500] for start in range(0, len(text), 500)])
    assert page.longest_tail < 60_000
    assert growing.html() == markdown_html(text)


@pytest.mark.rig
@pytest.mark.parametrize(
    "piece", [WORDS, "word\n", "- item\n", "> quote\n", "$$\nx\n\n", "    x\n", "a\n\n", "語", FOLD]
)
def test_the_cost_is_linear(piece: str) -> None:
    def parts(size: int) -> list[str]:
        text = piece * (size // len(piece))
        return [text[start : start + 500] for start in range(0, len(text), 500)]

    short, long = min(seconds(parts(3_000)) for _ in range(2)), seconds(parts(12_000))
    assert long < 8.5 * short + 0.05  # linear is four, quadratic sixteen


@pytest.mark.parametrize("name", [name for name in OURS if name != "tests/FAULTS.md"])
def test_at_ten_looks_a_second_less_than_three_times_the_bytes_are_sent(name: str) -> None:
    """Of 4,000 tokens, 1,000 a second: four characters each. A text that is all one table costs more."""
    text = (ROOT / name).read_text(encoding="utf-8")[:16_000]
    _, page = grown([text[start : start + 400] for start in range(0, len(text), 400)])
    assert page.bytes <= 3 * len(text.encode())


def test_code_that_is_given_line_by_line_is_open_until_its_end() -> None:
    growing = GrowingMarkdown()
    growing.feed("```py\n" + "x = 1\n" * 200)
    growth = growing.take()
    assert [(block.is_open, block.continues) for block in growth.blocks] == [(True, False)]
    assert growth.tail.continues
    assert growth.tail.html == FENCE.replace('<div class="fal-code-head">py</div>\n', "") + "</code></pre></div>\n"
    growing.feed("```\n")
    (end,) = growing.take().blocks
    assert (end.is_open, end.continues) == (False, True)
    assert "x" not in re.sub("<[^>]*>", "", end.html)


def test_a_row_behind_rows_that_were_given_is_shown_as_one_of_them() -> None:
    growing = GrowingMarkdown()
    growing.feed(TABLE + "| one | two |\n" * 20)
    growing.take()
    for row in ("| th", "ree | fo", "ur |", "\n"):
        growing.feed(row)
        assert growing.take().tail.html.count("<tr>") == 2  # the head, and this row
        assert "---" not in growing.take().tail.html
