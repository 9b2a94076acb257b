"""Where requests go, and what may carry the key."""

import base64
import json
import os
import pickle
import sys
import time
from pathlib import Path
from types import ModuleType

import fal_client.auth
import pytest

from fal_notebook.errors import CredentialsError, InvalidRequest
from fal_notebook.wire.target import Authorization, resolve_target

from ..conftest import KEY


def test_fal_is_the_host_when_nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)
    assert resolve_target("fal-ai/any-llm/stream").url == "wss://ws.fal.run/fal-ai/any-llm/stream"


def test_an_option_wins_over_our_variable_over_fals_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)
    monkeypatch.setenv("FAL_RUN_HOST", "run.example")
    assert resolve_target("a/b").url == "wss://ws.run.example/a/b"
    monkeypatch.setenv("FAL_WS_RUN_HOST", "ws.example")
    assert resolve_target("a/b").url == "wss://ws.example/a/b"
    monkeypatch.setenv("FAL_NOTEBOOK_URL", "https://ours.example/base/")
    assert resolve_target("a/b").url == "wss://ours.example/base/a/b"
    assert resolve_target("a/b", "ws://127.0.0.1:8000").url == "ws://127.0.0.1:8000/a/b"


def test_without_a_key_fal_is_not_asked() -> None:
    with pytest.raises(CredentialsError, match="set FAL_KEY"):
        resolve_target("a/b")


def test_a_host_on_this_machine_needs_no_key() -> None:
    assert resolve_target("a/b", "ws://localhost:8000").authorization is None


def test_a_host_on_this_machine_gets_the_key_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)
    authorization = resolve_target("a/b", "ws://[::1]:8000").authorization
    assert authorization is not None
    assert authorization.headers() == {"Authorization": f"Key {KEY}"}


@pytest.mark.parametrize("host", ["192.168.1.5", "example.com", "127.0.0.1.example.com", "localhost.example.com"])
def test_no_key_leaves_this_machine_unencrypted(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)
    assert resolve_target("a/b", f"ws://{host}").authorization is None


def test_id_and_secret_make_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY_ID", "id")
    monkeypatch.setenv("FAL_KEY_SECRET", "secret \n")
    authorization = resolve_target("a/b").authorization
    assert authorization is not None
    assert authorization.headers() == {"Authorization": "Key id:secret"}


AROUND = [
    "{}",
    '"{}"',
    "'{}'",
    "`{}`",
    "\u201c{}\u201d",
    "\u2018{}\u2019",
    "\u201e{}\u201c",
    "\u00ab{}\u00bb",
    " {}\r\n",
    '\t"{}" ',
    "' \"{}\"'",
    "\ufeff{}\u200b",
    "\u00a0{}\u00a0",
]


def key_found() -> str:
    authorization = resolve_target("a/b").authorization
    assert authorization is not None
    return authorization.headers()["Authorization"]


