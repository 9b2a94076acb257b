import inspect
import json
import re
from typing import Any

import pytest
from fal_client import FalClientError
from fal_client.auth import MissingCredentialsError
from ipykernel.iostream import OutStream

from fal_notebook import errors
from fal_notebook.errors import (
    AccessDenied,
    AuthenticationError,
    ConnectError,
    ConnectionLost,
    CredentialsError,
    FalNotebookError,
    InvalidRequest,
    NotFound,
    RateLimited,
    RequestError,
    RequestTimeout,
    ServerError,
    StatusError,
    ValidationFailed,
    detail_text,
    status_error,
)

CLASSES = {
    name: kind
    for name, kind in vars(errors).items()
    if inspect.isclass(kind) and issubclass(kind, FalClientError) and kind.__module__ == errors.__name__
}


def drawn_parents() -> dict[str, str]:
    """Each class in the docstring's tree, with its parent there."""
    parents: dict[str, str] = {}
    line_of: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"([│ ]*)[├└]── (\w+)", line)
        if match is None:
            continue
        depth, name = len(match[1]), match[2]
        line_of = [(other, parent) for other, parent in line_of if other < depth]
        parents[name] = line_of[-1][1] if line_of else "FalClientError"
        line_of.append((depth, name))
    return parents


def test_the_tree_in_the_docstring_names_exactly_the_classes_that_exist() -> None:
    assert sorted(drawn_parents()) == sorted(CLASSES)


@pytest.mark.parametrize("name", CLASSES)
def test_each_class_hangs_where_the_tree_draws_it(name: str) -> None:
    assert drawn_parents()[name] == CLASSES[name].__bases__[0].__name__


@pytest.mark.parametrize("kind", CLASSES.values())
def test_who_catches_fal_clients_error_catches_ours(kind: type[Exception]) -> None:
    with pytest.raises(FalClientError):
        raise kind("it happened")


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (InvalidRequest, ValueError),
        (CredentialsError, MissingCredentialsError),
        (ConnectError, ConnectionError),
        (ConnectionLost, ConnectionError),
        (RequestTimeout, TimeoutError),
    ],
)
def test_errors_are_also_what_python_calls_them(kind: type[Exception], builtin: type[Exception]) -> None:
    assert issubclass(kind, builtin)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, StatusError),
        (302, StatusError),
        (401, AuthenticationError),
        (402, AccessDenied),
        (403, AccessDenied),
        (404, NotFound),
        (418, StatusError),
        (422, ValidationFailed),
        (429, RateLimited),
        (500, ServerError),
        (504, ServerError),
        (599, ServerError),
        (600, StatusError),
    ],
)
def test_each_status_has_its_class(status: int, kind: type[StatusError]) -> None:
    assert type(status_error(status, "no", endpoint="fal-ai/any-llm")) is kind


def test_an_error_carries_its_evidence() -> None:
    detail = [{"loc": ["body", "prompt"], "msg": "Field required", "type": "missing"}]
    error = status_error(422, detail, endpoint="fal-ai/flux", request_id="abc", headers={"x-fal-retryable": "false"})
    assert (error.status, error.detail, error.request_id) == (422, detail, "abc")
    assert error.headers == {"x-fal-retryable": "false"}
    assert error.result is None
    assert str(error) == "422 from fal-ai/flux: prompt: Field required (correct these arguments; request abc)"


def test_an_error_says_what_to_do() -> None:
    assert "dashboard/keys" in str(status_error(401, "", endpoint="fal-ai/any-llm"))


@pytest.mark.parametrize("status", [302, 307, 400, 405, 408, 409, 415, 422, 431, 451, 499, 600])
def test_a_status_without_a_word_says_what_to_do_too(status: int) -> None:
    assert "check the endpoint's name" in str(status_error(status, "", endpoint="fal-ai/any-llm"))


def test_a_hint_of_its_own_takes_the_place_of_the_class_hint() -> None:
    assert str(NotFound("no such thing", hint="look again")) == "no such thing (look again)"
    assert str(NotFound("no such thing", hint="")) == "no such thing"


@pytest.mark.parametrize("kind", CLASSES.values())
def test_an_error_shows_what_happened_and_below_it_what_to_do(kind: type[FalNotebookError]) -> None:
    error = kind("a\nb\r\x1b[2Jc", hint="do\nthis\x1b[2J")
    assert error._render_traceback_() == [f"{kind.__name__}: a b ␛[2Jc", "do this␛[2J"]
    assert str(error) == "a b ␛[2Jc (do this␛[2J)"


