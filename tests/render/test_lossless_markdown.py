"""Every letter of an answer is on its page, in order, whatever its Markdown is and wherever it is cut.

The head of ``fal_notebook/render/lossless_markdown.py`` lists the few letters that may be missing.
"""

import re
from collections import Counter
from html.parser import HTMLParser
from itertools import count
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fal_notebook.render.bundles import text_bundle
from fal_notebook.render.markdown import markdown_html

from .test_markdown import FRAGMENTS, QUOTED, bare, problems

WORD = re.compile(r"w\d+w")
LANGUAGE = re.compile(r"(?:`{3,}|~{3,})[ \t]*(\S+)[ \t]*$", re.MULTILINE)
MARKS = re.compile(rf"{LANGUAGE.pattern}|&#?\w+;|\[r\]|</?(?:details|summary)>", re.MULTILINE)
"""What may be missing of hostile texts: a fence's language, an entity's name, a reference's label, tags of folds."""
# In each piece, every W becomes a word of its own, after the text was cut.
PIECES = (
    *("W", "W", "W ", " ", "\n", "\n", "\n\n", "\n\n", "    ", "\t", "  \n", "\\\n", "\\", ":", "!", "&", "%"),
    *("=", "^", "{", "}", "- ", "* ", "+ ", "1. ", "3. ", "7) ", "> ", "# ", "### ", "- [ ] ", "---\n"),
    *("===\n", "***\n", "*", "**", "_", "~~", "`", "``", "```", "```\n", "```py\n", "~~~", "~~~ W W\n"),
    *("~~~W\n", "`W`", "    W\n", "|", "| W | W |\n|---|:-:|\n", "| W | W | W |\n", "|---|", r"| W \| W | W"),
    *("|W|\n|-|\n|W|W|W|\n", "$", "$$", r"\(", r"\)", r"\[", r"\]", r"\\[", r"\\]", "$W$", "$$W$$", r"\(W^2\)"),
    *(r"\[W = W\]", r"\[W\]", r"\[W W\]", "\\[\nW\n- W\n\\]", "$$\nW\n\n+ W\n$$", r"\begin{align}"),
    *(r"\end{align}", r"\begin{matrix}W\\W\end{matrix}", r"\href{W}", "[", "]", "(", ")", "![", "](", "<", ">"),
    *("[W](https://W.org)", "[W](https://W.org 'W')", '![W](http://W.org/W "W")', "[](https://W.org)"),
    *("[W](W)", "[W](#W)", "[W](/W 'W')", "[W](javascript:W)", "![W](data:W)", "[W](mailto:W@W.org)"),
    *("<https://W.org/W>", "<W@W.org>", "<ftp://W.org>", "<!-- W -->", "<b>W</b>", "<script>W</script>"),
    *("<img src=W>", "<?W?>", "[W][label]", "[label]", "[label][]", "![W][label]"),
    *("[label]: https://W.org 'W'\n", "[W]: https://W.org\n", "[W]: W\n", "[^note]", "[^note]: W\n"),
    *("[^note]:\n    W\n", "[^W]", "[^W]: W\n", "[^note]: [^W]: - W\n", "^[W]", "[^", "[^W W]: W\n", "&lt;W"),
    *("&copy;", "&#", "&W;", "é", "\u202b", "\x00", "\ufeff", "語"),
)


