import base64
import json
import re
import struct
from typing import Any

import pytest

from fal_notebook.client.result import Result
from fal_notebook.media.media import Media, first_raster
from fal_notebook.render.bundles import (
    Bundle,
    as_html,
    json_bundle,
    media_bundle,
    media_words,
    merged,
    picture_html,
    pictures_bundles,
    reasoning_bundle,
    small_bundle,
    table_bundle,
    text_bundle,
)
from fal_notebook.response.files_in_json import files_in

from .test_markdown import ATTRIBUTES, HTML, QUOTED, TAGS, bare, problems

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
GALLERY = {"style", "figure", "label", "input", "figcaption"}
OURS = TAGS | GALLERY | {"details", "summary", "img", "audio", "source", "video"}
# Our own frame around what was checked: styles without an address, and players.
FRAME = {
    **ATTRIBUTES,
    "code": {"style"},
    "details": {"class"},
    "div": {"class", "style", "tabindex"},
    "pre": {"style", "tabindex"},
    "style": {"class"},
    "input": {"type", "aria-label"},
    "figcaption": {"style"},
    "img": {"src", "alt", "style"},
    "audio": {"controls", "autoplay"},
    "source": {"src", "type"},
    "video": {"src", "controls", "playsinline", "style"},
}
WILD = ("\x1b[2J\x1b]0;x\x07", "a\rb", "\u202eabc\u202c", "\ud800 and \udfff", "\x9b31m", "\x00")
HOSTILE_URL = 'https://evil/x"><script>alert(1)</script><img/src=x/onerror=alert(1)>'


def acting(bundle: Bundle) -> list[str]:
    return problems(bundle["text/html"], OURS, FRAME)


@pytest.mark.parametrize("text", [*HTML, *QUOTED, *WILD])
@pytest.mark.parametrize("style", ["markdown", "text"])
def test_words_cannot_act(text: str, style: str) -> None:
    bundle = text_bundle(text, style)
    assert acting(bundle) == []
    assert not set(bundle["text/plain"]) & set("\x1b\r\x00\x07\x9b\u202e\ud800\udfff")
    bundle["text/html"].encode()


@pytest.mark.parametrize("text", [*HTML, *QUOTED, *WILD])
def test_hostile_words_act_nowhere_else(text: str) -> None:
    bundles = [reasoning_bundle(text), small_bundle(text), json_bundle({text: [text]}), table_bundle([text], [[text]])]
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


def test_json_is_indented_and_keeps_its_letters() -> None:
    assert json_bundle({"a": ["é"]})["text/plain"] == '{\n  "a": [\n    "é"\n  ]\n}'


def test_long_strings_in_json_are_cut_and_say_their_length() -> None:
    shown = json_bundle({"image": ["x" * 2_000, "y" * 12_345]})["text/plain"]
    assert "x" * 2_000 + '"' in shown
    assert "y" * 2_000 + '… (12,345 characters)"' in shown


def test_json_nested_as_deep_as_it_comes_is_shown() -> None:
    value = json.loads("[" * 700 + "7" + "]" * 700)
    assert "7" in json_bundle(value)["text/plain"]


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


@pytest.mark.parametrize("content_type", ["image/png", "image/jpeg"])
def test_a_picture_that_every_viewer_shows_is_of_its_own_type(content_type: str) -> None:
    bundle = media_bundle(Media(content_type, PNG))
    assert base64.b64decode(bundle[content_type]) == PNG
    assert bundle["text/plain"] == f"{content_type}, {len(PNG)} bytes"
    assert "text/html" not in bundle


@pytest.mark.parametrize("content_type", ["image/webp", "image/gif", "image/avif"])
def test_another_picture_is_html_that_holds_it(content_type: str) -> None:
    html = media_bundle(Media(content_type, PNG))["text/html"]
    assert f'<img src="data:{content_type};base64,{base64.b64encode(PNG).decode()}"' in html


