import re
from html import unescape
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from fal_notebook.render.markdown import markdown_html, preformatted_html, text_html

TAGS = set(
    re.findall(
        r"\w+",
        "a b blockquote br code del details div em h1 h2 h3 h4 h5 h6 hr i kbd li mark ol p pre s span strong sub"
        " summary sup table tbody td th thead tr u ul",
    )
)
ATTRIBUTES = {
    **{name: {"dir"} for name in ("blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "p", "table", "ul")},
    "a": {"href", "title", "target", "rel"},
    "details": {"open"},
    "summary": {"dir"},
    "div": {"class", "tabindex"},
    "li": {"class", "value"},
    "ol": {"dir", "start"},
    "span": {"class"},
    "td": {"style"},
    "th": {"style"},
    "p": {"dir", "style"},
    "pre": {"dir", "style", "tabindex"},
}
STYLE = re.compile(
    r"text-align: ?(left|right|center);?|white-space:pre-wrap;overflow-wrap:break-word"
    r"|overflow-x:auto;padding:.6em .9em;background:rgba\(128,128,128,.08\)"
)
CLASS = re.compile(r"fal-[a-z-]+( fal-[a-z-]+)*|tocSkip")
# What MathJax (Jupyter's front ends) and KaTeX (some others) make links, identifiers, styles or definitions of.
ACTING = re.findall(
    r"\S+",
    r"""
\href{javascript:alert(1)}{x}  \url{javascript:alert(1)}  \class{jp-mod-x}{x}  \cssId{x}{y}  \style{position:fixed}{x}
\data{x=y}{z}  \html{x}  \require{html}  \unicode{x41}  \bbox[red]{x}  \includegraphics{https://evil/x.png}
\mmlToken{mi}[href='javascript:alert(1)']{x}  \toggle{x}{y}\endtoggle  \mathtip{x}{y}  \texttip{x}{y}
\def\x{y}  \gdef\x{y}  \let\x=\y  \newcommand{\x}{y}  \renewcommand{\sin}{y}  \providecommand{\x}{y}
\newenvironment{x}{y}{z}  \renewenvironment{x}{y}{z}  \DeclareMathOperator{\sin}{y}  \DeclarePairedDelimiter{\x}{y}{z}
\label{x}  \ref{x}  \eqref{x}  \tag{x}  \tag*{x}
\htmlClass{x}{y}  \htmlId{x}{y}  \htmlStyle{color:red}{y}  \htmlData{x=y}{z}
""",
)
ACTING_NAMES = {re.split(r"\W", command)[1] for command in ACTING}
ACTING_COMMAND = re.compile(rf"\\({'|'.join(ACTING_NAMES)})(?![a-zA-Z])")
OPENS_MATH = re.compile(r"\$|\\\(|\\\[|\\begin\{")
FORMULAS = (
    *("$%s$", "$$%s$$", r"\(%s\)", r"\[%s\]", "$$\n%s\n$$", "\\[\n%s\n\\]", "$$%s$$ (label)", r"\[%s\] (label)"),
    *(
        "\\begin{align}\n%s\n\\end{align}",
        r"\begin{equation}%s\end{equation}",
        "words $$%s$$ words",
        r"words \[%s\] words",
    ),
    *(
        r"\\(%s\\)",
        r"\\\(%s\\\)",
        r"\$%s\$",
        r"\\$%s\\$",
        "&#36;%s&#36;",
        "&#92;(%s&#92;)",
        "&dollar;%s$",
        "$%s",
        r"\(%s",
    ),
    *(
        "**$%s$**",
        "# $%s$",
        "> $$%s$$",
        r"- \[%s\]",
        "| $%s$ |\n|---|\n| $%s$ |",
        "[$%s$](https://x)",
        "![$%s$](https://x)",
    ),
    *(
        "$`%s`$",
        "`` ` `` $%s$",
        r"\( { \) x \( } %s \)",
        "a$b$%s$c$",
        r"\(a\\) %s \)",
        r"\[ \) %s \]",
        "<b>$%s$</b>",
        "~~$%s$~~",
    ),
    *(r"\(\text{$%s$}\)", "$\n%s\n$", "[^1]: $%s$", "[x]: https://x '$%s$'", "\x00$%s$\x00", "\\begin{x}\n%s"),
)
HTML = (
    "<script>alert(1)</script>",
    "words <script src=https://evil/x.js></script> words",
    "<img src=x onerror=alert(1)>",
    "<b onclick=alert(1)>x</b>",
    "<iframe src=https://evil></iframe>",
    "<svg><script>alert(1)</script></svg>",
    "<object data=https://evil></object>",
    "<form action=https://evil><input name=key></form>",
    "<p style=position:fixed;inset:0>x</p>",
    "<style>body{display:none}</style>",
    "<base href=https://evil>",
    "<meta http-equiv=refresh content='0;url=https://evil'>",
    "<link rel=stylesheet href=https://evil/x.css>",
    "<math><mi xlink:href=javascript:alert(1)>x</mi></math>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<a href=javascript:alert(1)>x</a>",
    "<!-- --><script>alert(1)</script>",
    "<?php x ?>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<!DOCTYPE html>",
    "| a |\n|---|\n| <img src=x onerror=alert(1)> |",
    "- <details open ontoggle=alert(1)>x</details>",
    "<details open ontoggle=alert(1)>\n<summary>x</summary>\n\nx\n\n</details>",
    "<details>\n<summary onclick=alert(1)>x</summary>\n\nx\n\n</details>",
    "<details>\n<summary><img src=x onerror=alert(1)></summary>\n\n<script>alert(1)</script>\n</details>",
    "<details>\n<summary>[x](javascript:alert(1))</summary>\n\n![a](https://evil/x.png)\n\n</details>",
    "# <marquee onstart=alert(1)>x</marquee>",
    "![a](https://evil/x.png)",
    "![a](https://evil/x.png 'title')",
    "![a][r]\n\n[r]: https://evil/x.png",
    "[![a](https://evil/x.png)](https://fal.ai)",
    "![a](data:image/png;base64,iVBORw0KGgo=)",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java&#115;cript:alert(1))",
    "[x](&#x6a;avascript&colon;alert(1))",
    "[x](<java\tscript:alert(1)>)",
    "[x](javascript&Tab;:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](data:image/svg+xml;base64,PHN2Zz4=)",
    "[x](vbscript:msgbox(1))",
    "[x](file:///etc/passwd)",
    "[x](blob:https://x/y)",
    "[x](//evil.com)",
    "[x](/lab/api/shutdown)",
    "[x](#fragment)",
    "[x][r]\n\n[r]: javascript:alert(1)",
    "<javascript:alert(1)>",
    "<vbscript:alert(1)>",
    "[x](command:workbench.action.quit)",
)
QUOTED = (
    "<svg/onload=alert(1)>",
    "[x](\x01javascript:alert(1))",
    "```<script>alert(1)</script>\n<script>alert(1)</script>\n```",
    '```x"onmouseover="alert(1)\ny\n```',
    "`<script>alert(1)</script>`",
    "    <script>alert(1)</script>",
    '[x](https://x "\'onmouseover=alert(1) \\"onfocus=alert(1)")',
    '[x](https://x/"onmouseover="alert(1))',
    "$<img src=x onerror=alert(1)>$",
    "\\[</p><script>alert(1)</script>\\]",
    "$</code><script>\\href{x}{y}</script>$",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "| a |\n|:-:|\n| b |",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<<script>alert(1)//<</script>",
    "\x1b]8;;javascript:alert(1)\x07x\x1b]8;;\x07",
    "\u202e<script>\u202c",
    "\x00<script\x00>",
    "](" * 400,
)
FRAGMENTS = (
    *HTML,
    *ACTING,
    *(
        "$",
        "$$",
        "\\(",
        "\\)",
        "\\[",
        "\\]",
        "\\",
        "`",
        "```",
        "\n",
        "\n\n",
        " ",
        "|",
        "|---|",
        "- ",
        "> ",
        "#",
        "*",
        "**",
        "~~",
    ),
    *("[", "](", ")", "<", ">", "&#36;", "&#92;", "{", "}", "\\begin{align}", "\\end{align}", "a", "1", "    ", "!["),
)


class Page(HTMLParser):
    """Reads HTML as a browser would, and notes everything that could run, load or link to something."""

    def __init__(self, tags: set[str], attributes: dict[str, set[str]]) -> None:
        super().__init__()
        self.tags, self.attributes = tags, attributes
        self.problems: list[str] = []
        self.texts: list[str] = []
        self.pictures: list[str] = []
        self._in_code = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.tags:
            self.problems.append(f"<{tag}>")
        for name, value in attrs:
            self._attribute(tag, name, value or "")
        self._in_code += tag in ("pre", "code")
        self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_code -= tag in ("pre", "code")
        self.texts.append("")

    def handle_data(self, data: str) -> None:
        # MathJax passes <pre> and <code> over, and joins no text across an element's bounds.
        if not self._in_code:
            self.texts[-1:] = ["".join(self.texts[-1:]) + data]

    def handle_comment(self, data: str) -> None:
        self.problems.append(f"<!--{data}")

    def handle_decl(self, decl: str) -> None:
        self.problems.append(f"<!{decl}")

    def handle_pi(self, data: str) -> None:
        self.problems.append(f"<?{data}")

    def unknown_decl(self, data: str) -> None:
        self.problems.append(f"<![{data}")

    def _attribute(self, tag: str, name: str, value: str) -> None:
        if name not in self.attributes.get(tag, set()):
            self.problems.append(f"<{tag} {name}>")
        if name == "href" and urlsplit(value).scheme not in ("http", "https", "mailto"):
            self.problems.append(f"<a href={value}>")
        if (name == "class" and not CLASS.fullmatch(value)) or (name == "dir" and value != "auto"):
            self.problems.append(f"<{tag} {name}={value}>")
        if name == "style" and tag in ("p", "td", "th", "pre") and not STYLE.fullmatch(value):
            self.problems.append(f"<{tag} style={value}>")


def problems(html: str, tags: set[str] = TAGS, attributes: dict[str, set[str]] = ATTRIBUTES) -> list[str]:
    """Everything in the HTML that could run, load or link to something: tags, attributes, addresses, mathematics."""
    page = Page(tags, attributes)
    page.feed(html)
    page.close()
    acting = [text for text in page.texts if OPENS_MATH.search(text) and ACTING_COMMAND.search(text)]
    return page.problems + acting


def bare_code(html: str) -> str:
    """The HTML without the colours of code."""
    return re.sub(r'<span class="fal-[a-z]">([^<]*)</span>', r"\1", html)


def bare(html: str) -> str:
    """The HTML without directions, frames, colours and places in the order of the keyboard."""
    html = re.sub(r' dir="auto"| tabindex="0"|<div class="fal-code-head">[^<]*</div>\n', "", bare_code(html))
    return re.sub(r'<div class="fal-(?:code|table)">|</div>', "", html).replace("<br>\n", "\n")


def block_problems(html: str) -> list[str]:
    """The same for a text that may have been split into blocks."""
    return problems(html, TAGS | {"div"}, ATTRIBUTES | {"div": {"class", "style", "tabindex"}})


def words(html: str) -> str:
    page = Page(TAGS, ATTRIBUTES)
    page.feed(html)
    page.close()
    return "".join(page.texts)


def unsafe_html(text: str) -> str:
    """The HTML of a Markdown renderer that trusts its text."""
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    setattr(parser, "validateLink", lambda url: bool(url))  # noqa: B010 - mypy forbids to assign a method
    return str(parser.render(text))


@pytest.mark.parametrize("text", [*HTML, *QUOTED])
def test_hostile_words_cannot_act(text: str) -> None:
    assert problems(markdown_html(text)) == []


@pytest.mark.parametrize("text", HTML)
def test_the_same_words_act_where_they_are_trusted(text: str) -> None:
    assert problems(unsafe_html(text)) != []


@pytest.mark.parametrize("command", ACTING)
def test_no_formula_holds_a_command_that_acts(command: str) -> None:
    acting = [form for form in FORMULAS if problems(markdown_html(form.replace("%s", command)))]
    assert acting == []


@pytest.mark.parametrize("formula", ["$%s$", "$$%s$$", "\\\\(%s\\\\)", "&#36;%s&#36;"])
def test_the_same_formulas_act_where_they_are_trusted(formula: str) -> None:
    assert [each for each in ACTING if not problems(unsafe_html(formula.replace("%s", each)))] == []


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join))
def test_no_mixture_of_hostile_words_acts(text: str) -> None:
    assert problems(markdown_html(text)) == []


