import re
from collections import Counter

import pytest

from fal_notebook.client.result import Result
from fal_notebook.display.columns import _grid
from fal_notebook.prompt.entry import Entry
from fal_notebook.prompt.transcript import transcript
from fal_notebook.render.bundles import text_bundle
from fal_notebook.render.markdown import markdown_html

from .test_lossless_markdown import Reader
from .test_markdown import bare, block_problems, problems

FORMULA = re.compile(r"<span(?: data-tex=\"[^\"]*\")?>(\\\(.*?\\\)|\\\[.*?\\\])</span>", re.DOTALL)


def formulas(text: str) -> list[str]:
    """The formulas of a text as MathJax gets them, without the spaces of their lines."""
    found = (re.sub(r"<.*?>", "", each) for each in FORMULA.findall(markdown_html(text)))
    return [" ".join(each.split()) for each in found]


def rest(text: str) -> str:
    """What stands beside the formulas."""
    return " ".join(Reader(FORMULA.sub(" · ", markdown_html(text))).text.split())


@pytest.mark.parametrize(
    ("text", "expected", "beside"),
    [
        (r"Thus \[a^2+b^2=c^2\] holds.", [r"\[a^2+b^2=c^2\]"], "Thus · holds."),
        (r"\[ F = ma \] where F is the force.", [r"\[F = ma\]"], "· where F is the force."),
        (r"\[ a = 1 \] and \[ b = 2 \]", [r"\[a = 1\]", r"\[b = 2\]"], "· and ·"),
        ("$$a$$ and $$b$$ too", [r"\[a\]", r"\[b\]"], "· and · too"),
        (r"\[a^2\] (1)", [r"\[a^2\]"], "· (1)"),
        ("$$x$$ (label)", [r"\[x\]"], "· (label)"),
        ("The energy is:\n\\[\nE = mc^2\n\\]\nwhere", [r"\[E = mc^2\]"], "The energy is: · where"),
        ("The energy is:\n$$\nE = mc^2\n$$ where", [r"\[E = mc^2\]"], "The energy is: · where"),
        ("so \\[\na\n- b\n= c\n\n> d\n\\] holds", [r"\[a - b = c &gt; d\]"], "so · holds"),
        ("words\nso \\[ a\n+ b \\] holds", [r"\[a + b\]"], "words so · holds"),
        ("\\[\nx\n\\]", [r"\[x\]"], "·"),
        ("# On \\[x^2\\] and more", [r"\[x^2\]"], "On · and more"),
        ("**\\[x_1\\]** and *$$y$$*", [r"\[x_1\]", r"\[y\]"], "· and ·"),
        ("[see \\(x\\)](https://a.b)", [r"\(x\)"], "see ·"),
        (r"\[ \text{if \(x\)} \] holds", [r"\[\text{if \(x\)}\]"], "· holds"),
        ("| \\[x^2\\] | $$y$$ |\n|---|---|\n| \\(z\\) | w |", [r"\[x^2\]", r"\[y\]", r"\(z\)"], "· · · w"),
        (r"the \begin{pmatrix}1\\2\end{pmatrix} is", [r"\[\begin{pmatrix}1\\2\end{pmatrix}\]"], "the · is"),
        (r"\[ a \\[2pt] b \] c", [r"\[a \\[2pt] b\]"], "· c"),
    ],
)
def test_a_formula_stands_where_it_is_written_and_takes_nothing_with_it(
    text: str, expected: list[str], beside: str
) -> None:
    assert formulas(text) == expected
    assert rest(text) == beside


