r"""The Markdown for readers without HTML: nothing in it acts, in whatever reader, and it says what the answer says.

``pandoc`` reads it as nbconvert does for LaTeX.
"""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pypandoc  # type: ignore[import-untyped]  # it ships no hints
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from nbconvert import HTMLExporter, LatexExporter, MarkdownExporter
from nbconvert.filters.citation import citation2latex

from fal_notebook.client.result import Result
from fal_notebook.render.bundles import merged, small_bundle, text_bundle
from fal_notebook.render.markdown import markdown_html
from fal_notebook.render.portable_markdown import LONGEST, portable_markdown, portable_plain

from .test_markdown import HTML, QUOTED

PANDOC = pypandoc.get_pandoc_path()
ANSWER = r"""# A *title*

Words with **strong**, `code` and [a link](https://a.org/).

- one
  - nested
- two

3. three
4. four

> a quote

| a | b |
|---|---|
| 1 | $x_1$ |

```python
print("a")
```

$$\frac{1}{2}$$

~~old~~ ![a cat](https://a.org/cat.png)
"""
TEX = [
    r"\input{/etc/passwd}",
    r"$\input{/etc/passwd}$",
    r"$$\csname input\endcsname{/etc/passwd}$$",
    r"$^^5cinput{/etc/passwd}$",
    r"$x$\input{/etc/passwd}$y$",
    r"\(a}\input{/etc/passwd}{\)",
    "$a$%\n\\input{/etc/passwd}",
    "```{=latex}\n\\input{/etc/passwd}\n```",
    "~~~ {=latex}\n\\input{/etc/passwd}\n~~~",
    r"`\input{/etc/passwd}`{=latex}",
    "\\begin{align}\n\\input{/etc/passwd}\n\\end{align}",
    '<cite data-cite="}\\input{/etc/passwd}"></cite>',
    '`<cite data-cite="}\\input{/etc/passwd}"></cite>`',
    '```\n<cite data-cite="&#10;&#96;&#96;&#96;&#10;\\input{/etc/passwd}">\n```',
    '    <CITE data-cite="}\\input{/etc/passwd}">',
    "---\nheader-includes: \\input{/etc/passwd}\n---\n\nwords",
    "% \\input{/etc/passwd}\n\nwords",
    "![](/etc/passwd.png)",
    "[x](file:///etc/passwd)",
    "::: {.x}\n\\input{/etc/passwd}\n:::",
    "a | b\n--|--\n`\\input{/etc/passwd}`{=latex} | $\\input{x}$",
    "[a]{=latex} @cite [@cite] ^[note \\input{/etc/passwd}]",
]
PIECES = ["\\input{x}", "$", "$$", "`", "```", "{=latex}", "<", ">", "<cite data-cite='", "'", "\\", "\n", "\n\n", "- "]
PIECES += [
    "1. ",
    "> ",
    "# ",
    "|",
    "*",
    "[",
    "](",
    ")",
    "http://a",
    "a",
    " ",
    "&lt;",
    "&#96;",
    "---",
    "{",
    "}",
    "%",
    "^^5c",
]
WILD = st.lists(st.sampled_from(PIECES), max_size=25).map("".join)


def tokens(text: str) -> Iterator[Token]:
    """What a reader makes of it that trusts raw HTML."""
    for token in MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(text):
        yield from [token, *(token.children or [])]


def acting(text: str) -> list[str]:
    found = [token.content for token in tokens(text) if token.type in ("html_inline", "html_block", "image")]
    links = [str(token.attrs["href"]) for token in tokens(text) if token.type == "link_open"]
    return found + [link for link in links if not link.startswith(("http:", "https:", "mailto:"))]


def letters(html: str) -> list[str]:
    return re.findall(r"\w+", re.sub(r"<[^>]*>", " ", html))


def raw(value: Any) -> list[Any]:
    """The raw parts, pictures and metadata of what pandoc has read."""
    if isinstance(value, list):
        return [found for each in value for found in raw(each)]
    if isinstance(value, dict):
        if value.get("t") in ("RawInline", "RawBlock", "Image", "Math") and "passwd" in str(value):
            return [value]
        return [found for name, each in value.items() for found in ([each] if name == "meta" and each else raw(each))]
    return []