@pytest.mark.parametrize("prefix", ["", "Key ", "key  ", "KEY\u00a0", "Authorization: Key "])
@pytest.mark.parametrize("around", AROUND)
def test_what_is_pasted_around_a_key_is_taken_off(prefix: str, around: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for pasted in (around.format(prefix + KEY), prefix + around.format(KEY)):
        monkeypatch.setenv("FAL_KEY", pasted)
        assert key_found() == f"Key {KEY}"


@pytest.mark.parametrize("line", ["FAL_KEY={}", 'export FAL_KEY="{}"\n', "FAL_KEY = '{}'", "'FAL_KEY={}'"])
def test_a_line_that_sets_the_key_is_read_as_the_key(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", line.format(KEY))
    assert key_found() == f"Key {KEY}"


@pytest.mark.parametrize("around", AROUND)
def test_what_is_pasted_around_an_id_and_a_secret_is_taken_off(around: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY_ID", around.format("id"))
    monkeypatch.setenv("FAL_KEY_SECRET", around.format("secret"))
    assert key_found() == "Key id:secret"


class Secrets:
    """Stands for ``google.colab.userdata``, which exists nowhere else."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def get(self, name: str) -> str:
        return self._secret


def in_colab(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    colab = ModuleType("google.colab")
    vars(colab)["userdata"] = Secrets(secret)
    monkeypatch.setitem(sys.modules, "google.colab", colab)
    monkeypatch.setattr("IPython.get_ipython", lambda: "<google.colab._shell.Shell object>")
    monkeypatch.setattr(fal_client.auth, "_colab_state", fal_client.auth.GoogleColabState())  # type: ignore[no-untyped-call]  # it has no hints


@pytest.mark.parametrize("around", AROUND)
def test_what_is_pasted_around_a_secret_of_colab_is_taken_off(around: str, monkeypatch: pytest.MonkeyPatch) -> None:
    in_colab(around.format(KEY), monkeypatch)
    assert key_found() == f"Key {KEY}"


def test_the_token_of_a_login_goes_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    claims = base64.urlsafe_b64encode(json.dumps({"exp": time.time() + 10_000}).encode()).decode().rstrip("=")
    home = Path(os.environ["FAL_HOME_DIR"])
    home.mkdir()
    (home / "auth0_token").write_text(f"refresh\n-head.{claims}.end_\n", encoding="utf-8")
    assert key_found() == f"Bearer -head.{claims}.end_"


@pytest.mark.parametrize(
    "blank", [" ", "\n", '""', "''", "\u201c\u201d", "Key ", ":", '" : "', "id:", ":secret", "\ufeff"]
)
def test_a_blank_key_is_none(blank: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", blank)
    with pytest.raises(CredentialsError, match=r"no fal credentials found .*set FAL_KEY"):
        resolve_target("a/b")
    assert resolve_target("a/b", "ws://localhost:8000").authorization is None


def test_a_file_with_the_key_that_nobody_reads_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("FAL_KEY", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("FAL_KEY=id:some-long-secret")
    with pytest.raises(CredentialsError, match=r"set FAL_KEY.*; the file .env is not read by itself") as caught:
        resolve_target("a/b")
    assert "some-long" not in str(caught.value)


@pytest.mark.parametrize(("name", "other"), [("FAL_KEY_ID", "FAL_KEY_SECRET"), ("FAL_KEY_SECRET", "FAL_KEY_ID")])
def test_a_blank_id_or_secret_is_no_key(name: str, other: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, '" "')
    monkeypatch.setenv(other, "half-of-it")
    with pytest.raises(CredentialsError, match="no fal credentials found") as caught:
        resolve_target("a/b")
    assert "half-of-it" not in repr([frame.frame.f_locals for frame in caught.traceback[1:]])


@pytest.mark.parametrize("key", ["x", "a", "json", "1", "a:b", "Key json", "event-strea"])
def test_a_key_too_short_to_be_a_secret_is_refused(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", key)
    for base_url in (None, "ws://localhost:8000"):
        with pytest.raises(
            CredentialsError, match=r"^the fal key is too short to be one \(set FAL_KEY to <id>:<secret>"
        ):
            resolve_target("a/b", base_url)


def test_a_key_that_was_pasted_with_quotes_is_taken_out_as_it_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", f'"Key {KEY}"')
    assert resolve_target("a/b").redact(f"{KEY} or Key {KEY}") == "[key] or Key [key]"


def test_a_key_with_a_line_break_inside_is_refused_without_being_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", "abc:d\nef")
    with pytest.raises(CredentialsError) as caught:
        resolve_target("a/b")
    assert "abc" not in str(caught.value)


@pytest.mark.parametrize("endpoint", ["", "a b", "a/../b", "/a//b", "a?x=1", "a#b", "ä/b", "a/b\n/c", "-a/b"])
def test_what_cannot_be_an_endpoint_is_refused(endpoint: str) -> None:
    with pytest.raises(InvalidRequest, match="is not an endpoint"):
        resolve_target(endpoint, "ws://localhost:1")


def test_a_url_in_place_of_an_endpoint_is_explained() -> None:
    with pytest.raises(InvalidRequest, match="give the endpoint alone: fal-ai/flux/dev"):
        resolve_target("https://fal.ai/models/fal-ai/flux/dev")


@pytest.mark.parametrize("url", ["fal.run", "ftp://x", "ws://", "ws://user:pass@x", "ws://x:99999", "ws://x?y=1"])
def test_what_cannot_be_a_base_url_is_refused(url: str) -> None:
    with pytest.raises(InvalidRequest, match="base URL"):
        resolve_target("a/b", url)


def test_credentials_show_themselves_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)
    target = resolve_target("a/b")
    assert KEY not in f"{target!r} {target} {target.authorization!r} {target.authorization}"
    with pytest.raises(TypeError):
        pickle.dumps(target)


def test_a_key_that_a_server_repeats_is_taken_out() -> None:
    assert Authorization(f"Key {KEY}").redaction.text(f"bad {KEY}!") == "bad [key]!"


def test_no_frame_of_a_refused_key_holds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", "half a-secret")
    with pytest.raises(CredentialsError) as caught:
        resolve_target("a/b")
    frames = [frame.frame.f_locals for frame in caught.traceback[1:]]
    assert "half a-secret" not in repr(frames)


def test_credentials_that_cannot_be_read_leave_no_trace_in_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise ValueError(f"the token {KEY} was refused")

    monkeypatch.setattr("fal_notebook.wire.target.fetch_auth_credentials", fails)
    with pytest.raises(CredentialsError, match="could not be read: ValueError") as caught:
        resolve_target("a/b")
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


def test_what_knows_the_key_is_not_pickled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)
    target = resolve_target("a/b")
    for each in (target, target.authorization, target.redaction):
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(each)


@pytest.mark.parametrize("rest", [f"?fal_key={KEY}", f"#{KEY}", f"?a=b@c&k={KEY}#x"])
def test_an_address_that_was_pasted_is_not_quoted_with_what_may_be_a_key(rest: str) -> None:
    with pytest.raises(InvalidRequest, match="is a URL") as caught:
        resolve_target(f"https://fal.run/a/b{rest}")
    assert KEY not in str(caught.value)