def test_the_lines_of_an_error_are_so_short_that_no_front_end_breaks_a_word() -> None:
    lines = RequestError(" ".join(["seventy"] * 70), hint="eight " * 70, request_id="6f3c")._render_traceback_()
    assert all(len(line) <= 76 for line in lines)
    assert lines[-1] == "request 6f3c"


def test_a_word_that_is_longer_than_a_line_stays_whole() -> None:
    assert "x" * 200 in RequestError("x" * 200)._render_traceback_()


def test_the_lines_of_an_error_leave_out_an_id_that_the_output_has() -> None:
    error = NotFound("404 from a/b", request_id="6f3c")
    error.id_is_shown = True
    assert error._render_traceback_() == ["NotFound: 404 from a/b", NotFound.default_hint]
    assert "6f3c" in str(error)


def test_a_notebook_shows_what_happened_in_bold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", OutStream.__new__(OutStream))
    shown = NotFound("404 from a/b")._render_traceback_()
    assert shown == ["\x1b[1mNotFound: 404 from a/b\x1b[0m", NotFound.default_hint]


@pytest.mark.parametrize("kind", [kind for kind in CLASSES.values() if issubclass(kind, StatusError)])
def test_the_headline_of_a_status_says_in_words_what_happened(kind: type[StatusError]) -> None:
    error = kind("418 from a/b: no", status=418, detail=[{"loc": ["body", "prompt"], "msg": "no"}])
    assert error.headline == f"{kind.happened}: prompt: no"
    assert kind("418 from a/b", status=418).headline == kind.happened
    assert kind.default_hint


@pytest.mark.parametrize("status", [401, 402, 403, 500, 503])
def test_what_a_gateway_of_ones_own_answers_is_not_said_of_fal(status: int) -> None:
    ours = status_error(status, "", endpoint="a/b", by_fal=False)
    assert ours.hint
    assert "fal.ai" not in ours.hint
    assert "charge" not in ours.hint
    assert ours.hint != status_error(status, "", endpoint="a/b").hint


@pytest.mark.parametrize(
    ("asked", "said"), [("30", True), (" 5 ", True), ("soon", False), ("٣", False), ("9" * 9, False)]
)
def test_an_error_says_how_long_the_server_asks_to_wait(asked: str, *, said: bool) -> None:
    for status in (429, 503):
        error = status_error(status, "busy", endpoint="a/b", headers={"retry-after": asked})
        assert (error.hint == f"wait {asked.strip()} s, then send it again") is said


def test_a_request_id_from_a_server_stays_on_the_line() -> None:
    error = RequestError("lost", request_id="abc\ndef" + "x" * 900)
    assert len(str(error).splitlines()) == 1
    assert len(str(error)) < 100


def test_the_detail_of_a_validation_error_names_each_field() -> None:
    detail = [
        {"loc": ["body", "prompt"], "msg": "Field required", "type": "missing"},
        {"loc": ["body", "images", 0, "url"], "msg": "Input should be\na URL", "type": "url"},
        {"loc": ["body"], "msg": "Not an object", "type": "model"},
    ]
    assert detail_text(detail) == "prompt: Field required; images.0.url: Input should be a URL; Not an object"


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        ("Application 'x' not found", "Application 'x' not found"),
        (None, ""),
        ("", ""),
        ([], ""),
        ({"error": {"message": "quota", "code": 429}}, "quota"),
        ({"detail": [{"msg": "too long"}]}, "too long"),
        ({"message": "busy"}, "busy"),
        ({"type": "about:blank", "title": "Too busy", "status": 503}, "Too busy"),
        ({"loc": "prompt", "msg": "busy"}, "busy"),
        ({"code": 7}, "{'code': 7}"),
        (7, "7"),
        (["a", None, {"msg": "b"}], "a; b"),
    ],
)
def test_the_detail_may_have_any_shape(detail: Any, words: str) -> None:
    assert detail_text(detail) == words


def test_a_deeply_nested_detail_is_an_error_like_any_other() -> None:
    detail = json.loads("[" * 800 + '"deep"' + "]" * 800)
    assert status_error(400, detail, endpoint="fal-ai/any-llm").status == 400
