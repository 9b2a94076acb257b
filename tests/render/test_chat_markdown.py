"""What models write and chat interfaces show, beyond CommonMark; nothing of it can act."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fal_notebook.render.markdown import markdown_html

from .test_lossless_markdown import Reader
from .test_markdown import FRAGMENTS, HTML, bare, problems

TAGS = ("br", "sub", "sup", "kbd", "b", "i", "u", "mark", "details", "summary")
MARKUP = [
    *(f"<{name}>" for name in TAGS),
    *(f"</{name}>" for name in TAGS),
    "<br/>",
    "<B>",
    "</B >",
    "- [ ] ",
    "- [x] ",
]


def shown(text: str) -> str:
    html = re.sub(r' target="_blank" rel="[^"]*"', "", markdown_html(text))
    return re.sub(r'</?p(?: dir="auto")?>| dir="auto"', "", html).strip()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("**注意\uff1a**请先保存。", "<strong>注意\uff1a</strong>请先保存。"),
        ("これは**「重要」**な点です。", "これは<strong>「重要」</strong>な点です。"),
        ("이것은 **(중요)**한 점입니다", "이것은 <strong>(중요)</strong>한 점입니다"),
        ("foo**(bar)**baz * a * b", "foo**(bar)**baz * a * b"),
        ("a **b** *c* d**e**f", "a <strong>b</strong> <em>c</em> d<strong>e</strong>f"),
    ],
)
def test_emphasis_may_stand_beside_letters_without_spaces(text: str, expected: str) -> None:
    assert shown(text) == expected


def test_line_ends_stay() -> None:
    assert shown("Roses are red\nViolets are blue") == "Roses are red<br>\nViolets are blue"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a<br>b<br/>c", "a<br>\nb<br>\nc"),
        ("H<sub>2</sub>O, x<sup>2</sup>", "H<sub>2</sub>O, x<sup>2</sup>"),
        ("<kbd>Ctrl</kbd> <u>u</u> <MARK>m</mark>", "<kbd>Ctrl</kbd> <u>u</u> <mark>m</mark>"),
        ("<b>x **y** <i>z</i></b>", "<b>x <strong>y</strong> <i>z</i></b>"),
        ("<b>x", "&lt;b&gt;x"),
        ("x</b>", "x&lt;/b&gt;"),
        ("**<b>x**</b>", "<strong>&lt;b&gt;x</strong>&lt;/b&gt;"),
        ("<b>x <i>y</b>", "&lt;b&gt;x &lt;i&gt;y&lt;/b&gt;"),
        ("<b class=x>y</b>", "&lt;b class=x&gt;y&lt;/b&gt;"),
        ("`<b>x</b>`", "<code>&lt;b&gt;x&lt;/b&gt;</code>"),
        ("<details>\n<summary>More</summary>\n\nwords", "<strong>More</strong>\nwords"),
        ("a <details>b</details>", "a &lt;details&gt;b&lt;/details&gt;"),
    ],
)
def test_harmless_tags_are_tags_if_they_have_their_end(text: str, expected: str) -> None:
    assert shown(text) == expected


@pytest.mark.parametrize("text", ["<b>a\n\nb</b>", "<b>a\n\n- c\n\n# d</b>"])
def test_no_tag_reaches_into_another_block(text: str) -> None:
    assert "<b>" not in markdown_html(text)


def test_tasks_have_a_sign() -> None:
    assert bare(shown("- [ ] a\n- [x] b\n- [X]c")) == (
        '<ul>\n<li class="fal-task">☐ a</li>\n<li class="fal-task">☑ b</li>\n<li>[X]c</li>\n</ul>'
    )


@pytest.mark.parametrize(
    ("text", "address", "after"),
    [
        ("see https://a.b/c_d?x=1.", "https://a.b/c_d?x=1", "."),
        ("(https://a.b/c_(d))", "https://a.b/c_(d)", ")"),
        ("请看https://a.b/c。好", "https://a.b/c", "。好"),
        ("**https://a.b/c**", "https://a.b/c", "</strong>"),
    ],
)
def test_a_bare_address_is_a_link_without_the_signs_behind_it(text: str, address: str, after: str) -> None:
    html = shown(text)
    assert f'<a href="{address}">{address}</a>{after}' in html
    assert Reader(html).text.strip() == text.strip("*")


@pytest.mark.parametrize("text", ["`https://a.b`", "ftp://a.b", "https://", "xhttps://a.b", "javascript:https://"])
def test_other_words_are_no_links(text: str) -> None:
    assert "<a " not in shown(text)


def test_the_words_of_a_link_are_linked_once() -> None:
    assert shown("[https://a.b](https://c.d)").count("<a ") == 1


def test_a_fence_may_hold_shorter_ones() -> None:
    assert bare(markdown_html("````md\n```py\nx\n```\n````")) == "<pre><code>```py\nx\n```\n</code></pre>\n"


@pytest.mark.parametrize("text", ["[x](other.md)", "[y](#place)", "[z](/a 'b')"])
def test_a_relative_link_keeps_its_mark_and_its_target(text: str) -> None:
    assert shown(text) == text


@given(st.lists(st.sampled_from([*MARKUP, *FRAGMENTS, *HTML]), max_size=12).map("".join))
def test_no_mixture_with_tags_acts(text: str) -> None:
    assert problems(markdown_html(text)) == []


@given(st.lists(st.sampled_from([*MARKUP, "w1 ", "w2\n", "\n\n", "**", "> "]), max_size=12).map("".join))
def test_no_word_beside_tags_is_lost(text: str) -> None:
    assert re.findall(r"w\d", Reader(markdown_html(text)).text) == re.findall(r"w\d", text)


@pytest.mark.parametrize("text", ["أهلا", "# שלום", "- أ\n- ب", "> أهلا", "| أ |\n|---|\n"])
def test_each_block_begins_at_the_side_of_its_language(text: str) -> None:
    html = markdown_html(text)
    assert html.count('dir="auto"') == 1
    assert re.match(r'(<div class="fal-table"[^>]*>)?<\w+ dir="auto">', html)