@given(st.text(max_size=80))
def test_any_text_becomes_html_that_cannot_act(text: str) -> None:
    assert problems(markdown_html(text)) == []


@pytest.mark.parametrize(
    "text",
    ["x" * 1_000_001, "<b>" * 100_000, "[" * 1_001, "![](" * 70_000, "1. a\n" * 20_000, "**a*" * 20_000],
    ids=lambda text: text[:4],
)
def test_text_too_large_or_too_wild_stays_as_it_is(text: str) -> None:
    html = markdown_html(text)
    assert html == preformatted_html(text)
    assert block_problems(html) == []


@pytest.mark.parametrize(
    "text",
    [">" * 20_000, "- " * 20_000, "*" * 20_000, "*a_" * 20_000, "[" * 900 + "]" * 900, "|" * 20_000, "$" * 20_000],
)
def test_deep_nesting_is_read(text: str) -> None:
    assert problems(markdown_html(text)) == []


def test_pictures_become_links() -> None:
    assert problems(markdown_html("![a cat](https://fal.media/cat.png)")) == []
    assert 'href="https://fal.media/cat.png"' in markdown_html("![a cat](https://fal.media/cat.png)")
    assert words(markdown_html("![a cat](https://fal.media/cat.png) and ![](https://fal.media/dog.png)")).strip() == (
        "a cat and https://fal.media/dog.png"
    )


