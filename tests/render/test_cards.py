import base64
import json
import re
import struct

import pytest

from fal_notebook.client.result import Result
from fal_notebook.media.media import Media, first_raster
from fal_notebook.render.bundles import as_html
from fal_notebook.render.cards import Card, files_bundles, media_bundle, picture_html
from fal_notebook.render.file_words import media_words, size_words
from fal_notebook.response.files_in_json import files_in

from .test_bundles import PNG, WILD, acting
from .test_markdown import HTML, QUOTED

SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
HOSTILE_URL = 'https://evil/x"><script>alert(1)</script><img/src=x/onerror=alert(1)>'


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
        assert f"media[{result.media.index(media)}].save(" in "".join(bundle.get("text/html", "") for bundle in shown)
        assert all(acting(bundle) == [] for bundle in shown)
    assert set(media_bundle(media)) == {"text/plain", "text/html"}
    assert "<img" not in as_html(media_bundle(media))["text/html"]
    assert first_raster([media]) is None or media.content_type == "image/svg+xml"


def test_of_pictures_that_are_too_many_pixels_together_the_first_are_drawn() -> None:
    large = Media("image/png", PNG[:16] + struct.pack(">II", 6000, 6000) + PNG[24:])
    html = Result("a/b", media=[large] * 4)._repr_mimebundle_()["text/html"]
    assert len(re.findall("<img", html)) == 2
    assert re.findall(r"media\[\d\]", html) == ["media[2]", "media[3]"]


@pytest.mark.parametrize("media", [Media("audio/wav", b"RIFF"), Media("audio/mpeg", url="https://fal.media/a.mp3")])
def test_sound_has_a_player_that_plays_when_asked(media: Media) -> None:
    quiet, loud = media_bundle(media)["text/html"], media_bundle(media, autoplay=True)["text/html"]
    assert "<audio" in quiet
    assert '<audio src="' in quiet
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


def cards(*media: Media, note: str = "") -> list[Card]:
    return [Card(each, f"media[{number}]", note) for number, each in enumerate(media)]


def html_of(*media: Media, note: str = "") -> str:
    (bundle,) = files_bundles(cards(*media, note=note))
    html: str = bundle["text/html"]
    return html


def test_one_picture_is_of_its_own_type_with_its_card_beneath() -> None:
    picture, line = files_bundles(cards(Media("image/png", PNG, name="mask"), note="seed 7"), native=True)
    assert picture == media_bundle(Media("image/png", PNG))
    assert line["text/plain"] == "mask · 1×1 · 70 bytes · seed 7"
    assert re.findall(r"</label>(.*?)</div>", line["text/html"]) == ["<b>mask</b> · 1×1 · 70 bytes · seed 7"]
    assert "base64" not in line["text/html"]


def test_where_all_has_to_be_html_one_picture_is_a_card() -> None:
    html = html_of(Media("image/png", PNG))
    assert html.count("<figure") == html.count("<img") == html.count('type="checkbox"') == 1
    assert 'aria-label="Picture in its own size"' in html


def test_a_picture_of_which_nothing_is_known_says_nothing() -> None:
    assert "figcaption>" not in html_of(Media("image/png", url="https://fal.media/a.png")).partition("</style>")[2]
    assert files_bundles([]) == []


def test_several_pictures_stand_side_by_side_in_one_output() -> None:
    url = "https://fal.media/a?b&c"
    pictures = Media("image/png", PNG), Media("image/webp", url=url, width=1024, height=768)
    (bundle,) = files_bundles([Card(pictures[0], "media[0]", "seed 7"), Card(pictures[1], "media[1]")], native=True)
    assert bundle["text/plain"] == f"image/png, {len(PNG)} bytes, seed 7\nimage/webp, 1024 × 768, {url}"
    html = bundle["text/html"]
    assert f'<img src="data:image/png;base64,{base64.b64encode(PNG).decode()}"' in html
    assert '<img src="https://fal.media/a?b&amp;c"' in html
    assert html.count("<figure ") == 2
    assert re.findall(r"<figcaption[^>]*>(.*?)</figcaption>", html) == ["1×1 · 70 bytes · seed 7", "1024×768"]


def test_each_of_several_pictures_has_a_named_control_that_opens_it_and_no_script() -> None:
    (bundle,) = files_bundles(cards(*[Media("image/png", PNG)] * 3))
    names = re.findall(r'<input type="checkbox"[^>]* aria-label="(.*?)"><img ', bundle["text/html"])
    assert names == [f"Picture {number} of 3 in its own size" for number in (1, 2, 3)]
    assert acting(bundle) == []


def test_many_pictures_stand_in_more_columns() -> None:
    columns = {count: html_of(*[Media("image/png", PNG)] * count) for count in (3, 12, 13, 40)}
    found = {count: re.findall(r"--fal-columns:(\d)", html) for count, html in columns.items()}
    assert found == {3: ["3"], 12: ["4"], 13: ["6"], 40: ["8"]}