def read_by_pandoc(text: str) -> Any:
    command = [PANDOC, "-f", "markdown+tex_math_double_backslash", "-t", "json"]
    return json.loads(subprocess.run(command, input=text.encode(), capture_output=True, check=True).stdout)


def test_an_answer_says_the_same() -> None:
    portable = portable_markdown(ANSWER)
    assert portable is not None
    again = markdown_html(portable)
    for tag in ("<h1", "<em", "<strong", "<code", "<a ", "<ul", '<ol start="3"', "<blockquote", "<table", "<s"):
        assert tag in again
    assert letters(again) == letters(markdown_html(ANSWER))
    assert portable_markdown(portable) == portable


@pytest.mark.parametrize("text", [*HTML, *QUOTED, *TEX])
def test_no_reader_can_be_made_to_act(text: str) -> None:
    for portable in (portable_markdown(text), portable_plain(text)):
        assert acting(portable or "") == []
        assert citation2latex(portable or "") == (portable or "")


@given(WILD)
def test_no_reader_can_be_made_to_act_by_any_text(text: str) -> None:
    for portable in (portable_markdown(text), portable_plain(text)):
        assert acting(portable or "") == []
        assert citation2latex(portable or "") == (portable or "")


@pytest.mark.parametrize("formula", [r"\alpha^2", r"\frac{1}{2}", r"\left( x \right)", r"a \le b", r"\text{if } x"])
def test_a_formula_of_harmless_commands_stays_one(formula: str) -> None:
    assert portable_markdown(f"so ${formula}$ is") == f"so ${formula}$ is"


@pytest.mark.parametrize(
    "formula",
    [
        r"\input x",
        r"\foo",
        r"\def\a{b}",
        r"a}b{",
        "a%b",
        "a & b",
        r"\catcode 1",
        r"\left( x",
        "^^5cinput",
        r"\write18{x}",
    ],
)
def test_any_other_formula_is_code(formula: str) -> None:
    assert "$" not in (portable_markdown(f"so ${formula}$ is") or "").replace(r"\$", "")


def test_a_line_of_words_begins_nothing_else() -> None:
    lines = (portable_markdown("a\n\\- b\n\\+ c\n1\\. d\n: e\n(a) f\n\\=") or "").splitlines()
    assert lines == ["a", "\\- b", "\\+ c", "1\\. d", "\\: e", "(a\\) f", "\\="]


def test_what_is_too_long_has_none() -> None:
    assert portable_markdown("a " * LONGEST) is None
    assert "text/markdown" not in text_bundle("a " * LONGEST)


def test_only_formatted_words_have_it_and_what_stands_beside_them_is_in_it() -> None:
    assert "text/markdown" not in text_bundle("a *b*", "text")
    assert "text/markdown" not in small_bundle("a")
    (joined,) = merged([small_bundle("a *note*"), text_bundle("*words*"), small_bundle("a\nb")])
    assert joined["text/markdown"] == "a \\*note\\*\n\n*words*\n\na b"
    assert next(iter(joined)) == "text/plain"


def notebook(text: str) -> Any:
    data = Result("a/b", text=text)._repr_mimebundle_()
    assert "text/markdown" in data
    output = nbformat.v4.new_output("display_data", data=data)
    made: nbformat.NotebookNode = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x", outputs=[output])])
    return made


@pytest.mark.parametrize("exporter", [HTMLExporter, MarkdownExporter])
def test_nbconvert_takes_the_html_where_it_can(exporter: Any) -> None:
    exported, _ = exporter().from_notebook_node(notebook("A *cat*"))
    assert 'class="fal-answer"' in exported
    assert "*cat*" not in exported


def test_nbconvert_formats_the_words_in_latex(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(Path(PANDOC).parent), prepend=os.pathsep)
    exported, _ = LatexExporter().from_notebook_node(notebook(ANSWER))
    for words in (
        r"\textbf{strong}",
        r"\begin{itemize}",
        r"\href{https://a.org/}{a link}",
        r"\frac{1}{2}",
        "longtable",
    ):
        assert words in " ".join(exported.split())
    assert "includegraphics{https" not in exported


@pytest.mark.parametrize("text", TEX)
def test_pandoc_finds_no_tex_in_an_answer(text: str) -> None:
    for portable in (portable_markdown(text), portable_plain(text)):
        assert raw(read_by_pandoc(citation2latex(portable or ""))) == []
