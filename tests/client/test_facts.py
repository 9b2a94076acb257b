"""The footer: what a reader sees, what is folded, and what stands in plain text."""

import re
from dataclasses import replace
from html import unescape

import pytest

from fal_notebook.client.metrics import Metrics
from fal_notebook.client.result import Result
from fal_notebook.errors import ModelError, RequestTimeout, status_error

IDENTITY = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
USUAL = Result(
    "fal-ai/any-llm/stream",
    text="A",
    request_id=IDENTITY,
    status=200,
    usage={"prompt_tokens": 91, "completion_tokens": 20, "cost": 0.001234},
    model="google/gemini-flash",
    finish_reason="stop",
    metrics=Metrics(connect=0.25, time_to_first_byte=0.5, duration=1.4321, bytes=1234, events=12),
)
REFUSED = Result(
    "odd/args",
    request_id=IDENTITY,
    status=422,
    metrics=Metrics(duration=0.4),
    error=status_error(
        422,
        [{"loc": ["body", "prompt"], "msg": "Field required", "type": "missing", "ctx": {"least": 1}}],
        endpoint="odd/args",
        request_id=IDENTITY,
        headers={"x-fal-retryable": "false", "server": "nginx"},
    ),
)


def seen(result: Result) -> str:
    """The words that are seen before anything is unfolded."""
    html = re.sub(r"<style.*?</style>", "", result.foot["text/html"])
    html = re.sub(r"(?s)(</summary>).*?</details>", r"\1", html)
    return unescape(" ".join(re.sub(r"<[^>]*>", "", re.sub(r"<(div|details)", r" \g<0>", html)).split()))


def folded(result: Result) -> str:
    html = result.foot["text/html"].rpartition("</summary>")[2]
    return unescape(re.sub(r"<[^>]*>", "", html.replace("<div>", "\n")))


def test_the_footer_is_a_short_line_and_all_else_is_folded() -> None:
    assert seen(USUAL) == "any-llm · gemini-flash · 1.4 s · 111 tokens · $0.0012"
    assert folded(USUAL).strip().splitlines() == [
        "status 200",
        "endpoint fal-ai/any-llm/stream",
        "model google/gemini-flash",
        f"request {IDENTITY}",
        "time 1.43 s · first token 0.75 s",
        "usage 91 tokens in · 20 tokens out · $0.001234",
        "ended by stop",
        "received 1,234 bytes · 12 events",
    ]


def test_plain_text_has_everything_on_one_line_with_the_request_at_its_end() -> None:
    assert USUAL.foot["text/plain"] == USUAL.status_line
    assert USUAL.status_line.endswith(f" · request {IDENTITY}")


def test_the_fold_needs_no_script_and_is_closed() -> None:
    html = USUAL.foot["text/html"].rpartition("</style>")[2].lstrip()
    assert html.startswith('<div class="fal-answer"><details class="fal-small fal-fold fal-foot"')
    assert "<script" not in html
    assert " open" not in html


def test_the_line_stays_short_whatever_the_names_are() -> None:
    long = replace(USUAL, endpoint=f"{'a' * 300}/b", model=f"c/{'d' * 300}")
    assert len(seen(long)) < 140
    assert "a" * 300 in folded(long)


@pytest.mark.parametrize(
    ("cost", "short", "exact"),
    [
        (0, "$0", "$0"),
        (0.0012345678, "$0.0012", "$0.00123457"),
        (0.0000125, "$0.000013", "$0.0000125"),
        (0.5, "$0.5", "$0.5"),
        (1.2345678, "$1.23", "$1.23457"),
        (1e-30, "$1e-30", "$1e-30"),
        (1234, "$1234", "$1234"),
    ],
)
def test_a_cost_is_a_number_that_people_read(cost: float, short: str, exact: str) -> None:
    result = Result("a/b", usage={"cost": cost})
    assert seen(result).rpartition(" · ")[2] == short
    assert result.status_line.rpartition(" · ")[2] == exact


@pytest.mark.parametrize("cost", [10**400, float("nan"), float("inf"), True, "1", None, -(10**13)])
def test_what_is_no_cost_is_left_out(cost: object) -> None:
    assert "$" not in Result("a/b", usage={"cost": cost}).foot["text/html"]


def test_what_must_not_be_missed_stands_outside_of_the_fold() -> None:
    assert seen(replace(USUAL, stopped=True)).startswith("stopped · any-llm · ")
    assert seen(replace(USUAL, stopped=True, sent_whole=False)).startswith("stopped before it was sent whole · ")
    cut = replace(USUAL, finish_reason="length", note="3 events of another kind: in .events")
    (output,) = cut.outputs()
    before = output["text/html"].partition("<details")[0]
    assert "cut off at the length limit" in before
    assert "3 events of another kind" in before


def test_an_error_is_a_bold_line_with_what_to_do_and_its_details_are_folded() -> None:
    assert seen(REFUSED) == (
        "the arguments were not accepted: prompt: Field required correct these arguments 422 · odd/args · 0.40 s"
    )
    assert "<strong>the arguments were not accepted: prompt: Field required</strong>" in REFUSED.foot["text/html"]
    lines = folded(REFUSED).strip().splitlines()
    assert lines[:4] == ["error ValidationFailed", "status 422", "endpoint odd/args", f"request {IDENTITY}"]
    assert "x-fal-retryable false" in lines
    assert '"least": 1' in folded(REFUSED)
    assert "nginx" not in folded(REFUSED)


def test_an_error_and_its_request_are_named_once() -> None:
    html = REFUSED._repr_mimebundle_()["text/html"]
    assert html.count(IDENTITY) == 1
    assert html.count("<strong>") == 1
    assert REFUSED._repr_mimebundle_()["text/plain"].count(IDENTITY) == 1


def test_a_failed_result_that_is_shown_later_says_why() -> None:
    late = Result("a/b", error=RequestTimeout("a/b did not finish within 3 s"))
    assert seen(late).startswith("a/b did not finish within 3 s give it a longer timeout failed · a/b")
    assert "RequestTimeout: a/b did not finish within 3 s (give it" in late._repr_mimebundle_()["text/plain"]


def test_where_the_cell_raises_the_error_the_footer_does_not_tell_it() -> None:
    assert seen(replace(REFUSED, tells_error=False)) == "422 · odd/args · 0.40 s"
    assert "Field required" not in replace(REFUSED, tells_error=False).foot["text/plain"]


@pytest.mark.parametrize(
    ("detail", "quoted"),
    [("out of tokens", False), ("a\n" * 400, True), ({"a": [{"msg": "b"}]}, True), (None, False), (7, True)],
)
def test_the_servers_own_words_are_folded_if_they_say_more_than_the_line(detail: object, *, quoted: bool) -> None:
    result = Result("a/b", error=ModelError("no", detail=detail))
    assert ("its own words" in folded(result)) is quoted


def test_a_server_cannot_fill_the_page_with_its_own_words() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    for detail in ("a\n" * 1_000_000, ["b"] * 1_000_000, deep):
        result = Result("a/b", error=ModelError("no", detail=detail))
        assert len(result.foot["text/html"]) < 150_000


def test_a_result_of_which_only_words_could_be_shown_has_no_fold() -> None:
    assert "<details" not in replace(USUAL, shows_words_only=True).foot["text/html"]
