"""The time to read a text grows linearly with its length, whatever is repeated in the text.

The regular expressions are found by searching the package, together with the methods by which it uses each. The
readers of texts that servers send or users write are listed. Each gets repeated pieces, four times as long with each
step, until it is slow enough to be judged. The time is that of this thread alone, the best of several runs.
"""

import ast
import contextlib
import gc
import importlib
import json
import pkgutil
import re
import time
from collections.abc import Callable, Iterator
from functools import cache, partial
from io import BytesIO
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from IPython.core.error import UsageError

import fal_notebook
from fal_notebook.client.result import Result
from fal_notebook.display.growing_words import GrowingWords
from fal_notebook.display.live_reasoning import LiveReasoning
from fal_notebook.errors import FalNotebookError, detail_text
from fal_notebook.magic.cell_arguments import from_cell, from_line
from fal_notebook.magic.line import split_line
from fal_notebook.magic.options import parse
from fal_notebook.magic.template import fill, slots
from fal_notebook.media.data_uris import media_from_data_uri
from fal_notebook.media.media import guess_type, normal_type
from fal_notebook.media.partial_audio import Playable, parameter, raw_format
from fal_notebook.media.picture_size import pixels
from fal_notebook.media.wav import correct_wav_lengths, wav_seconds
from fal_notebook.prompt.argument_rows import Form
from fal_notebook.render.bundles import small_bundle, text_bundle
from fal_notebook.render.growing_markdown import GrowingMarkdown
from fal_notebook.render.json_view import json_bundle
from fal_notebook.render.markdown import text_html
from fal_notebook.response.content import Content
from fal_notebook.response.envelopes import Envelope
from fal_notebook.response.files_in_json import files_in
from fal_notebook.response.growing_text import UnmarkedText
from fal_notebook.response.updates import Text
from fal_notebook.safety.plain_text import excerpt, one_line, plain_text
from fal_notebook.safety.redaction import Redaction
from fal_notebook.wire.protocol import Protocol
from fal_notebook.wire.target import endpoint_name

from .conftest import KEY
from .magic.test_options import PARSER

pytestmark = pytest.mark.rig
STEP = 4
TOO_STEEP = 8.5  # the growth with each step; linear is 4, quadratic 16
SHORTEST, LONGEST = 400, 410_000  # characters
TELLING = 0.01  # seconds; a shorter time says nothing about the growth
TOO_LONG = 0.5  # seconds for at most some hundred thousand characters, whatever more of them take
ENOUGH = 0.02  # seconds; a longer time needs no further step
HOUSE = Path(fal_notebook.__file__).parent
METHODS = ("match", "fullmatch", "search", "finditer", "findall", "sub", "split")


def seconds(work: Callable[[], object], times: int = 1) -> float:
    """The best time of this thread for the work."""
    best = float("inf")
    gc.disable()  # a collection would visit everything that earlier tests have left
    try:
        for _ in range(times):
            began = time.thread_time()
            work()
            best = min(best, time.thread_time() - began)
    finally:
        gc.enable()
    return best


