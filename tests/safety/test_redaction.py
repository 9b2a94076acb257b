"""Servers repeat the key in every place and spelling, and the user sees it in none."""

import base64
import contextlib
import copy
import html
import io
import itertools
import json
import logging
import re
import time
import traceback
import unicodedata
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import pytest
from httpx import Headers as HTTPHeaders
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.ultratb import VerboseTB
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from fal_notebook import Result, Stream, errors, session, stream
from fal_notebook.client.receiver import Receiver
from fal_notebook.response.redacted_updates import RedactedUpdates
from fal_notebook.response.updates import Reasoning, Text, Update
from fal_notebook.safety.redaction import KeyWatch, Redaction
from fal_notebook.wire.protocol import Data, End, Event, Start
from fal_notebook.wire.target import Authorization, Target

from ..conftest import KEY
from ..scripted import ScriptedServer

ID, _, SECRET = KEY.partition(":")
REDACTION = Redaction(KEY)
QUIET = logging.getLogger("the servers that repeat the key")


def each_letter(way: Callable[[int], str]) -> str:
    return "".join(way(ord(letter)) for letter in SECRET)


UNSEEN = "\u00ad\u200b\u202a\u202e\u2060\u2066\u2069\ufeff"
SPELLINGS = {
    "whole": KEY,
    "header": f"Key {KEY}",
    "secret half": SECRET,
    "upper": KEY.upper(),
    "title": KEY.title(),
    "JSON's colon": KEY.replace(":", r"\u003a"),
    "a URL's colon": KEY.replace(":", "%3a"),
    "HTML's colon": KEY.replace(":", "&#58;"),
    "JSON": each_letter(lambda code: rf"\u{code:04x}"),
    "JSON twice": each_letter(lambda code: rf"\\u{code:04X}"),
    "one letter in JSON": rf"{SECRET[:5]}\u{ord(SECRET[5]):04x}{SECRET[6:]}",
    "URL": each_letter(lambda code: f"%{code:02x}"),
    "URL twice": each_letter(lambda code: f"%25{code:02X}"),
    "one letter in a URL": f"{SECRET[:5]}%{ord(SECRET[5]):02x}{SECRET[6:]}",
    "HTML": each_letter(lambda code: f"&#{code};"),
    "HTML twice": each_letter(lambda code: f"&amp;#x{code:X};"),
    "Python": each_letter(lambda code: rf"\x{code:02x}"),
    "base64": base64.b64encode(KEY.encode()).decode(),
    "base64 of a header": base64.b64encode(f"Key {KEY}".encode()).decode(),
    "URL's base64": base64.urlsafe_b64encode(f"{KEY}?".encode()).decode(),
    "HTML without semicolons": each_letter(lambda code: f"&#{code}"),
    "JavaScript": each_letter(lambda code: rf"\u{{{code:x}}}"),
    **{f"with U+{ord(unseen):04X}": f"{SECRET[:5]}{unseen}{SECRET[5:]}" for unseen in UNSEEN},
    "unseen all through": "\u200b".join(SECRET),
}
ASCII = [name for name, said in SPELLINGS.items() if said.isascii()]