UNDRAWN = [
    Media("image/svg+xml", SVG),
    Media("image/svg+xml", b"<?xml version='1.0'?>" + SVG),
    *(Media(label, SVG) for label in ("image/png", "image/jpeg", "image/webp", "image/gif", "image/avif")),
    Media("image/svg+xml", PNG),
    Media("image/svg+xml", url="https://fal.media/a"),
    *(Media("image/png", url=f"https://fal.media/a.{ending}") for ending in ("svg", "SVG", "svgz", "svg?x#y", "html")),
    Media("image/svg+xml", url="https://fal.media/a.png"),
    Media("image/png", PNG[:16] + struct.pack(">II", 30_000, 30_000) + PNG[24:]),
    Media("image/png", PNG[:16] + struct.pack(">II", 1000, 1000) + PNG[24:] + b"fcTL" * 101),
    Media("image/png", url="https://fal.media/a.png", width=30_000, height=30_000),
    Media("image/png", PNG[:16]),
]


@pytest.mark.parametrize("media", UNDRAWN, ids=repr)
def test_what_is_dear_to_draw_is_named_and_never_drawn(media: Media) -> None:
    several = Result("a/b", media=[Media("image/png", PNG), media, Media("image/png", PNG), media])
    for result in (Result("a/b", media=[media]), several):
        shown = [*result.outputs(), result._repr_mimebundle_(), {"text/html": result._mime_()[1]}]
        assert "".join(bundle.get("text/html", "") for bundle in shown).count("<img") in (0, 3 * 2)
        assert f".media[{result.media.index(media)}].save(" in "".join(bundle.get("text/html", "") for bundle in shown)
        assert all(acting(bundle) == [] for bundle in shown)
    assert set(media_bundle(media)) == {"text/plain", "text/html"}
    assert "<img" not in as_html(media_bundle(media))["text/html"]
    assert first_raster([media]) is None or media.content_type == "image/svg+xml"


def test_of_pictures_that_are_too_many_pixels_together_the_first_are_drawn() -> None:
    large = Media("image/png", PNG[:16] + struct.pack(">II", 6000, 6000) + PNG[24:])
    html = Result("a/b", media=[large] * 4)._repr_mimebundle_()["text/html"]
    assert len(re.findall("<img", html)) == 2
    assert re.findall(r"\.media\[\d\]", html) == [".media[2]", ".media[3]"]


@pytest.mark.parametrize("media", [Media("audio/wav", b"RIFF"), Media("audio/mpeg", url="https://fal.media/a.mp3")])
def test_sound_has_a_player_that_plays_when_asked(media: Media) -> None:
    quiet, loud = media_bundle(media)["text/html"], media_bundle(media, autoplay=True)["text/html"]
    assert "<audio" in quiet
    assert f'type="{media.content_type}"' in quiet
    assert ("autoplay" in quiet, "autoplay" in loud) == (False, True)


@pytest.mark.parametrize(
    ("media", "source"),
    [
        (Media("video/mp4", b"moov"), "data:video/mp4;base64,bW9vdg=="),
        (Media("video/mp4", url="https://fal.media/a.mp4"), "https://fal.media/a.mp4"),
    ],
)
def test_a_video_has_a_player(media: Media, source: str) -> None:
    html = media_bundle(media)["text/html"]
    assert "<video" in html
    assert "controls" in html
    assert f'src="{source}"' in html


MP4 = base64.b64encode(b"\x00\x00\x00\x20ftypisom" + bytes(20)).decode()


@pytest.mark.parametrize(
    ("url", "source"),
    [
        (f"data:application/octet-stream;base64,{MP4}", f"data:video/mp4;base64,{MP4}"),
        ("https://fal.media/a.mp4", "https://fal.media/a.mp4"),
        ("http://fal.media/a.mp4?b&c", "http://fal.media/a.mp4?b&amp;c"),
    ],
)
def test_a_video_in_json_plays_in_the_page_and_names_its_own_type(url: str, source: str) -> None:
    (media,) = files_in({"video": {"url": url, "file_name": "a.mp4"}})
    html = media_bundle(media)["text/html"]
    assert media.content_type == "video/mp4"
    assert html.count("<video ") == html.count(" controls") == 1
    assert f'src="{source}"' in html
    assert "preload" not in html
    assert "autoplay" not in html


