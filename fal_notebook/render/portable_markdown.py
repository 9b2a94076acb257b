r"""An answer's Markdown for readers that have nothing richer, such as nbconvert to LaTeX.

Pages take ``text/html`` where an output has both. But no reader may be able to act on a model's words: some run raw
HTML, pandoc passes raw TeX on, which can read files, and nbconvert makes TeX of ``<cite>`` tags even within code. So
the Markdown is written anew from what was read. Each character that could be a mark is escaped, pictures are links,
and only formulas of harmless commands stay formulas; the others are code. An answer for which this cannot be done has
no Markdown.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from urllib.parse import quote

from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from .markdown import is_wild, read_tokens, weights

LONGEST = 40_000
"""The most characters of an answer that is written a second time as Markdown."""
# An escaped backslash before a bracket would begin a formula.
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;", "\\": "&#92;"}
_MARK = re.compile(r"[\\`*_{}\[\]#|~$@^!%<>&]|--|\.\.\.")
_LINE_START = re.compile(r"([-+=:])|(\(?\w{1,9})([.)])")
_LANGUAGE = re.compile(r"[A-Za-z0-9+#-]{1,30}")
_CITATION = re.compile(r"<\s*+(?:/\s*+)?cite", re.IGNORECASE)
_ADDRESS = re.compile(r"(https?|mailto):", re.IGNORECASE)
_TEX_COMMAND = re.compile(r"\\([A-Za-z]+|.)", re.DOTALL)
_TEX_SYMBOLS = frozenset(",;:!|{}\\ ")
_TEX_NAMES = """
    alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi pi varpi rho varrho
    sigma varsigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega
    frac dfrac tfrac binom sqrt sum prod int iint iiint oint bigcup bigcap lim limsup liminf sup inf max min arg det dim
    exp ln log lg sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh gcd ker deg hom Pr bmod pmod pm mp times
    div cdot cdots ldots dots vdots ddots ast star circ bullet oplus ominus otimes cup cap setminus wedge vee land lor
    lnot neg le leq ge geq ne neq ll gg approx equiv sim simeq cong propto perp parallel mid nmid in notin ni subset
    supset subseteq supseteq emptyset varnothing forall exists nexists infty nabla partial prime angle to gets
    rightarrow leftarrow Rightarrow Leftarrow leftrightarrow Leftrightarrow longrightarrow Longrightarrow mapsto implies
    iff uparrow downarrow therefore because hbar ell Re Im aleph left right big Big bigg Bigg bigl bigr Bigl Bigr lfloor
    rfloor lceil rceil langle rangle lvert rvert lVert rVert mathbb mathbf mathcal mathfrak mathrm mathit mathsf
    boldsymbol text textbf textit operatorname hat bar vec dot ddot tilde widehat widetilde overline underline overbrace
    underbrace overset underset limits nolimits displaystyle textstyle quad qquad