EXCHANGES: dict[str, list[Any]] = {
    "words": [
        {"type": "start", "request_id": "r", "status": 200, "headers": {"Content-Type": "text/plain", "X-A": ["b"]}},
        "some words",
        {"type": "end", "request_id": "r", "status": 200},
    ],
    "words before a failure": [
        {"type": "start", "request_id": "r", "status": 200, "headers": {"Content-Type": "text/plain"}},
        "some words",
        {"type": "end", "request_id": "r", "status": 500},
    ],
    "events": [
        {"type": "start", "request_id": "r", "status": 200, "headers": {"Content-Type": "text/event-stream"}},
        {"output": "some", "reasoning": "thought", "partial": True, "message": "half", "progress": 0.5},
        {"image": {"url": "data:image/png;base64,iVBORw0KGgo=", "file_name": "a.png"}},
        {"output": "some words", "partial": False, "model": "m", "usage": {"kind": "u"}, "deep": {"in": ["it"]}},
        {"type": "end", "request_id": "r", "status": 200},
    ],
    "a chat": [
        {"type": "start", "request_id": "r", "status": 200, "headers": {"Content-Type": "text/event-stream"}},
        {"choices": [{"index": 0, "delta": {"content": "some words", "reasoning": "thought"}, "finish_reason": "so"}]},
        {"choices": [{"index": 1, "delta": {"content": "others", "refusal": "no"}, "finish_reason": "so"}]},
        {"choices": [{"delta": {"tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "so"}}]}}]},
        {"choices": [{"delta": {"annotations": [{"url": "https://a.example/b", "title": "A"}]}}]},
        {"type": "end", "request_id": "r", "status": 200},
    ],
    "an error among events": [
        {"type": "start", "request_id": "r", "status": 200, "headers": {"Content-Type": "text/event-stream"}},
        {"output": "some", "reasoning": "thought", "model": "m", "error": {"message": "failed", "in": ["it"]}},
        {"type": "end", "request_id": "r", "status": 200},
    ],
    "files": [
        {"type": "start", "request_id": "r", "status": 200, "headers": {"Content-Type": "application/json"}},
        {"images": [{"url": "https://a.example/b", "file_name": "c.png", "content_type": "image/png"}], "seed": "s"},
        {"type": "end", "request_id": "r", "status": 200},
    ],
    "a refusal": [
        {
            "type": "start",
            "request_id": "r",
            "status": 401,
            "headers": {"Content-Type": "application/json", "X-A": "b"},
        },
        {
            "detail": [{"loc": ["body", "in"], "msg": "wrong", "url": "https://a.example/b"}],
            "image": {"url": "https://c"},
        },
        {"type": "end", "request_id": "r", "status": 401},
    ],
    "no JSON": [
        {"type": "start", "request_id": "r", "status": 200, "headers": {"Content-Type": "application/json"}},
        "some words",
        {"type": "end", "request_id": "r", "status": 200},
    ],
    "an error frame": [{"type": "error", "request_id": "r", "error": {"message": "m", "in": ["it"]}}],
    "a late error frame": [
        {"type": "start", "request_id": "r", "status": 200, "headers": {"Content-Type": "text/plain"}},
        "some words",
        {"type": "error", "request_id": "r", "error": "failed"},
    ],
    "out of place": ["some words"],
    "an unknown type": [{"type": "other", "request_id": "r"}],
}
STEERING = ("type", "status", "headers", "content-type", "request_id")
"""Names without which there is no exchange."""


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every string of an exchange: its values, and its names, which end in None."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            if name.lower() not in STEERING:
                yield (*path, name, None)
            if name != "type":
                yield from places(inner, (*path, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from places(inner, (*path, number))


def filled(exchange: list[Any], path: tuple[Any, ...], said: str) -> list[Any]:
    """The exchange with the key in one place; the same id all through."""
    changed = copy.deepcopy(exchange)
    *way, last = path
    inner: Any = changed
    for step in way[:-1] if last is None else way:
        inner = inner[step]
    if last is None:
        inner[said] = inner.pop(way[-1])
    elif last == "request_id":
        for message in changed:
            if isinstance(message, dict) and "request_id" in message:
                message["request_id"] = said
    else:
        before = inner[last]
        inner[last] = f"{before}/{said}" if before.startswith("https:") else f"{before}; a={said}"
    return changed


def messages(exchange: list[Any]) -> Iterator[str | bytes]:
    is_events = "event-stream" in str(exchange[0])
    for message in exchange:
        if isinstance(message, str):
            yield message
        elif "type" in message or not is_events:
            yield json.dumps(message)
        else:
            yield f"data: {json.dumps(message)}\n\n".encode()


async def serves_what_it_is_told(connection: ServerConnection) -> None:
    async for message in connection:
        told = json.loads(message)
        for each in messages(told["exchange"]):
            await connection.send(each)
        if "reason" in told:
            await connection.close(1008, told["reason"])


OURS = ("fal_notebook", "websockets", "httpx")


def reachable(value: Any) -> Iterator[str]:
    """Every string that can be reached from a value through its attributes and contents."""
    seen: set[int] = set()
    rest: deque[Any] = deque([value])
    kept = []
    while rest:
        each = rest.popleft()
        if id(each) in seen:
            continue
        seen.add(id(each))
        kept.append(each)
        if isinstance(each, str):
            yield each
        elif isinstance(each, bytes | bytearray):
            yield each.decode("latin-1")
        elif isinstance(each, Mapping):
            rest.extend([*each.keys(), *each.values()])
        elif isinstance(each, list | tuple | set | frozenset | deque):
            rest.extend(each)
        elif isinstance(each, BaseException) or type(each).__module__.startswith(
            ("fal_notebook", "websockets", "httpx")
        ):
            rest.extend(getattr(each, "__dict__", {}).values())
            if isinstance(each, BaseException):
                rest.extend([each.args, each.__context__, each.__cause__])
            if hasattr(each, "__iter__") and not isinstance(each, Stream):
                rest.extend(each)


def everything_of(request: Stream, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> list[str]:
    """All that a request leaves anywhere, in whatever form it could be shown."""
    said: list[str] = ["".join(str(update) for update in updates) for updates in iter(request.take, [])]
    for update in live(request):
        said += [*reachable(update), repr(update)]
    result = request.outcome()
    said += [*reachable(result), *reachable(request), *reachable(session()), repr(result), repr(vars(result))]
    said += [str(result), result.status_line, request.text, repr(request.request_id), repr(list(result.events))]
    for style in ("markdown", "text", "json"):
        said += reachable(result.outputs(style))
    if result.error is not None:
        said += all_of_error(result.error, request)
    printed = capfd.readouterr()
    return [*said, printed.out, printed.err, caplog.text]


def live(request: Stream) -> Iterator[Update]:
    while not request.is_done:
        request.wait()
        yield from request.take()


def all_of_error(error: errors.FalNotebookError, request: Stream) -> Iterator[str]:
    yield from (str(error), repr(error), repr(vars(error)), *reachable(error))
    try:
        request.result()
    except errors.FalNotebookError as exc:
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown):
            VerboseTB(theme_name="nocolor", include_vars=True)(type(exc), exc, exc.__traceback__)
        yield shown.getvalue()
        yield from traceback.TracebackException.from_exception(exc, capture_locals=True).format()


def plain(text: str) -> str:
    """The text with what is escaped in it as itself, some times over."""
    for _ in range(3):
        text = re.sub(
            r"\\+(?:u(?=[{\d])\{?|x)([0-9a-f]{2,4})\}?",
            lambda match: chr(int(match[1], 16)),
            html.unescape(unquote(text)),
            flags=re.I,
        )
    return "".join(letter for letter in text if unicodedata.category(letter) != "Cf")


def has_key(text: str) -> bool:
    if SECRET.lower() in plain(text).lower():
        return True
    codes = re.findall(r"[A-Za-z0-9+/_-]{16,}", text)
    return any(SECRET in decoded(code[start:]) for code in codes for start in range(4))


def decoded(code: str) -> str:
    code = code.replace("-", "+").replace("_", "/")
    return base64.b64decode(code[: len(code) // 4 * 4] + "A" * 4).decode("latin-1")


@pytest.fixture(autouse=True)
def _with_a_key(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    QUIET.setLevel(logging.CRITICAL)
    for name in ("websockets", "websockets.client", "asyncio", "httpx", "httpcore", "fal_notebook"):
        caplog.set_level(logging.DEBUG, logger=name)


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(serves_what_it_is_told, logger=QUIET) as running:
        yield running


@pytest.mark.parametrize(
    "spellings",
    [
        *(pytest.param([words], marks=pytest.mark.rig, id=name) for name, words in SPELLINGS.items()),
        *(pytest.param([*SPELLINGS.values()][first::5], id=f"each fifth from {first}") for first in range(5)),
    ],
)
@pytest.mark.parametrize("exchange", EXCHANGES)
def test_no_place_of_any_message_brings_the_key_back(
    exchange: str,
    spellings: list[str],
    server: ScriptedServer,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    for path, spelling in zip(places(EXCHANGES[exchange]), itertools.cycle(spellings), strict=False):
        asked = filled(EXCHANGES[exchange], path, spelling)
        request = stream("a/b", {"exchange": asked}, base_url=server.url)
        assert [said for said in everything_of(request, caplog, capfd) if has_key(said)] == [], path


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_reason_of_a_close_brings_the_key_back(
    spelling: str, server: ScriptedServer, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    reason = SPELLINGS[spelling].encode()[:120].decode("utf-8", "ignore")
    for exchange in ([], EXCHANGES["words"][:2]):
        asked = {"exchange": exchange, "reason": reason}
        request = stream("a/b", asked, base_url=server.url)
        assert [said for said in everything_of(request, caplog, capfd) if has_key(said)] == []


@pytest.mark.parametrize("spelling", ASCII)
@pytest.mark.parametrize("status", [200, 302, 401, 403, 500])
def test_no_refused_handshake_brings_the_key_back(
    status: int, spelling: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    said = SPELLINGS[spelling]
    bodies = [
        said,
        json.dumps({"detail": said}),
        json.dumps({"detail": [{"msg": said, said: [said]}]}),
        "[" * 9000 + said,
    ]

    def refuse(_: ServerConnection, __: Request) -> Response:
        headers = Headers({"X-Fal-Request-Id": said, "Location": f"https://a/{said}", "X-A": said})
        if re.fullmatch(r"[\w-]+", said):
            headers[said] = "a name"
        return Response(status, f"Not {said}", headers, bodies[len(refusing.handshakes) % len(bodies)].encode())

    with ScriptedServer(serves_what_it_is_told, refuse, logger=QUIET) as refusing:
        for _ in bodies:
            request = stream("a/b", base_url=refusing.url)
            assert [said for said in everything_of(request, caplog, capfd) if has_key(said)] == []


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("shape", ["deltas", "snapshots", "marked", "words", "lines", "tagged"])
def test_a_key_in_pieces_is_taken_out_of_live_words(shape: str, spelling: str, server: ScriptedServer) -> None:
    said = f"so {SPELLINGS[spelling]} it is"
    for at in range(1, len(said), 1 + len(said) // 12):
        pieces = [said[:at], said[at:]] if at % 2 else [said[:at], *said[at:]]
        start = {"type": "start", "request_id": "r", "status": 200, "headers": {"Content-Type": "text/event-stream"}}
        if shape in ("words", "lines"):
            start["headers"] = {"Content-Type": "text/plain"}
            said_so: list[Any] = pieces if shape == "words" else [f"{piece}" for piece in pieces]
        elif shape == "marked":
            said_so = [{"choices": [{"delta": {"content": piece, "reasoning": piece}}]} for piece in pieces]
        elif shape == "tagged":
            tagged = ["<thi", "nk>", *pieces, "</thin", "k>", *pieces]
            said_so = [{"choices": [{"delta": {"content": piece}}]} for piece in tagged]
        else:
            wholes = ["".join(pieces[: count + 1]) for count in range(len(pieces))]
            said_so = [{"output": each, "reasoning": each} for each in (pieces if shape == "deltas" else wholes)]
        exchange = [start, *said_so, {"type": "end", "request_id": "r", "status": 200}]
        request = stream("a/b", {"exchange": exchange}, base_url=server.url)
        printed, shown, shows = "", {Text: "", Reasoning: ""}, ""
        for update in live(request):
            printed += str(update)
            if isinstance(update, Text | Reasoning):
                shown[type(update)] = shown[type(update)][: update.offset] + update.new
            shows += f" {request.text} {request.reasoning} {request.so_far().text} {request.so_far().reasoning}"
        assert not any(map(has_key, [printed, *shown.values(), shows])), (at, printed)
        assert shown[Text] == request.outcome().text
        assert shown[Reasoning] == request.outcome().reasoning


@given(st.lists(st.text("ab1-:2\\%u0x3&#;", max_size=8), max_size=20), st.lists(st.integers(0, 30), max_size=20))
def test_words_without_the_key_are_what_they_were(pieces: list[str], offsets: list[int]) -> None:
    words, updates = "", []
    for piece, offset in zip(pieces, [*offsets, *[999] * 20], strict=False):
        at = min(offset, len(words))
        words = words[:at] + piece
        updates.append((Text(piece, at), words))
    if REDACTION.is_in(words):
        return
    current = ""
    redacted = RedactedUpdates(REDACTION, "", lambda: current)
    shown = ""
    for update, current in updates:  # noqa: B007 - the lambda reads it
        for each in redacted.take([update]):
            assert isinstance(each, Text)
            shown = shown[: each.offset] + each.new
    for each in redacted.take([], is_last=True):
        assert isinstance(each, Text)
        shown = shown[: each.offset] + each.new
    assert shown == REDACTION.text(words)


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_a_value_without_the_key_is_the_same(value: Any) -> None:
    assert REDACTION.value(value) == value


def test_json_nested_deeper_than_calls_is_looked_through() -> None:
    value: Any = KEY
    for _ in range(10_000):
        value = [value]
    changed = REDACTION.value(value)
    while isinstance(changed, list):
        (changed,) = changed
    assert changed == "[key]"


@pytest.mark.parametrize("between", ["\n", "\r\n", " ", "**", "<br>", '", "'])
def test_a_long_key_that_is_broken_in_two_does_not_stand_there(between: str) -> None:
    secret = "0123456789abcdef" * 2
    redaction = Redaction(f"{ID}:{secret}")
    for form in (secret, base64.b64encode(f"{ID}:{secret}".encode()).decode()):
        for at in range(1, len(form)):
            shown = redaction.text(f"{form[:at]}{between}{form[at:]}")
            assert "[key]" in shown, shown
            assert form not in shown.replace(between, "")
            assert redaction.is_in_body(f"{form[:at]}{between}{form[at:]}".encode())


def test_what_is_like_a_key_is_no_key() -> None:
    for words in (SECRET[:7], "11111111-aaaa", "bbbb", ID, "%32%32", r"\u0032", "x", "json", "", "MjIy"):
        assert REDACTION.text(words) == words
        assert not KeyWatch(REDACTION).feed(words)


def test_a_key_that_the_end_cuts_off_is_taken_out() -> None:
    assert REDACTION.text(f"so {SECRET[:-1]}") == "so [key]"
    assert REDACTION.text(f"so {KEY[:-1]}") == f"so {ID}:[key]"


def test_no_key_is_found_where_there_is_none() -> None:
    none = Redaction()
    assert not none
    assert none.text(KEY) == none.value(KEY) == KEY
    assert none.value([{"a": KEY}]) == [{"a": KEY}]
    assert not none.is_in(KEY)


PROXIES = [
    "http://user:hunter22@host:99999",
    "http://user:hunter22@host:port",
    "http://user:hunter22@host/path",
    "http://user:hun/ter22@host",
    "http://user:hun#ter22@host:80",
    "htp://user:hunter22@host",
    "user:hunter22@host:80",
    "//user:hunter22@host",
    "http://user:hunter22@",
    "http://user:hunter22@[::1",
    "http://hunter22@host",
    "http://user:hunter22%ff@host",
    "http://user:hunter22@ho st",
    "http://user:hunter22@127.0.0.1:1",
    "socks5://user:hunter22@127.0.0.1:1",
]


@pytest.mark.parametrize("proxy", PROXIES)
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "all_proxy"])
def test_a_proxys_password_stands_in_no_error(
    proxy: str,
    variable: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(variable, proxy)
    request = stream("a/b", base_url="wss://ws.invalid", timeout=5)
    said = "\n".join(everything_of(request, caplog, capfd))
    assert not re.search("hunter22|hun|ter22", said.replace(proxy, "the test's own") if variable in said else said)


@pytest.mark.parametrize("base_url", ["ws://user:hunter22@host", "ws://user:hunter22@host:99999", "x://:hunter22@h"])
def test_a_base_urls_password_stands_in_no_error(base_url: str) -> None:
    for endpoint, base in (("a/b", base_url), (f"{base_url}/a/b", None)):
        with pytest.raises(errors.InvalidRequest) as caught:
            stream(endpoint, base_url=base)
        assert "hunter22" not in str(caught.value)


def told(body: Sequence[bytes], label: str, key: str = KEY) -> tuple[Result, list[Update], float]:
    """What a response with this body brings, and the seconds of work that it makes."""
    receiver = Receiver()
    target = Target("a/b", "wss://ws.invalid/a/b", Authorization(f"Key {key}"))
    request = Stream(target, receiver, lambda: None, nested=False)
    pieces: list[Event] = [Data(each) for each in body]
    receiver.inbox.put(Start("r", 200, HTTPHeaders({"content-type": label})), *pieces, End(200, None))
    receiver.end()
    began = time.process_time()
    updates = list(live(request))
    return request.outcome(), updates, time.process_time() - began


def in_pieces(delta: Callable[[str], dict[str, Any]]) -> bytes:
    """A chat of which one delta after the other has some letters of the key."""
    pieces = [KEY[at : at + 5] for at in range(0, len(KEY), 5)]
    return "".join(f"data: {json.dumps({'choices': [delta(each)]})}\n\n" for each in pieces).encode()


AROUND = b'data: {"a": "%s"}\n\n'
BODIES = {
    "JSON in UTF-16": ([json.dumps({"a": KEY}).encode("utf-16")], "application/json"),
    "JSON in UTF-32": ([json.dumps({"a": [KEY]}).encode("utf-32")], "application/json"),
    "words in UTF-16": ([f"so {KEY}".encode("utf-16")], "text/plain; charset=utf-16"),
    "words in UTF-7": ([f"so {KEY}".encode("utf-7")], "text/plain; charset=utf-7"),
    "an event's name": ([f"event: {KEY}\ndata: {{}}\n\n".encode()], "text/event-stream"),
    "an event's id": ([f"id: {SECRET}\ndata: {{}}\n\n".encode()], "text/event-stream"),
    "JSON lines": ([f'{{"a": 1}}\n{{"b": "{SECRET}"}}\n'.encode()], "application/x-ndjson"),
    "a file": ([b"\x89PNG\r\n\x1a\n" + KEY.encode()], "image/png"),
    "a file in JSON": (
        [b'{"image": "data:image/png;base64,' + base64.b64encode(KEY.encode()) + b'"}'],
        "application/json",
    ),
    "what no label names": ([f'{{"a": "{KEY}"}}'.encode()], ""),
    "pieces of a second choice": (
        [in_pieces(lambda piece: {"index": 1, "delta": {"content": piece, "reasoning": piece}})],
        "text/event-stream",
    ),
    "pieces of a call": (
        [in_pieces(lambda piece: {"delta": {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}})],
        "text/event-stream",
    ),
    "a label": ([b"so it is"], f"text/plain; a={KEY}"),
    "a file's label": ([b"RIFF"], f"audio/x; a={KEY}"),
    **{
        f"at {at} bytes": ([AROUND % (b"-" * (at - 30)), AROUND % KEY.encode(), AROUND % b"more"], "text/event-stream")
        for at in range(65_500, 65_560, 7)
    },
}


@pytest.mark.parametrize("name", BODIES)
def test_no_way_to_write_a_body_brings_the_key_back(name: str) -> None:
    body, label = BODIES[name]
    for pieces in (body, [b"".join(body)], [bytes([each]) for each in b"".join(body[-2:])], body[:1] * 2):
        result, updates, _ = told(pieces, label)
        said = [
            *reachable(result),
            repr(vars(result)),
            *reachable(updates),
            *map(repr, updates),
            repr(result.outputs()),
        ]
        assert [each for each in said if has_key(each)] == []


@pytest.mark.rig
@pytest.mark.parametrize(
    "word",
    [SECRET[:7], f"{SECRET[:11]} ", "%61", r"\\u0062", "&#97;", "%2561", "\\", "%", "&amp;", "2", SECRET, f"{SECRET} "],
)
@pytest.mark.parametrize("label", ["text/plain", "text/event-stream", "application/json"])
def test_words_that_are_like_a_key_cost_no_more_than_their_length(word: str, label: str) -> None:
    seconds = []
    for count in (2_000, 16_000):
        pieces = [word.encode()] * count
        if label == "text/event-stream":
            pieces = [b"data: " + json.dumps({"choices": [{"delta": {"content": word}}]}).encode() + b"\n\n"] * count
        elif label == "application/json":
            pieces = [json.dumps({"output": word * count}).encode()]
        seconds.append(min(told(pieces, label)[2] for _ in range(2)))
    assert seconds[1] < max(0.5, 24 * seconds[0])
    assert seconds[1] < 6