class Reader(HTMLParser):
    """Collects what a reader can find on a page: its text, and separately the addresses and titles of its links."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.links = "", ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += "".join(f" {value}" for name, value in attrs if name in ("href", "title"))

    def handle_data(self, data: str) -> None:
        self.text += data


def numbered(text: str) -> str:
    numbers = count(1)
    return re.sub("W", lambda _: f"w{next(numbers)}w", text)


def lost(text: str, html: str) -> set[str]:
    """The words of a text that are not on the page."""
    page = Reader(html)
    languages = {word for match in LANGUAGE.finditer(text) for word in WORD.findall(match[1])}
    return set(WORD.findall(text)) - set(WORD.findall(page.text + unquote(page.links))) - languages


def within(prefix: str, text: str) -> str:
    """The text indented or marked, so that it is the content of a list or a quote."""
    first, *others = text.split("\n")
    return "\n".join([prefix + first, *((prefix if ">" in prefix else " " * len(prefix)) + line for line in others)])


RUNS = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
PREFIXES = ("> ", ">", "- ", "1. ", "10) ", "[^note]: ", "    ", "> - ", "> " * 17, "- " * 9)
NESTED = st.recursive(
    RUNS,
    lambda inner: st.one_of(
        st.builds(within, st.sampled_from(PREFIXES), inner),
        st.lists(inner, min_size=2, max_size=3).map("\n".join),
        st.lists(inner, min_size=2, max_size=3).map("\n\n".join),
    ),
    max_leaves=6,
)
DOCUMENTS = st.builds(
    lambda text, first, last: numbered(text[first : len(text) - last]), NESTED, *[st.integers(0, 9)] * 2
)


@given(DOCUMENTS)
def test_every_word_of_an_answer_is_on_its_page_in_its_order(text: str) -> None:
    html = markdown_html(text)
    assert lost(text, html) == set()
    seen = [int(word[1:-1]) for word in WORD.findall(Reader(html).text)]
    assert seen == sorted(set(seen))
    assert problems(html) == []


@given(DOCUMENTS)
def test_the_plain_text_has_every_letter(text: str) -> None:
    assert Counter(filter(str.isalnum, text_bundle(text)["text/plain"])) == Counter(filter(str.isalnum, text))


@given(st.lists(st.sampled_from([*FRAGMENTS, *QUOTED]), max_size=8).map("".join), st.integers(0, 30))
def test_every_letter_of_a_hostile_text_is_on_its_page(text: str, first: int) -> None:
    text = text[first:]
    page = Reader(markdown_html(text))
    letters = Counter(filter(str.isalpha, MARKS.sub("", text)))
    assert letters - Counter(filter(str.isalpha, page.text + page.links)) == Counter()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Claim[^1].\n\n[^1]: Source.", "<p>Claim<sup>[1]</sup>.</p>\n\n<p><sup>[1]</sup> Source.</p>"),
        ("A[^a][^b]\n\n[^b]: B\n[^a]: A", "<p>A<sup>[a]</sup><sup>[b]</sup></p>\n\n<p><sup>[b]</sup> B</p>"),
        ("[^1]: Nobody asks.", "<p><sup>[1]</sup> Nobody asks.</p>"),
        ("Cut[^1]", "<p>Cut[^1]</p>"),
        ("the pattern [^0-9] and ^[a-z]", "<p>the pattern [^0-9] and ^[a-z]</p>"),
        ("[^1]: One\n\n    [^2]: Two\n\n[^1]: Three", "<p><sup>[1]</sup> Three</p>"),
        ("[^1]:\n    - item", "<p><sup>[1]</sup></p>\n<ul>\n<li>item</li>\n</ul>"),
        ("> [^1]: Quoted[^1]", "<p><sup>[1]</sup> Quoted<sup>[1]</sup></p>"),
        (f"[^{'x' * 101}]: Long", f"<p>[^{'x' * 101}] Long</p>"),
    ],
)
def test_a_footnote_is_its_label_and_what_it_says_where_it_is_written(text: str, expected: str) -> None:
    assert expected in bare(markdown_html(text))
    assert "id=" not in markdown_html(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[1]: https://a.b/c "Title"', '[1]: https://a.b/c "Title"'),
        ("[a][1]\n\n[1]: https://a.b", "a"),
        ("[a][1]\n\n[1]: https://a.b\n[1]: https://c.d", "a [1]: https://c.d"),
        ("[Note]: important", "[Note]: important"),
        ("[x](/relative) [y](#place) [z](ftp://a.b) [](https://a.b)", None),
        ("[![Badge](https://a.b/c.svg)](https://d.e)", "Badge (https://a.b/c.svg)"),
        ("[<https://a.b>](https://d.e)", "https://a.b"),
        ("| a | b |\n|---|---|\n| 1 | 2 | 3 | |\n| 4 |", "a b 1 2 | 3 | 4"),
        ("~~~bye", "bye"),
        ('```python title="a.py"\npass\n```', 'python title="a.py" pass'),
        ("```python\npass\n```", "python pass"),
        ("> " * 30 + "deep", "> " * 12 + "deep"),
        ("&copy; &#65; &AMP", "© A &AMP"),
    ],
)
def test_what_markdown_takes_from_the_page_is_shown(text: str, expected: str | None) -> None:
    shown = " ".join(Reader(markdown_html(text)).text.split())
    assert shown == (text.replace("[](https://a.b)", "https://a.b") if expected is None else expected)


def test_the_title_of_a_picture_is_that_of_its_link() -> None:
    assert 'title="A &quot;cat&quot;"' in markdown_html("![cat](https://a.b/c.png 'A \"cat\"')")


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("3. a\n2. b\n1. c", ['start="3"', 'value="2"', 'value="1"']),
        ("1. a\n2. b\n3. c", []),
        ("1. a\n1. b\n1. c", []),
        ("1. a\n\n   5. x\n   7. y\n\n4. b", ['start="5"', 'value="7"', 'value="4"']),
        ("1986\\. A year", []),
        ("1986. A year", ['start="1986"']),
    ],
)
def test_the_items_of_a_list_keep_their_numbers_unless_all_are_the_same(text: str, numbers: list[str]) -> None:
    assert re.findall(r'(?:start|value)="\d+"', markdown_html(text)) == numbers