def steepness(
    work: Callable[[Any], object], text: Callable[[int], Any], longest: int = LONGEST, enough: float = ENOUGH
) -> float:
    """The growth of the time for four times the text, at the size where it is too steep; 0 if it never is.

    A reader may take another way for long texts, and so be slower from some length on. That is one step: it is too
    steep only if the time grows as much with the next length.
    """
    size, before = SHORTEST, 0.0
    while size <= longest:
        took = seconds(partial(work, text(size)))
        if took > TELLING and before and took / before > TOO_STEEP:  # measured again, in case something disturbed it
            times = 5 if took < 1 else 1
            took = seconds(partial(work, text(size)), times)
            before = seconds(partial(work, text(size // STEP)), times)
            if took > TELLING and took / before > TOO_STEEP:
                if took > TOO_LONG or seconds(partial(work, text(size * STEP))) / took > TOO_STEEP:
                    return took / before
                return 0
        if took > enough:
            return 0
        size, before = size * STEP, took
    return 0


def repeated(head: str, piece: str, tail: str, size: int) -> str:
    return head + piece * (size // len(piece) + 1) + tail


# The regular expressions.


@cache
def modules() -> list[ModuleType]:
    names = [each.name for each in pkgutil.walk_packages(fal_notebook.__path__, "fal_notebook.")]
    return [importlib.import_module(name) for name in names if not name.endswith("__main__")]


@cache
def trees() -> list[tuple[str, ast.Module]]:
    paths = sorted(HOUSE.rglob("*.py"))
    return [(str(path.relative_to(HOUSE)), ast.parse(path.read_text(encoding="utf-8"))) for path in paths]


def patterns_in(value: Any, depth: int = 0) -> Iterator[re.Pattern[Any]]:
    """The regular expressions that a value is or contains."""
    if isinstance(value, re.Pattern):
        yield value
    elif depth < 4 and isinstance(value, (list, tuple, set, frozenset)):
        yield from chain.from_iterable(patterns_in(each, depth + 1) for each in value)
    elif depth < 4 and isinstance(value, dict):
        yield from chain.from_iterable(patterns_in(each, depth + 1) for each in value.values())
    elif depth < 4 and type(value).__module__.startswith("fal_notebook") and not isinstance(value, type):
        slots = getattr(type(value), "__slots__", ())
        yield from chain.from_iterable(patterns_in(getattr(value, name, None), depth + 1) for name in slots)


@cache
def attributes() -> set[tuple[str, str]]:
    """The names in the package together with the attributes that it reads of them."""
    return {
        (node.value.id, node.attr)
        for _, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }


def uses(name: str) -> set[str]:
    """The methods that the package calls on the pattern of this name; the usual ones if it only passes it on."""
    return {method for method in METHODS if (name, method) in attributes()} or {"match", "fullmatch"}


def named_patterns() -> dict[str, tuple[re.Pattern[Any], set[str]]]:
    found: dict[str, tuple[re.Pattern[Any], set[str]]] = {}
    for module in modules():
        for name, value in vars(module).items():
            for number, pattern in enumerate(patterns_in(value)):
                found[f"{module.__name__}.{name}.{number}"] = pattern, uses(name)
    return found


def patterns_in_calls() -> dict[str, tuple[re.Pattern[Any], set[str]]]:
    """The patterns that are written where they are used, as in ``re.fullmatch(r"…", text)``."""
    found: dict[str, tuple[re.Pattern[Any], set[str]]] = {}
    for name, tree in trees():
        for node in ast.walk(tree):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name("re"), attr=method),
                    args=[ast.Constant(str() | bytes() as text), *_],
                ) if method in METHODS:
                    found[f"{name}:{node.lineno}"] = re.compile(text), {method}
    return found


PATTERNS = {
    **named_patterns(),
    **patterns_in_calls(),
    "made from the key": (vars(Redaction)["_Redaction__escape"].__get__(Redaction(KEY)), {"search"}),
}


def literals(pattern: re.Pattern[Any]) -> list[str]:
    """The literal strings in a regular expression, and the characters in its character classes."""
    source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    plain = re.sub(r"\\[sSwWdDbB]|\\x[0-9a-f]{2}|\(\?\w*[:=!]|\(\?P<\w+>", " ", source)
    runs = re.findall(r"(?:[\w:;=/#%$&~\"'`<>@!, -]|\\.)+", plain)
    return sorted({run.replace("\\", "") for run in runs if run.strip()} - {""})


PUNCTUATION = (
    *(
        "/",
        ";",
        ",",
        ":",
        "=",
        " ",
        "\n",
        "\r\n",
        '"',
        "'",
        "\\",
        "[",
        "]",
        "{",
        "}",
        "(",
        "a",
        "1",
        "_",
        "-",
        ".",
        "+",
    ),
    *("a ", ";a", "/a", "a/", "=a", "\n ", ": ", ":\n", "a-"),
)


def texts(pattern: re.Pattern[Any]) -> Iterator[tuple[str, str, str]]:
    """Heads, pieces and tails made of a pattern's own literals, and of texts at which such patterns are often slow."""
    own = literals(pattern)[:12]
    for head in ("", *own):
        for piece in (*own, *PUNCTUATION):
            yield head, piece, ""
            yield head, piece, "\x00"


def exercise(pattern: re.Pattern[Any], method: str, text: str) -> None:
    suited: Any = text if isinstance(pattern.pattern, str) else text.encode("latin-1", "replace")
    if method == "sub":
        pattern.sub(lambda _: suited[:0], suited)
    elif method == "finditer":
        for _ in pattern.finditer(suited):
            pass
    else:
        getattr(pattern, method)(suited)


@pytest.mark.parametrize("name", PATTERNS)
def test_a_regular_expression_is_linear(name: str) -> None:
    pattern, methods = PATTERNS[name]
    steep = {}
    for method in methods:
        for head, piece, tail in texts(pattern):
            longest = LONGEST // 4 if piece in PUNCTUATION and not head else LONGEST // 64
            steep[method, head, piece, tail] = steepness(
                partial(exercise, pattern, method), partial(repeated, head, piece, tail), longest
            )
    assert {text: times for text, times in steep.items() if times} == {}


# The readers of texts that servers send and users write.


def fed(label: str, text: str, size: int = 4_096) -> None:
    """Read a body with a content type in pieces, and show it."""
    content = Content(label)
    data = text.encode("utf-8", "surrogatepass")
    with contextlib.suppress(FalNotebookError):
        for at in range(0, len(data), size):
            content.feed(data[at : at + size])
        content.finish()
    result = Result("a/b", text=content.text, data=content.data, media=list(content.media), events=content.events)
    result.body("text")
    result.body("json")


def in_growing_text(text: str) -> None:
    """Read snapshots that share a beginning, and deltas, with as many characters in all as the text."""
    growing = UnmarkedText()
    for at in range(0, len(text), 200):
        growing.take(text[at : at + 200])
    str(growing)


def on_a_page(text: str) -> None:
    page = GrowingWords()
    for at in range(0, len(text), 1_000):
        page.feed(Text(text[at : at + 1_000], at))
        page.take()
    page.take(last=True)
    page.html()


def thought(text: str) -> None:
    """Read reasoning in tags in small pieces, and show its newest lines each time."""
    content, reasoning = Content("text/plain"), LiveReasoning()
    for at in range(0, len(text), 50):
        reasoning.take(content.feed((text if at else f"<think>{text}")[at : at + 50].encode("utf-8", "replace")))
        reasoning.last_words(80)


def quietly(work: Callable[[str], object]) -> Callable[[str], object]:
    def silenced(text: str) -> None:
        with contextlib.suppress(FalNotebookError, UsageError, ValueError):
            work(text)

    return silenced


def sounded(text: str) -> None:
    playable = Playable("audio/wav")
    data = text.encode("utf-8", "surrogatepass")
    for at in range(0, len(data), 16):
        playable.feed(data[at : at + 16])


def corrected(text: str) -> None:
    body = BytesIO(text.encode("utf-8", "surrogatepass"))
    correct_wav_lengths(body)
    wav_seconds(body.getvalue())


def encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def received(raw: str) -> None:
    text = encodable(raw)
    for message in (
        text,
        json.dumps({"type": "start", "request_id": text, "headers": {"content-type": text, text: [text]}}),
    ):
        protocol = Protocol()
        protocol.send("{}")
        with contextlib.suppress(FalNotebookError):
            protocol.receive(message)
            protocol.receive(f'{{"type": "end", "request_id": "{text}')


def in_shapes(text: str) -> None:
    shape = Envelope.of(
        json.dumps({"output": text, "x": text[:100]}), lambda value: value.get("output") if value else None
    )
    if shape is not None:
        shape.words(json.dumps({"output": text, "x": text[:100]}))


def growing_markdown(text: str, size: int = 4_096) -> None:
    """Words that are formatted while they come."""
    growing = GrowingMarkdown()
    for at in range(0, len(text), size):
        growing.feed(text[at : at + size])
        growing.take()
    growing.end()
    growing.take()


READERS: dict[str, Callable[[str], object]] = {
    "words as HTML": text_html,
    "words on a terminal": plain_text,
    "a status line": one_line,
    "words in the page": on_a_page,
    "unmarked pieces": in_growing_text,
    "reasoning as it comes": thought,
    "an answer's words": text_bundle,
    "words that grow": growing_markdown,
    "a value's JSON": lambda text: json_bundle({text: [text, {text: text}]}),
    "small letters": small_bundle,
    "a data URI": quietly(lambda text: media_from_data_uri(f"data:{text}")),
    "a data URI's bytes": quietly(lambda text: media_from_data_uri(f"data:a/b,{text}")),
    "a data URI's base64": quietly(lambda text: media_from_data_uri(f"data:a/b;base64,{text}")),
    "files": lambda text: files_in({"image": text, "images": [{"url": text, "content_type": text, "file_name": text}]}),
    "files at URLs": lambda text: files_in({"image": f"https://a/{text}", "images": [{"url": f"https://{text}"}]}),
    "files in data URIs": lambda text: files_in({"image": f"data:{text}", "images": [{"url": f"data:a/b,{text}"}]}),
    "a URL's type": quietly(lambda text: guess_type(f"https://{text}")),
    "a content type": lambda text: (
        parameter(encodable(text), "charset"),
        normal_type(text),
        raw_format(encodable(text)),
    ),
    "a content type of samples": lambda text: raw_format(encodable(f"audio/pcm;{text}")),
    "server-sent events": partial(fed, "text/event-stream"),
    "the words of an event": lambda text: fed("text/event-stream", f'data: {{"output": "{text}"}}\n\n'),
    "one event": lambda text: fed("text/event-stream", f"data: {text}\n\n"),
    "JSON": partial(fed, "application/json"),
    "a JSON string": lambda text: fed("application/json", json.dumps({"output": text, "image": text, text: text})),
    "lines of JSON": partial(fed, "application/x-ndjson"),
    "plain words": partial(fed, "text/plain"),
    "words in pieces of a few bytes": lambda text: fed("text/plain", text, 16),
    "no label": partial(fed, "application/octet-stream"),
    "no label, in pieces of a few bytes": lambda text: fed("application/octet-stream", text, 16),
    "events in pieces of a few bytes": lambda text: fed("text/event-stream", text, 16),
    "lines of JSON in pieces of a few bytes": lambda text: fed("application/x-ndjson", text, 16),
    "an unknown charset": lambda text: fed(f"text/plain; charset={text}", "words"),
    "UTF-16": partial(fed, "text/plain; charset=utf-16"),
    "sound": partial(fed, "audio/wav"),
    "sound as it comes": lambda text: sounded(f"RIFF\x10\0\0\0WAVE{text}"),
    "the lengths of a WAV file": lambda text: corrected(f"RIFF\x10\0\0\0WAVE{text}"),
    "a picture's size": lambda text: pixels(text.encode("utf-8", "surrogatepass")),
    "messages": received,
    "the shape of events": in_shapes,
    "the prompt of a magic": quietly(lambda text: from_cell(text, "prompt", {}, as_text=False)),
    "a template": quietly(lambda text: fill(text, {"x": 1})),
    "one slot": quietly(lambda text: fill(f"{{{{{text}}}}}", {"x": 1})),
    "the slots of a template": lambda text: list(slots(text)),
    "the line of a magic": quietly(lambda text: from_line(split_line(text), {})),
    "a value in the line": quietly(lambda text: from_line(split_line(f"a:={text}"), {})),
    "a quotation in the line": quietly(lambda text: from_line(split_line(f'a="{text}"'), {})),
    "the options of a magic": quietly(lambda text: parse(PARSER, text)),
    "an endpoint": quietly(endpoint_name),
    "a row of the form": quietly(lambda text: Form({"a": text})),
    "an error's detail": lambda text: (detail_text({"detail": [{"loc": [text], "msg": text}]}), detail_text(text)),
    "a page that is quoted": lambda text: excerpt(f"<p>{text}"),
}
PIECES = (
    *("a", " ", "\n", "\r\n", "/", ";", ",", "]", "[", "{", "}", "(", ")", "<", ">", "&", "`", "*", "_", "~", "|", "!"),
    *("$", "\\", '"', "'", "=", ":", "#", "-", "+", "%41", "%", "\x00", "\x1b", "é", "́", "\ud800", "😀", "\u202e"),
    *(
        "{{}}",
        "{{",
        "}}",
        "{{a b}}",
        "{{x}}",
        "{{ {1:{2:3}} }}",
        "[]",
        "{}",
        "[],",
        "{},",
        "1,",
        '"a",',
        "][",
        "[[",
        "]](",
    ),
    *(
        "[a](",
        "![",
        "[^a]",
        "[a]: /b\n",
        "<a",
        "<!--",
        "**a*",
        "*a ",
        "_a_",
        "> ",
        "- ",
        "1. ",
        "  - a\n",
        "`a",
        "```\n",
    ),
    *(
        "|a",
        "|a\n|-\n",
        "$a",
        "$$",
        "\\(",
        "\\)",
        "\\[",
        "\\begin{align}",
        "\\end{align}",
        "&amp;",
        "http://a ",
        "www.",
    ),
    *("data:x\n\n", "data: 1\n\n", "data:", "data:\n", ": x\n", "id: a\n", "event: x\n", "\n\n", "x\n"),
    *(
        'data: {"output": "a"}\n\n',
        'data: {"choices":[{"delta":{"content":"a"}}]}\n\n',
        '{"a": 1}\n',
        '{"a": 1}',
        "[1]\n",
    ),
    *(
        'data: {"image": {"url": "https://a/b.png"}}\n\n',
        "https://a/b.png ",
        '"https://a/b",',
        "data:a/b,c ",
        "data:a/b;c",
    ),
    *(
        "; a=b",
        ";a*0=b",
        "a=b ",
        "a:=1 ",
        "a:=x ",
        'a:="',
        "a:=[1] ",
        "it's ",
        '"a" ',
        "--raw ",
        "-o ",
        "junk\0\0\0\0",
        "fmt \0\0\0\0",
    ),
)


@pytest.mark.parametrize("name", READERS)
def test_what_reads_texts_of_others_is_linear(name: str) -> None:
    steep = {piece: steepness(READERS[name], partial(repeated, "", piece, "")) for piece in PIECES}
    assert {text: times for text, times in steep.items() if times} == {}


LONG = ("a content type", "a URL's type", "a data URI", "a template", "the slots of a template", "the line of a magic")
"""Readers in which quadratic growth would begin so slowly that only a megabyte shows it."""


@pytest.mark.parametrize("name", LONG)
def test_a_megabyte_of_one_mark_is_linear_too(name: str) -> None:
    marks = [piece for piece in PIECES if len(piece) == 1 or piece in ("{{}}", "{{x}} ", "a=b ", "a:=x ")]
    steep = {
        piece: steepness(READERS[name], partial(repeated, "", piece, ""), 4 * LONGEST, enough=0.5) for piece in marks
    }
    assert {text: times for text, times in steep.items() if times} == {}