def test_another_file_is_told_in_words() -> None:
    bundle = media_bundle(Media("application/zip", b"PK"))
    assert bundle["text/plain"] == "application/zip, 2 bytes"
    assert "application/zip, 2 bytes</div>" in bundle["text/html"]


@pytest.mark.parametrize(
    "content_type", ["image/png", "image/svg+xml", "audio/mpeg", "video/mp4", "application/pdf", "text/html"]
)
@pytest.mark.parametrize("known", ["data", "url"])
def test_a_hostile_file_cannot_act(content_type: str, known: str) -> None:
    media = Media(content_type, url=HOSTILE_URL, data=HTML[0].encode() if known == "data" else None, file_name=HTML[0])
    bundle = as_html(media_bundle(media))
    assert acting(bundle) == []
    assert "onerror=alert(1)>" not in bundle["text/html"]


@pytest.mark.parametrize("kind", ["image/png", "audio/wav", "video/mp4", "application/zip"])
def test_every_file_has_a_plain_text(kind: str) -> None:
    for media in (Media(kind, b""), Media(kind, b"x"), Media(kind, url="https://fal.media/x")):
        assert media_bundle(media)["text/plain"].startswith(kind)


def test_the_words_for_a_file_tell_its_size() -> None:
    assert media_words(Media("image/png", b"x" * 1234, width=8, height=9)) == "image/png, 8 × 9, 1,234 bytes"
    assert media_words(Media("image/png", url="https://fal.media/\x1b\n")) == "image/png, https://fal.media/␛"


def test_one_picture_is_of_its_own_type_with_a_small_line_beneath() -> None:
    picture, line = pictures_bundles([(Media("image/png", PNG), "seed 7")])
    assert picture == media_bundle(Media("image/png", PNG))
    assert line == small_bundle("1×1 · seed 7")


def test_a_picture_of_which_nothing_is_known_has_no_small_line() -> None:
    assert len(pictures_bundles([(Media("image/png", url="https://fal.media/a.png"), "")])) == 1
    assert pictures_bundles([]) == []


def test_several_pictures_stand_side_by_side_in_one_output() -> None:
    url = "https://fal.media/a?b&c"
    (bundle,) = pictures_bundles(
        [(Media("image/png", PNG), "seed 7"), (Media("image/webp", url=url, width=1024, height=768), "")]
    )
    assert bundle["text/plain"] == f"image/png, {len(PNG)} bytes, seed 7\nimage/webp, 1024 × 768, {url}"
    html = bundle["text/html"]
    assert f'<img src="data:image/png;base64,{base64.b64encode(PNG).decode()}"' in html
    assert '<img src="https://fal.media/a?b&amp;c"' in html
    assert html.count("<figure>") == 2
    assert re.findall(r"<figcaption[^>]*>(.*?)</figcaption>", html) == ["1×1 · seed 7", "1024×768"]


def test_each_of_several_pictures_has_a_named_control_that_opens_it_and_no_script() -> None:
    (bundle,) = pictures_bundles([(Media("image/png", PNG), "")] * 3)
    names = re.findall(r'<label><input type="checkbox" aria-label="(.*?)"><img ', bundle["text/html"])
    assert names == [f"Picture {number} of 3 in its own size" for number in (1, 2, 3)]
    assert acting(bundle) == []


@pytest.mark.parametrize("text", [*HTML, *QUOTED, *WILD])
def test_a_hostile_note_and_address_among_pictures_cannot_act(text: str) -> None:
    (bundle,) = pictures_bundles([(Media("image/png", url=HOSTILE_URL), text), (Media("image/png", PNG), text)])
    assert acting(bundle) == []
    assert not set(bundle["text/plain"]) & set("\x1b\r\x00\x07\x9b\u202e\ud800\udfff")
    json.dumps(bundle, ensure_ascii=False).encode()


def test_a_picture_at_a_url_is_shown_from_there() -> None:
    assert picture_html(Media("image/png", url="https://fal.media/a?b&c")).startswith(
        '<img src="https://fal.media/a?b&amp;c"'
    )


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