@pytest.mark.parametrize("url", ["https://fal.ai/a?b=c&d", "http://fal.ai", "mailto:a@b.c"])
def test_links_to_the_web_and_to_mail_live(url: str) -> None:
    html = markdown_html(f"[x]({url} 'title') <{url}>")
    assert html.count("href=") == 2
    assert html.count('target="_blank"') == html.count("noopener noreferrer nofollow") == 2
    assert 'title="title"' in html


def test_words_lists_and_emphasis_come_out_right() -> None:
    html = bare(markdown_html("# One\n\nA **b** *c* ~~d~~\n\n3. x\n4. y\n\n- z\n\n> q\n\n---"))
    for part in (
        "<h1>One</h1>",
        "<p>A <strong>b</strong> <em>c</em> <s>d</s></p>",
        '<ol start="3">\n<li>x</li>\n<li>y</li>\n</ol>',
        "<ul>\n<li>z</li>\n</ul>",
        "<blockquote>\n<p>q</p>\n</blockquote>",
        "<hr>",
    ):
        assert part in html


def test_a_table_comes_out_right() -> None:
    html = markdown_html("| a | b |\n|---|--:|\n| **1** | 2 |")
    assert "<thead>\n<tr>\n<th>a</th>\n" in html
    assert "<td><strong>1</strong></td>" in html
    assert re.search(r'<td style="text-align: ?right;?">2</td>', html)