@pytest.mark.parametrize("text", [*HTML, *QUOTED, *WILD])
def test_a_hostile_name_note_and_address_cannot_act(text: str) -> None:
    files = [
        Media("image/png", url=HOSTILE_URL, name=text),
        Media("image/png", PNG, name=text, file_name=text),
        Media("audio/wav", b"RIFF", name=text),
        Media("video/mp4", url=HOSTILE_URL, name=text),
        Media("application/zip", b"PK", name=text, file_name=text),
        Media("application/pdf", url=HOSTILE_URL, name=text, file_name=text),
        Media("image/svg+xml", SVG, name=text, file_name=text),
    ]
    for shown in (files, [files[1]]):
        for bundle in files_bundles(cards(*shown, note=text), native=True):
            assert "text/html" not in bundle or acting(bundle) == []
            assert not set(bundle["text/plain"]) & set("\x1b\r\x00\x07\x9b\u202e\ud800\udfff")
            json.dumps(bundle, ensure_ascii=False).encode()


def test_several_sounds_have_their_names() -> None:
    named = {name: {"url": f"https://fal.media/{name}.wav", "file_size": 3_100_000} for name in ("vocals", "drums")}
    html = html_of(*files_in({name: {**each, "content_type": "audio/wav"} for name, each in named.items()}))
    assert re.findall("<b>(.*?)</b>", html) == ["vocals", "drums"]
    assert re.findall('aria-label="(.*?)"', html) == ["vocals", "drums"]
    assert html.count("3.1 MB") == 2
    assert html.count('href="https://fal.media/') == 2


def test_of_many_sounds_none_is_loaded_before_it_is_played() -> None:
    sound = Media("audio/wav", b"RIFF")
    assert html_of(*[sound] * 6).count("preload") == 0
    assert html_of(*[sound] * 20).count(' preload="none"') == 20


def test_a_file_that_no_page_shows_is_a_link_with_its_name_and_size() -> None:
    html = html_of(Media("model/gltf-binary", url="https://fal.media/files/cat.glb", file_size=4_200_000))
    assert '<a href="https://fal.media/files/cat.glb" target="_blank"' in html
    assert ">cat.glb</a>" in html
    assert "4.2 MB" in html


def test_bytes_that_no_page_shows_are_saved_by_a_click() -> None:
    html = html_of(Media("application/zip", b"PK12", file_name="a.zip", name="textures"))
    assert "<b>textures · a.zip</b>" in html
    data = base64.b64encode(b"PK12").decode()
    assert f'<a href="data:application/octet-stream;base64,{data}" download="a.zip">save</a>' in html


@pytest.mark.parametrize("name", ["x.py", "run.exe", "a.html", "../x.sh"])
def test_what_a_click_saves_cannot_be_run(name: str) -> None:
    html = html_of(Media("text/html", b"<script>", file_name=name))
    (saved,) = re.findall(r'download="(.*?)"', html)
    assert saved.endswith(".txt")
    assert "/" not in saved
    assert 'href="data:application/octet-stream;' in html


def test_bytes_that_would_make_the_notebook_large_are_not_in_it() -> None:
    html = html_of(Media("application/zip", bytes(4_000_001), file_name="a.zip"))
    assert "base64" not in html
    assert "media[0].save(&#x27;a.zip&#x27;) keeps it" in html
    several = html_of(*[Media("application/zip", bytes(4_000_000))] * 6)
    assert several.count("download=") == 4


def test_sound_of_a_hundred_megabytes_is_named_and_not_embedded() -> None:
    (bundle,) = files_bundles(cards(Media("audio/wav", bytes(64_000_001), name="speech")))
    assert "<audio" not in bundle["text/html"]
    assert "media[0].save(&#x27;speech.wav&#x27;) keeps it" in bundle["text/html"]
    assert "the result's media[0].save('speech.wav') keeps it" in bundle["text/plain"]
    assert len(bundle["text/html"]) < 10_000


def test_a_size_is_said_as_people_say_it() -> None:
    sizes = [0, 999, 1_000, 84_044, 999_499, 1_300_000, 31_000_000, 2_100_000_000, 5_000_000_000_000]
    said = ["0 bytes", "999 bytes", "1.0 kB", "84 kB", "999 kB", "1.3 MB", "31 MB", "2.1 GB", "5,000 GB"]
    assert [size_words(size) for size in sizes] == said


def test_a_picture_at_a_url_is_shown_from_there() -> None:
    assert picture_html(Media("image/png", url="https://fal.media/a?b&c")).startswith(
        '<img src="https://fal.media/a?b&amp;c"'
    )
