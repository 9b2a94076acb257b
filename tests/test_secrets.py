"""A key goes through every path of the package, and appears nowhere except in the handshake with its own host."""

import asyncio
import contextlib
import io
import json
import logging
import pickle
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.ultratb import VerboseTB
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from fal_notebook import Session, errors, run, session, stream

from .certificates import make_certificate, server_context
from .conftest import KEY
from .faults import CERTIFICATES, OUTCOMES, Fault, FaultyGateway, Place
from .scripted import ScriptedServer, asks_for_key, end, start

QUIET = logging.getLogger("the tests' own servers")
"""The servers' log may contain the key, because they stand for fal, which knows it."""

ENDLESS = (Fault.ENDLESS, Fault.FRAGMENTS)
"""Faults that would send as many bytes as the default of ``max_body``, which is too much here."""

ID, _, SECRET = KEY.partition(":")


@pytest.fixture(autouse=True)
def _debugging(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("websockets", "websockets.client", "asyncio", "httpx", "httpcore", "fal_notebook"):
        caplog.set_level(logging.DEBUG, logger=name)
    QUIET.setLevel(logging.CRITICAL)


def all_that_is_said(error: BaseException) -> str:
    """An error in every form in which it can be shown, including the variables of its frames."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        VerboseTB(theme_name="nocolor")(type(error), error, error.__traceback__)
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    known = [str(error), repr(error), repr(vars(error)), repr(getattr(error, "headers", "")), *shown.format()]
    if error.__context__ is not None:
        known.append(all_that_is_said(error.__context__))
    if isinstance(error, errors.RequestError) and error.result is not None:
        known += [repr(error.result), repr(vars(error.result))]
    return "".join([*known, said.getvalue(), repr(pickle.dumps(str(error)))])


def no_part_of_the_key_in(text: str) -> bool:
    return SECRET not in text and KEY not in text


@pytest.mark.parametrize(
    ("place", "fault"),
    [
        (place, fault)
        for fault, outcomes in OUTCOMES.items()
        for place, outcome in outcomes.items()
        if outcome != "RequestTimeout" and fault not in (*CERTIFICATES, *ENDLESS, Fault.DEAF)
    ],
)
def test_no_fault_shows_the_key(
    place: Place, fault: Fault, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)
    with FaultyGateway(place, fault, logger=QUIET, asks_for_key=True) as gateway:
        url = gateway.url.replace("ws:", "wss:") if fault is Fault.PLAIN_PORT else gateway.url
        said = ""
        for prompt in ("one", "two"):
            try:
                result = run("a/b", prompt=prompt, base_url=url)
                said += repr(vars(result))
            except errors.FalNotebookError as exc:
                said += all_that_is_said(exc)
            if prompt == "one" and place is Place.IDLE:
                gateway.fail_while_idle()
        said += repr((session().connections, vars(session())))
        assert fault is Fault.PLAIN_PORT or f"Key {KEY}" in gateway.authorizations
    assert no_part_of_the_key_in(said + caplog.text)


async def _repeats_the_key(connection: ServerConnection) -> None:
    assert connection.request is not None
    said = connection.request.headers["Authorization"]
    async for message in connection:
        how = json.loads(message)["how"]
        if how == "headers":
            text = start().replace("application/json", f"text/plain; {said}")
            for each in (text, "fine", end()):
                await connection.send(each)
        elif how == "status":
            for each in (start(status=403), json.dumps({"detail": said, said: [said]}), end(status=403)):
                await connection.send(each)
        elif how == "event":
            event = f"data: {json.dumps({'error': said})}\n\n"
            for each in (start(content_type="text/event-stream"), event, end()):
                await connection.send(each)
        elif how == "error":
            await connection.send(json.dumps({"type": "error", "error": {"message": said}, "request_id": said}))
        elif how == "close":
            await connection.close(1008, said[:100])
        else:
            await connection.send(f"out of place: {said}" if how == "text" else said.encode())


@pytest.mark.parametrize("how", ["headers", "status", "event", "error", "close", "text", "binary"])
def test_a_server_that_repeats_the_key_is_quoted_without_it(
    how: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("FAL_KEY_ID", ID)
    monkeypatch.setenv("FAL_KEY_SECRET", SECRET)
    with ScriptedServer(_repeats_the_key, asks_for_key, logger=QUIET) as server:
        try:
            result = run("a/b", base_url=server.url, how=how)
            said = repr([vars(result), *result.headers.items()])
        except errors.FalNotebookError as exc:
            said = all_that_is_said(exc)
    assert no_part_of_the_key_in(said + caplog.text)


def test_a_refused_handshake_that_repeats_the_key_is_quoted_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)

    def refuse(connection: ServerConnection, request: Request) -> Response:
        refusal = asks_for_key(connection, request)
        if refusal is not None:
            return refusal
        said = request.headers["Authorization"]
        body = json.dumps({"detail": {"msg": said, said: said}}).encode()
        return Response(403, f"Not {said}", Headers({"X-Fal-Request-Id": said, "X-Said": said}), body)

    with ScriptedServer(_repeats_the_key, refuse) as server, pytest.raises(errors.AccessDenied) as caught:
        run("a/b", base_url=server.url)
    assert no_part_of_the_key_in(all_that_is_said(caught.value))


def test_a_crash_of_the_io_thread_shows_no_key(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)
    with FaultyGateway(logger=QUIET) as gateway:
        own = Session()
        running = own.stream("a/b", {"prompt": "one"}, base_url=gateway.url)

        def broken(_: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(running._receiver, "receive", broken)
        late = own.stream("a/b", {"prompt": "two"}, base_url=gateway.url)
        monkeypatch.setattr(late._receiver, "receive", broken)
        outcomes = [repr(vars(each.outcome())) for each in (running, late)]
        own.close()
    said = capfd.readouterr()
    assert no_part_of_the_key_in("".join(outcomes) + said.out + said.err + caplog.text)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls") / "certificate.pem")


@pytest.fixture
def secure(certificate: Path) -> Iterator[FaultyGateway]:
    with FaultyGateway(tls=server_context(certificate), asks_for_key=True) as gateway:
        yield gateway


def test_a_certificate_that_is_not_trusted_gets_no_key(secure: FaultyGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)
    with pytest.raises(errors.ConnectError, match="self-signed certificate") as caught:
        run("a/b", prompt="one", base_url=secure.url)
    assert secure.authorizations == []
    assert no_part_of_the_key_in(all_that_is_said(caught.value))


def test_ssl_cert_file_names_the_certificates_that_are_trusted(
    secure: FaultyGateway, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert "one" in run("a/b", prompt="one", base_url=secure.url).text
    assert secure.authorizations == [f"Key {KEY}"]


def test_a_certificate_of_another_host_gets_no_key(
    secure: FaultyGateway, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with pytest.raises(errors.ConnectError, match="certificate"):
        run("a/b", prompt="one", base_url=secure.url.replace("127.0.0.1", "localhost"))
    assert secure.authorizations == []


def test_a_proxy_sees_the_hosts_name_and_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)
    heard = bytearray()

    async def refuses(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.extend(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 403 Forbidden\r\n\r\n")
        writer.close()

    async def main() -> None:
        server = await asyncio.start_server(refuses, "127.0.0.1", 0)
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        with pytest.raises(errors.ConnectError):
            await stream("a/b", prompt="one", base_url="wss://ws.invalid")
        server.close()

    asyncio.run(main())
    assert heard.startswith(b"CONNECT ws.invalid:443 HTTP/1.1\r\n")
    assert no_part_of_the_key_in(heard.decode())


def test_a_netrc_file_changes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login someone password else", encoding="utf-8")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("FAL_KEY", KEY)
    with FaultyGateway(asks_for_key=True) as gateway:
        run("a/b", prompt="one", base_url=gateway.url)
        assert gateway.authorizations == [f"Key {KEY}"]