def test_code_comes_out_right() -> None:
    opening = '<div class="fal-code"><div class="fal-code-head">python</div>\n<pre tabindex="0"><code>'
    html = bare_code(markdown_html("```python\nif a < b:\n    $x$\n```"))
    assert f"{opening}if a &lt; b:\n    $x$\n</code></pre></div>" in html
    assert "<code>a &lt; $b</code>" in markdown_html("`a < $b`")


@pytest.mark.parametrize(
    ("text", "formula"),
    [
        (r"\(x < y\)", r"\(x < y\)"),
        ("$x_1 * y_2 * z$", r"\(x_1 * y_2 * z\)"),
        ("$$x^2$$", r"\[x^2\]"),
        ("$$\nx^2\n$$", r"\[x^2\]"),
        (r"\[\frac{a}{b}\]", r"\[\frac{a}{b}\]"),
        ("\\begin{align}\na &= b \\\\\n\\end{align}", "\\[\\begin{align}\na &= b \\\\\n\\end{align}\\]"),
        (r"$\hrefs \tagged \reference$", r"\(\hrefs \tagged \reference\)"),
        ("words $$x$$ words", r"\[x\]"),
    ],
)
def test_mathematics_is_left_to_the_front_end(text: str, formula: str) -> None:
    assert formula in words(markdown_html(text))


@pytest.mark.parametrize(
    "text", ["It costs $5, not $10.", "$20-$30", "US$ 3 and CA$ 4", "a $ b", "C:\\Users and \\$HOME"]
)
def test_prices_and_paths_are_no_mathematics(text: str) -> None:
    page = Page(TAGS, ATTRIBUTES)
    page.feed(markdown_html(text))
    assert not [each for each in page.texts if OPENS_MATH.search(each) and len(each) > 1]


@pytest.mark.parametrize("make", [text_html, preformatted_html])
def test_text_stands_in_html_as_it_is(make: object) -> None:
    assert callable(make)
    html = make("<script>alert('x')</script> \"a\" & $\\href{x}{y}$")
    assert problems(html) == []
    assert "&lt;script&gt;" in html