@pytest.mark.parametrize(
    "text",
    [
        *(
            r"\[1\] Smith, 2020",
            r"\[1\]: https://a.b",
            r"\[1, 2\]",
            r"\[1-3\]",
            r"\[2020-01-01\]",
            r"\[a\] holds",
            r"\[A, b\]",
        ),
        *(r"\[sic\]", r"\[...\]", r"\[see below\]", r"\[link\](https://a.b)", r"\[and/or\]", r"\[Ctrl+C\]", r"\[注\]"),
        *(
            r"- \[ \] to do",
            r"- \[ x \] done",
            r"\[\]",
            r"\[!NOTE\]",
            r"\[see note_1 and note_2\]",
            r"\(see below\)",
            r"\(\)",
        ),
        *(
            r"\\[x^2\\]",
            r"\[ x^2",
            r"x^2 \]",
            r"\] x^2 \[",
            r"`\[ x^2 \]`",
            "    \\[ x^2 \\]",
            r"\begin{itemize}x\end{itemize}",
        ),
        *(
            "\\[\nx\n\nwords\n\n- y",
            "$$\nx\n",
            "\\begin{align}\nx\n\\end{matrix}",
            "use `$$` or\n- `$$`",
            "```\n\\[\nx\n\\]\n```",
        ),
    ],
)
def test_brackets_without_tex_and_what_never_closes_is_no_formula(text: str) -> None:
    assert formulas(text) == []


@pytest.mark.parametrize(
    "content",
    [
        "a^2",
        "x_1",
        "a = b",
        "a<b",
        r"\alpha",
        "a-b",
        "3 + 4",
        "f(x)",
        "n!",
        "|x|",
        " F ",
        "\nx\n",
        "2a + b",
        r"a\,b",
        "½mv^2",
    ],
)
def test_brackets_with_tex_are_a_formula(content: str) -> None:
    assert len(formulas(rf"words \[{content}\] words")) == 1


@pytest.mark.parametrize("content", ["x", "5", "AB", "f(x)", "n", "2n", "a, b"])
def test_parentheses_hold_a_formula_that_is_small(content: str) -> None:
    assert formulas(rf"for \({content}\) there") == [rf"\({content}\)"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "1. Energy:\n   \\[\n   E = mc^2\n   \\]\n2. Mass",
            r"<li>Energy:<span>\[E = mc^2\]</span></li>\n<li>Mass</li>",
        ),
        ("- a\n\n  $$\n  x\n  $$\n\n  b", r"<p>a</p>\n<p><span>\[x\]</span></p>\n<p>b</p>\n</li>"),
        ("1. a\n\\[\nx\n- y\n\\]", "</ol>\n<p><span>\\[x\n- y\\]</span></p>"),
        ("> q \\[\n> a\n> + b\n> \\] c", "<blockquote>\n<p>q <span>\\[a\n+ b\\]</span> c</p>\n</blockquote>"),
        ("> - $$\n>   a\n>   $$", r"<li><span>\[a\]</span></li>"),
    ],
)
def test_a_formula_across_lines_stays_in_its_list_or_quote(text: str, expected: str) -> None:
    assert expected.replace(r"\n", "\n") in bare(markdown_html(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$$x$$\n\n# words\n\n$$y$$", "<p><span>\\[x\\]</span></p>\n<h1>words</h1>\n<p><span>\\[y\\]</span></p>"),
        ("a $$x$$\n\n- b\n\nc $$y$$", "<li>b</li>"),
    ],
)
def test_what_ends_a_formula_on_its_line_opens_none(text: str, expected: str) -> None:
    assert expected in bare(markdown_html(text))


def test_a_formula_does_not_reach_beyond_the_list_or_quote_where_it_opens() -> None:
    assert formulas("> \\[\n> a^2\n\nb \\]") == []
    assert formulas("- $$\n  a\n\nwords\n\n$$") == []


def test_a_percent_sign_takes_no_letters_with_it() -> None:
    assert formulas(r"\(50% x \\% y \% z\)") == [r"\(50\% x \\\% y \% z\)"]


@pytest.mark.parametrize("opening", [r"\(", r"\[ ", "$$", "\\begin{align}\n"])
def test_a_formula_that_acts_is_shown_as_code(opening: str) -> None:
    closing = {r"\(": r"\)", r"\[ ": r"\]", "$$": "$$"}.get(opening, "\n\\end{align}")
    html = markdown_html(f"words {opening}\\href{{https://a.b}}{{x}}{closing} words")
    assert "\\href{https://a.b}{x}" in html
    assert "<code>" in html
    assert problems(html) == []


