import pytest

from fal_notebook.render.plain_words import is_no_markdown, plain_words_bundle

from .test_bundles import acting
from .test_markdown import HTML, QUOTED

CSV = 'name,price\ncat,1\n*dog*,"2, or 3"\n'


@pytest.mark.parametrize(
    ("label", "told"),
    [
        ("text/plain", True),
        ("text/plain; charset=latin-1", True),
        ("text/csv", True),
        ("application/yaml", True),
        ("application/x-subrip", True),
        ("application/atom+xml", True),
        ("text/markdown", False),
        ("text/x-markdown", False),
        ("text/html", False),
        ("application/octet-stream", False),
        ("", False),
        ("application/json", False),
    ],
)
def test_a_content_type_says_whether_words_are_markdown(label: str, *, told: bool) -> None:
    assert is_no_markdown(label) is told


def test_plain_text_is_shown_as_it_is() -> None:
    bundle = plain_words_bundle("# no heading\n  *a*\n", "text/plain")
    assert "# no heading\n  *a*\n</pre>" in bundle["text/html"]
    assert bundle["text/plain"] == "# no heading\n  *a*\n"


def test_a_small_csv_is_a_table_and_in_plain_text_itself() -> None:
    bundle = plain_words_bundle(CSV, "text/csv")
    assert bundle["text/plain"] == CSV
    for cell in ("name</th>", "cat</td>", "*dog*</td>", "2, or 3</td>"):
        assert f">{cell}" in bundle["text/html"]


@pytest.mark.parametrize(("text", "label"), [("a;b\n1;2", "text/csv"), ("a\tb\n1\t2", "text/tab-separated-values")])
def test_other_separators_make_a_table_too(text: str, label: str) -> None:
    assert "<table" in plain_words_bundle(text, label)["text/html"]


@pytest.mark.parametrize(
    "text",
    [
        *("", "a", "a,b", "a\nb\nc", "a,b\n1,2,3", "a,b\n" * 200, "a,b\n" + "x" * 30_000 + ",1"),
        *(",".join("a" * 50) + "\n" + ",".join("b" * 50), 'a,b\n"1,2'),
    ],
    ids=["empty", "a word", "one row", "one column", "uneven", "long", "large", "wide", "broken"],
)
def test_what_is_no_small_table_is_shown_as_it_is(text: str) -> None:
    bundle = plain_words_bundle(text, "text/csv")
    assert "<table" not in bundle["text/html"]
    assert bundle["text/plain"] == text


@pytest.mark.parametrize("text", [*HTML, *QUOTED])
def test_plain_words_cannot_act(text: str) -> None:
    assert acting(plain_words_bundle(text, "text/plain")) == []
    quoted = text.replace('"', "'")
    assert acting(plain_words_bundle(f'a,b\n"{quoted}",1', "text/csv")) == []