def test_text_starts_no_mathematics() -> None:
    assert text_html(r"$5 \(x\)") == r"<span>$</span>5 <span>\</span>(x<span>\</span>)"


@pytest.mark.parametrize("text", ["> |a|b|\n> |-|-|\n> ", "> |a|b|\n> |-|-|\n> |1|2|\n> "])
def test_a_table_that_is_cut_in_a_quote_is_shown(text: str) -> None:
    """At these markdown-it-py 4.2 raises IndexError."""
    html = markdown_html(text)
    assert problems(html) == []
    assert "a" in html


def test_what_the_parser_fails_at_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(*_: object) -> str:
        return ""[0]

    monkeypatch.setattr(MarkdownIt, "parse", parse)
    assert markdown_html("> words") == preformatted_html("> words")


DEAR = [
    *(
        "aב" * 99_000,
        "(ב)" * 60_000,
        "בבבב " * 39_000,
        "\u0645" * 190_000,
        "ภาษาไทย" * 27_000,
        "a\u0431ב\u03b1\u0639語" * 30_000,
        "\U0001d400a" * 90_000,
    ),
    *(
        "> - " + "aב" * 5_100,
        "```\n" + "aב\n\n" * 5_100,
        "| a |\n|---|\n|" + "ب" * 5_100 + "|",
        "a語" * 50 + "a\u0431\n\n" * 20_000,
    ),
]


@pytest.mark.parametrize("text", DEAR, ids=lambda text: text[:12])
def test_what_a_page_cannot_lay_out_as_one_is_shown_in_blocks_with_every_letter(text: str) -> None:
    for html in (markdown_html(text), preformatted_html(text)):
        blocks = re.findall(r"<div style=\"content-visibility:auto[^>]*>([^<]*)</div>", html)
        assert "".join(map(unescape, blocks)) == text
        assert max(map(len, blocks)) <= 1_000 + 4 * max(block.count("&") for block in blocks)


@pytest.mark.parametrize("piece", ["aב", "בb ", "ab בג ", "ב1", "\u0639\u0660", "\u0580ב", "a\u0431ב\u03b1\u0639語"])
def test_what_turns_its_direction_at_every_few_letters_stands_in_their_order(piece: str) -> None:
    html = preformatted_html(piece * 20_000)
    assert html.count("content-visibility") == html.count("unicode-bidi:bidi-override") > 0


@pytest.mark.parametrize(
    "piece",
    ["בוקר טוב, good morning. ", "כל 12 הילדים ב־3 כיתות; ", "\u0645\u0631\u062d\u0628\u0627 hello ", "吾輩は猫 "],
)
def test_what_a_language_turns_stands_as_it_is_read(piece: str) -> None:
    html = preformatted_html(piece * 10_000)
    assert "content-visibility" in html
    assert "bidi-override" not in html


@pytest.mark.parametrize(
    "text",
    ["слово и дело " * 12_000, "# Titel\n\nüber Öl " * 4_000, "吾輩は猫である。\n\n" * 4_000, "words " * 33_000],
)
def test_long_texts_of_one_script_are_formatted_as_ever(text: str) -> None:
    shown = re.sub(r"((?:слово и дело ){30})", r"\1\n\n", text)[:199_000]
    assert "<p" in markdown_html(shown)


@pytest.mark.parametrize("piece", ["**x** ", "`x` ", "$x$ ", "- x\n", "# x\n"])
def test_more_elements_than_a_page_lays_out_at_once_are_shown_as_the_text_that_they_are(piece: str) -> None:
    assert markdown_html(piece * 30_000) == preformatted_html(piece * 30_000)


@pytest.mark.parametrize(("piece", "most"), [("# x\n", 300), ("x\n=\n", 300), ("- x\n", 5_000)])
def test_headings_and_items_have_a_bound_of_their_own(piece: str, most: int) -> None:
    assert "<pre" not in markdown_html(piece * most)
    assert markdown_html(piece * (most + 1)) == preformatted_html(piece * (most + 1))


@pytest.mark.parametrize("text", ["\n" * 90_000, "a\n" * 90_000, "a" + " \n" * 90_000])
def test_more_lines_than_a_page_lays_out_at_once_stand_in_blocks(text: str) -> None:
    assert preformatted_html(text).count("content-visibility") >= len(text) / 1_000