@pytest.mark.parametrize(
    "line",
    [
        "\\[",
        "\\(",
        "\\[\n",
        "- \\[ a\n",
        "> \\[\n",
        "$",
        "$$",
        "$$ a\n\n",
        "\\",
        "\\begin{align}\n",
        "\\begin{align}\n\n",
        "\\[x^2\\]",
    ],
)
def test_formulas_without_end_are_read_line_by_line(line: str) -> None:
    text = line * (100_000 // len(line))  # what takes quadratic time takes many minutes
    assert block_problems(markdown_html(text)) == []


DEAR = [
    *(r"\displaystyle " * 60 + "x", r"\tiny " * 400 + "x", r"\color{red}" * 60 + "x", r"\raise0em" * 60 + "{x}"),
    *(r"\ce{" + "H2O+" * 240 + "}", r"\cfrac{1}{x}" * 100),
    *(
        r"\rule{100000em}{100000em}",
        r"\rule {9999 em} {1em}",
        r"\rule{1em}{,5em}\rule{1e2em}{200,5EM}",
        r"\kern1000000mu",
    ),
    *(r"\hspace{-70in}", r"\raise 400cm{x}", r"a\\[100000em]b", r"a\above 99999px b", r"\genfrac{}{}{5000pt}{}{a}{b}"),
    *(r"\text{\hspace{151em}}", r"\vcenter{\rule{0em}{151em}}", r"\rule{1em}{1em}" * 80, r"\kern" + "9" * 9_000 + "em"),
    *("{" * 25 + "x" + "}" * 25, "x^{" * 100 + "}" * 100, r"\left(" * 30 + r"\right)" * 30, "}" * 50 + "{" * 30),
    *(r"\frac{1}{" * 50 + "}" * 50, r"\begin{array}{c}" * 26 + r"\end{array}" * 26, r"\{{" * 30 + r"}\}" * 30),
    *(r"\Huge\huge\LARGE x", r"{\Huge{\Huge{\Huge x}}}", r"\text{\large\large\large x}", r"\Huge" * 400 + "x"),
    *(r"\begin{alignedat}{1000000000}a\end{alignedat}", r"\begin{alignat*}{999}a&b\end{alignat*}"),
    *(r"\begin{array}{*{9999}{c}}a\end{array}", r"\MoveEqLeft[100000]x", "x+" * 600, r"\alpha" * 1001, "x" * 190_000),
    *(r"\begin{prooftree}\AxiomC{a}\UnaryInfC{b}\end{prooftree}", r"\futurelet\a\b x", r"\newtagform{a}{b}{c}x"),
    *(r"\minCDarrowwidth{9em}x", r"\definecolor{a}{RGB}{1,2,3}x"),
]


@pytest.mark.parametrize("content", DEAR, ids=lambda content: content[:40])
@pytest.mark.parametrize(("opening", "closing"), [(r"\( ", r" \)"), (r"\[ ", r" \]"), ("$$", "$$"), ("$", "$")])
def test_a_formula_that_a_page_cannot_set_at_once_is_shown_as_its_text(
    content: str, opening: str, closing: str
) -> None:
    text = f"before {opening}{content}^2{closing} after"
    assert formulas(text) == []
    letters = "".join(filter(str.isalnum, text))
    assert "".join(filter(str.isalnum, Reader(markdown_html(text)).text)) == letters


@pytest.mark.parametrize(
    "content",
    [
        *(r"\rule{10em}{2px}\hspace{3cm}", r"2*300 + 1000", r"\begin{matrix} 100 & 2000 \\ 1 \end{matrix}"),
        *(r"\frac{1000}{x^{10000}}", r"\Large x", r"\begin{alignedat}{2}a&b\end{alignedat}", "x + " * 200 + "y"),
        *("{" * 20 + "x" + "}" * 20, r"\{\{" * 30 + r"\}\}" * 30, r"5\,000\ \text{m in } 10 \text{ minutes}"),
    ],
)
def test_a_formula_that_is_large_and_can_be_set_stays_one(content: str) -> None:
    assert len(formulas(rf"\[ {content} ^2 \]")) == 1


@pytest.mark.parametrize("formula", ["$x$", r"\[ x^2 \]", r"$\alpha_1^2 + y$", r"$\rule{50em}{1px}$"])
@pytest.mark.parametrize("count", [3_000, 8_000])
def test_of_formulas_without_number_the_first_are_set_and_all_are_there(formula: str, count: int) -> None:
    text = f"{formula} " * count
    html = markdown_html(text)
    assert 30 < len(FORMULA.findall(html)) < 1_501 or len(text) > 200_000
    assert Counter(filter(str.isalpha, Reader(html).text)) == Counter(filter(str.isalpha, text))


def test_what_stands_in_one_output_has_one_bound() -> None:
    one = Result("a/b", text="$x$ " * 990, reasoning="$x$ " * 990)
    (shown,) = one.outputs()
    columns = _grid((name, text_bundle("$x$ " * 990)) for name in "abcd")
    entry = Entry(1, "a/b", {}, "say", result=one)
    for bundle in (shown, one._repr_mimebundle_(), columns, transcript([entry, entry], "name")):
        assert 1_000 < len(FORMULA.findall(bundle["text/html"])) < 1_501


@pytest.mark.parametrize(
    "text",
    [
        "US$100 equals R$ 500. The path is $HOME/bin:$PATH. From $5k\u2013$10k, i.e. 5$-10$.",
        "**$1.50** (about US$ 2)",
        "from $5 to\n10$ each",
        "a$b$c",
        "$PATH$HOME",
    ],
)
def test_prices_and_names_are_no_formulas(text: str) -> None:
    assert "\\(" not in markdown_html(text)


@pytest.mark.parametrize(
    "text", ["the $n$th", "由$x$可得", "$1, 2, 3$", "$2 + 3 = 5$", r"$5 \times 3$", "($x$)", r"$a \$ b$"]
)
def test_formulas_between_dollars_stay_formulas(text: str) -> None:
    assert r"<span>\(" in markdown_html(text)


@pytest.mark.parametrize(
    ("text", "formula", "number"),
    [
        ("\\[\nE = mc^2 \\tag{1}\n\\]", r"<span>\[E = mc^2 \]</span>", "<span>(1)</span>"),
        (r"$$x \tag*{A.1} \label{eq:x}$$", r"<span>\[x  \]</span>", "<span>(A.1)</span>"),
        (r"\begin{align}a&=b\tag{1}\\c&=d\tag{2}\end{align}", r"a&amp;=b\\c&amp;=d", "<span>(1) (2)</span>"),
        (r"$$x \label{eq:x}$$", r"<span>\[x \]</span>", ""),
        (r"$\label{x}$", r"<code>\label{x}</code>", ""),
    ],
)
def test_the_number_of_a_formula_stands_beside_it(text: str, formula: str, number: str) -> None:
    html = markdown_html(text)
    assert formula in html
    assert number in html
    assert problems(html) == []
    assert ("fal-numbered" in html) is bool(number)


def test_marimo_gets_the_formulas_that_are_typeset_in_the_element_that_it_typesets() -> None:
    text = "$a<b$ and\n\n$$c$$\n\n$\\href{https://x}{y}$ `\\(d\\)`"
    _, html = Result("a/b", text=text)._mime_()
    assert re.findall(r"<marimo-tex>.*?</marimo-tex>", html) == [
        "<marimo-tex>||(a&lt;b||)</marimo-tex>",
        "<marimo-tex>||[c||]</marimo-tex>",
    ]
    assert "<code>\\href{https://x}{y}</code> <code>\\(d\\)</code>" in html
