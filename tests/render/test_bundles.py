import base64
import json
import re
from typing import Any

import pytest

from fal_notebook.media.media import Media
from fal_notebook.render.bundles import (
    Bundle,
    as_html,
    merged,
    reasoning_bundle,
    small_bundle,
    table_bundle,
    text_bundle,
)
from fal_notebook.render.cards import media_bundle

from .test_markdown import ATTRIBUTES, HTML, QUOTED, TAGS, bare, problems

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
CARDS = {"style", "figure", "label", "input", "figcaption", "b", "i", "span", "a"}
OURS = TAGS | CARDS | {"details", "summary", "img", "audio", "source", "video"}
# Our own frame around what was checked: styles without an address, and players.
FRAME = {
    **ATTRIBUTES,
    **{name: {"class", "dir"} for name in ("h1", "h2", "h3", "h4", "h5", "h6")},
    "code": {"style"},
    "a": {*ATTRIBUTES["a"], "download"},
    "details": {"class", "style", "open"},
    "div": {"class", "style", "tabindex"},
    "figure": {"class"},
    "pre": {"style", "tabindex"},
    "span": {"class", "data-tex", "style"},
    "style": {"class"},
    "input": {"type", "aria-label", "style"},
    "figcaption": {"style"},
    "img": {"src", "alt", "style"},
    "audio": {"src", "controls", "autoplay", "preload", "aria-label"},
    "video": {"src", "controls", "playsinline", "style", "preload", "aria-label"},
}
SAVED = "<a href=data:application/octet-stream;base64,"  # a link of our own, which a page saves and never opens
WILD = ("\x1b[2J\x1b]0;x\x07", "a\rb", "\u202eabc\u202c", "\ud800 and \udfff", "\x9b31m", "\x00")


def acting(bundle: Bundle) -> list[str]:
    found = problems(bundle["text/html"], OURS, FRAME)
    return [each for each in found if not each.startswith(SAVED)]


@pytest.mark.parametrize("text", [*HTML, *QUOTED, *WILD])
@pytest.mark.parametrize("style", ["markdown", "text"])
def test_words_cannot_act(text: str, style: str) -> None:
    bundle = text_bundle(text, style)
    assert acting(bundle) == []
    assert not set(bundle["text/plain"]) & set("\x1b\r\x00\x07\x9b\u202e\ud800\udfff")
    bundle["text/html"].encode()


@pytest.mark.parametrize("text", [*HTML, *QUOTED, *WILD])
def test_hostile_words_act_nowhere_else(text: str) -> None:
    bundles = [reasoning_bundle(text), small_bundle(text), table_bundle([text], [[text]])]
    for bundle in bundles:
        assert acting(bundle) == []
        assert not set(bundle["text/plain"]) & set("\x1b\r\x00\x07\x9b\u202e\ud800\udfff")
        json.dumps(bundle, ensure_ascii=False).encode()


def test_words_are_markdown_or_as_they_are() -> None:
    assert text_bundle("a **b**")["text/plain"] == "a **b**"
    assert "<strong>b</strong>" in text_bundle("a **b**")["text/html"]
    assert ">a **b**</pre>" in text_bundle("a **b**", "text")["text/html"]


def test_reasoning_is_folded() -> None:
    bundle = reasoning_bundle("Hm **so**")
    assert bundle["text/plain"] == "[reasoning] Hm **so**"
    folded = '<details class="fal-fold"><summary>reasoning</summary><p>Hm <strong>so</strong></p>'
    assert folded in bare(bundle["text/html"])
    assert ">Hm **so**</pre>" in reasoning_bundle("Hm **so**", style="text")["text/html"]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, "reasoning"), (0.01, "thought for 1 s"), (11.6, "thought for 12 s"), (119.9, "thought for 2 min 0 s")],
)
def test_reasoning_says_how_long_it_took(seconds: float | None, said: str) -> None:
    bundle = reasoning_bundle("Hm", seconds)
    assert bundle["text/plain"] == f"[{said}] Hm"
    assert f"<summary>{said}</summary>" in bundle["text/html"]


def test_a_small_line_is_one_line() -> None:
    assert small_bundle("a\nb $5")["text/plain"] == "a b $5"
    assert "a b <span>$</span>5</div>" in small_bundle("a\nb $5")["text/html"]


def test_a_table_has_a_head_and_rows() -> None:
    bundle = table_bundle(["name", "n"], [["a<b", "1"], ["longer name", "22"]])
    assert bundle["text/plain"] == "name         n\na<b          1\nlonger name  22"
    html = bundle["text/html"].replace(' style="text-align:left"', "")
    assert "<thead><tr><th>name</th><th>n</th></tr></thead>" in html
    assert "<tbody><tr><td>a&lt;b</td><td>1</td></tr>" in html


def test_a_table_may_have_no_rows() -> None:
    assert table_bundle(["name"], [])["text/plain"] == "name"


def test_neighbouring_html_is_merged_and_pictures_stay_apart() -> None:
    picture = media_bundle(Media("image/png", PNG))
    parts = [text_bundle("a"), text_bundle("b"), picture, small_bundle("c"), small_bundle("d")]
    first, second, third = merged(parts)
    assert first["text/plain"] == "a\nb"
    assert first["text/html"].count("<style") == 1
    assert re.findall('<p dir="auto">(.)</p>', first["text/html"]) == ["a", "b"]
    assert second == picture
    assert third["text/plain"] == "c\nd"


def test_merging_changes_no_part() -> None:
    parts = [text_bundle("a"), text_bundle("b")]
    before: Any = json.loads(json.dumps(parts))
    merged(parts)
    assert parts == before
    assert merged([]) == []


def test_a_picture_among_words_becomes_html() -> None:
    html = as_html(media_bundle(Media("image/png", PNG)))
    assert html["text/html"].startswith(f'<img src="data:image/png;base64,{base64.b64encode(PNG).decode()}"')
    assert as_html(text_bundle("a")) == text_bundle("a")