"""
_TEX_COMMANDS = frozenset(_TEX_NAMES.split())
"""Commands of mathematics that neither read files nor define anything."""


def portable_markdown(text: str, tokens: Sequence[Token] | None = None) -> str | None:
    """The Markdown as every reader may have it; None if there is none.

    Args:
        text: the Markdown of an answer.
        tokens: what was read of it, if that has been done.
    """
    if len(text) > LONGEST:
        return None
    if tokens is None:
        tokens = [] if is_wild(weights(text)) else read_tokens(text)
    try:
        words = _blocks(SyntaxTreeNode(tokens).children) if tokens else ""
    except (RecursionError, ValueError):
        return None
    return None if not words or _CITATION.search(words) else words


def portable_plain(text: str) -> str | None:
    """Plain text as Markdown that shows it; several lines become code."""
    words = _code_block(text) if "\n" in text else _escaped(text)
    return None if len(text) > LONGEST or _CITATION.search(words) else words


def _blocks(nodes: Iterable[SyntaxTreeNode]) -> str:
    return "\n\n".join(filter(None, map(_block, nodes)))


def _block(node: SyntaxTreeNode) -> str:
    write = _BLOCKS.get(node.type)
    if write is not None:
        return write(node)
    return _blocks(node.children) if node.children else _escaped(node.content)


def _paragraph(node: SyntaxTreeNode) -> str:
    lines = (line.strip(" \t") for line in _inline(node.children).split("\n"))
    return "\n".join(map(_escaped_start, filter(None, lines)))


def _heading(node: SyntaxTreeNode) -> str:
    return f"{'#' * int(node.tag[1:])} {' '.join(_inline(node.children).split())}"


def _quote(node: SyntaxTreeNode) -> str:
    return "\n".join(f"> {line}".rstrip() for line in _blocks(node.children).split("\n"))


def _list(node: SyntaxTreeNode) -> str:
    number = int(str(node.attrs.get("start", 1)))
    items: list[str] = []
    for each in node.children:
        number = int(str(each.attrs.get("value", number)))
        mark = f"{number}. " if node.type == "ordered_list" else "- "
        number += 1
        lines = _blocks(each.children).split("\n")
        items.append(mark + "\n".join([lines[0], *(f"{' ' * len(mark)}{line}".rstrip() for line in lines[1:])]))
    return "\n".join(items)


def _table(node: SyntaxTreeNode) -> str:
    rows = [[_cell(cell) for cell in row.children] for part in node.children for row in part.children]
    if not rows:
        return ""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], f"|{'---|' * len(rows[0])}", *lines[1:]])


def _cell(node: SyntaxTreeNode) -> str:
    return " ".join(_inline(node.children, in_table=True).split())


def _fence(node: SyntaxTreeNode) -> str:
    language = node.info.strip() if node.type == "fence" else ""
    return _code_block(node.content, language if _LANGUAGE.fullmatch(language) else "")


def _code_block(code: str, language: str = "") -> str:
    marks = "`" * max(3, _longest_run(code) + 1)
    return f"{marks}{language}\n{code.rstrip(chr(10))}\n{marks}"


def _inline(nodes: Iterable[SyntaxTreeNode], *, in_table: bool = False) -> str:
    return "".join(_word(node, in_table=in_table) for node in nodes)


def _word(node: SyntaxTreeNode, *, in_table: bool) -> str:
    inner = _inline(node.children, in_table=in_table) if node.children else ""
    match node.type:
        case "inline":
            return inner
        case "softbreak":
            return "\n"
        case "hardbreak":
            return "\\\n"
        case "em" | "strong" | "s":
            mark = {"em": "*", "strong": "**", "s": "~~"}[node.type]
            return f"{mark}{inner}{mark}" if inner.strip() == inner != "" else inner
        case "link" | "image":
            return _link(inner or _escaped(node.content), str(node.attrs.get("href") or node.attrs.get("src") or ""))
        case "code_inline":
            return _escaped(node.content) if in_table else _code(node.content)
        case "math_inline" | "math_inline_double":
            mark = "$" if node.type == "math_inline" else "$$"
            formula = " ".join(node.content.replace("<", "< ").split())  # which begins no tag
            harmless = _is_harmless(formula) and not (in_table and "|" in formula)
            return f"{mark}{formula}{mark}" if harmless else _code(formula)
        case "footnote_ref":
            return _escaped(f"[{node.content}]")
    return inner or _escaped(node.content)


def _link(words: str, address: str) -> str:
    if not _ADDRESS.match(address):
        return words
    return f"[{words}]({quote(address, safe=':/?#@!+,;=%&*-._~')})"


def _code(code: str) -> str:
    shown = " ".join(code.split("\n"))
    if not shown.strip():
        return ""
    marks = "`" * (_longest_run(shown) + 1)
    space = " " if shown[0] == "`" or shown[-1] == "`" else ""
    return f"{marks}{space}{shown}{space}{marks}"


def _longest_run(code: str) -> int:
    return max(map(len, re.findall("`+", code)), default=0)


def _is_harmless(formula: str) -> bool:
    """Whether TeX can do nothing with a formula but typeset it: it can read files, and define commands, by others."""
    if not formula or re.search(r"[%#$`&]|\^\^", formula) or formula.endswith("\\"):
        return False
    names = _TEX_COMMAND.findall(formula)
    depth = 0
    for mark in re.findall(r"\\.|[{}]", formula):
        depth += {"{": 1, "}": -1}.get(mark, 0)
        if depth < 0:
            return False
    return (
        depth == 0
        and names.count("left") == names.count("right")
        and all(name in _TEX_COMMANDS or name in _TEX_SYMBOLS for name in names)
    )


def _escaped(text: str) -> str:
    return _MARK.sub(lambda mark: _ENTITIES.get(mark[0]) or "".join(f"\\{each}" for each in mark[0]), text)


def _escaped_start(line: str) -> str:
    """A line of a paragraph that begins no list, no definition and no underline."""
    start = _LINE_START.match(line)
    if start is None:
        return line
    return f"\\{line}" if start[1] else f"{start[2]}\\{start[3]}{line[start.end() :]}"


_BLOCKS: dict[str, Callable[[SyntaxTreeNode], str]] = {
    "paragraph": _paragraph,
    "heading": _heading,
    "blockquote": _quote,
    "bullet_list": _list,
    "ordered_list": _list,
    "table": _table,
    "fence": _fence,
    "code_block": _fence,
    "hr": lambda _: "* * *",
    "summary": lambda node: f"**{_inline(node.children)}**",
}
