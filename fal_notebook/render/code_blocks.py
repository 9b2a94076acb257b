"""Blocks of code: framed, named by their language, and coloured where the language is known.

The colours are classes of ``answer.css``. Pygments reads the code with the lexer that the block names; it never guesses
one. A lexer's time can grow with the square of the length of hostile code, so the code of a block is bounded, and what
is longer has no colours. The spans of all colours of an output are bounded, too: each costs the page time.
"""

import re
from collections.abc import Iterator
from functools import cache
from html import escape
from itertools import islice
from typing import Any

LONGEST_COLOURED = 8_000
"""The most characters of a block that has colours."""
MOST_COLOURS = 5_000
"""The most coloured words of an output."""
_LONGEST_LINE = 500  # characters; the time of some lexers grows with the square of it
_MANY_EMPTY_LINES = re.compile(r"\n(?:[ \t\r\f\v]*+\n){30}")  # of these, too
_SPAN = re.compile(r'<span class="fal-[a-z]">([^<]*)</span>')
# The lexers by the names under which models write these languages. Each was measured with hostile code. The time of
# those for C, C# and Java grows with the cube of the code, so others read these, which know the same words and signs.
_LEXERS = {
    "BashLexer": "bash sh shell zsh",
    "BashSessionLexer": "console shell-session",
    "CssLexer": "css",
    "DLexer": "c c++ cpp cu cuda cxx d h hpp objc objective-c",
    "DartLexer": "dart",
    "DiffLexer": "diff patch",
    "DockerLexer": "docker dockerfile",
    "ElixirLexer": "elixir ex exs",
    "GoLexer": "go golang",
    "HaskellLexer": "haskell hs",
    "HtmlLexer": "html htm svg",
    "IniLexer": "cfg ini",
    "JavascriptLexer": "javascript js jsx mjs node",
    "JsonLexer": "json jsonc jsonl ndjson json5",
    "JuliaLexer": "jl julia",
    "KotlinLexer": "kotlin kt",
    "LuaLexer": "lua",
    "PerlLexer": "perl pl",
    "PhpLexer": "php",
    "PythonConsoleLexer": "pycon",
    "PythonLexer": "ipython py py3 python python3",
    "RubyLexer": "rb ruby",
    "RustLexer": "rs rust",
    "SLexer": "r",
    "ScalaLexer": "scala",
    "ScssLexer": "scss",
    "SqlLexer": "mysql postgres postgresql sql sqlite",
    "SwiftLexer": "swift",
    "TOMLLexer": "toml",
    "TexLexer": "latex tex",
    "TypeScriptLexer": "ts tsx typescript",
    "ValaLexer": "c# cs csharp java vala",
    "XmlLexer": "xml",
    "YamlLexer": "yaml yml",
}
_LEXER_OF = {name: lexer for lexer, names in _LEXERS.items() for name in names.split()}
# The class of a token by its type or the nearest type above it. Other tokens have no colour.
_CLASSES = {
    "Comment": "c",
    "Comment.Preproc": "k",
    "Generic.Deleted": "d",
    "Generic.Heading": "f",
    "Generic.Inserted": "i",
    "Generic.Prompt": "c",
    "Generic.Subheading": "f",
    "Keyword": "k",
    "Keyword.Type": "b",
    "Literal": "m",
    "Literal.String": "s",
    "Name.Attribute": "b",
    "Name.Builtin": "b",
    "Name.Class": "f",
    "Name.Decorator": "f",
    "Name.Exception": "b",
    "Name.Function": "f",
    "Name.Tag": "f",
    "Name.Variable": "b",
    "Operator.Word": "k",
}
COLOURS = frozenset(f"fal-{each}" for each in _CLASSES.values())
"""The classes of coloured words."""


def code_block_html(code: str, language: str = "") -> str:
    """Code in a frame.

    Args:
        code: the code.
        language: its name, as the model wrote it.
    """
    head = f'<div class="fal-code-head">{escape(language)}</div>\n' if language else ""
    return f'<div class="fal-code">{head}<pre><code>{_coloured(code, language)}</code></pre></div>\n'


def colours_within(html: str, rest: int) -> tuple[str, int]:
    """A part of an output with no more colours than are left.

    Args:
        html: the part.
        rest: how many coloured words it may have: of an output, `MOST_COLOURS`.

    Returns:
        The part, and how many are left for what follows.
    """
    count = html.count('<span class="fal-')
    if count <= rest:
        return html, rest - count
    places = [match.start() for match in islice(_SPAN.finditer(html), rest + 1)]
    return html[: places[rest]] + _SPAN.sub(r"\1", html[places[rest] :]), 0


def _coloured(code: str, language: str) -> str:
    lexer = _lexer(language.lower())
    is_short = len(code) <= LONGEST_COLOURED and all(len(line) <= _LONGEST_LINE for line in code.split("\n"))
    if lexer is None or not is_short or _MANY_EMPTY_LINES.search(code):
        return escape(code)
    try:
        words = list(_words(lexer, code))
    except Exception:  # noqa: BLE001 - a lexer's own fault may be any, and must not cost the answer
        return escape(code)
    if "".join(word for word, _ in words) != code:
        return escape(code)
    return "".join(f'<span class="fal-{name}">{escape(word)}</span>' if name else escape(word) for word, name in words)


def _words(lexer: Any, code: str) -> Iterator[tuple[str, str]]:
    """The code in words, each with the letter of its class, if it has one. Neighbours of one class are joined."""
    before: list[str] = []
    name = ""
    for _, kind, word in lexer.get_tokens_unprocessed(code):
        own = _class(kind) if word.strip() else ""
        if own != name and before:
            yield "".join(before), name
            before = []
        before.append(word)
        name = own
    yield "".join(before), name


@cache
def _class(kind: Any) -> str:
    while kind:
        found = _CLASSES.get(".".join(kind))
        if found is not None:
            return found
        kind = kind.parent
    return ""


@cache
def _lexer(language: str) -> Any:
    name = _LEXER_OF.get(language)
    if name is None:
        return None
    from pygments import lexers

    return getattr(lexers, name)(stripnl=False, ensurenl=False)
