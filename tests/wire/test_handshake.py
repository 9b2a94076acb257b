"""How a connection is opened, and when a gateway on this machine gets the key."""

from http import HTTPStatus

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from fal_notebook import errors, pipeline, run, session
from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.server import LocalServer

from .. import endpoints
from ..conftest import KEY
from ..scripted import ScriptedServer, asks_for_key, end, start


async def answers(connection: ServerConnection) -> None:
    async for _ in connection:
        for each in (start(content_type="text/plain"), "fine", end()):
            await connection.send(each)


def shown(server: ScriptedServer) -> list[str | None]:
    return [each.headers.get("Authorization") for each in server.handshakes]


@pytest.fixture(autouse=True)
def _with_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", KEY)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_gateway_on_this_machine_that_asks_for_no_key_gets_none(host: str) -> None:
    with ScriptedServer(answers) as server:
        url = server.url.replace("127.0.0.1", host)
        session().connect("a/b", url).result()
        assert run("a/b", base_url=url).text == "fine"
        assert [each.result().text for each in pipeline("a/b", [{}, {}], base_url=url)] == ["fine"] * 2
        assert set(shown(server)) == {None}


def test_one_that_asks_gets_it_and_the_arguments_once() -> None:
    with ScriptedServer(answers, asks_for_key) as server:
        assert run("a/b", base_url=server.url, x=1).text == "fine"
        assert run("a/b", base_url=server.url, x=2).text == "fine"
        assert shown(server) == [None, f"Key {KEY}"]


def test_one_that_takes_neither_is_asked_once_more_and_no_more() -> None:
    def refuses(connection: ServerConnection, _: Request) -> Response:
        return connection.respond(HTTPStatus.UNAUTHORIZED, "no")

    with ScriptedServer(answers, refuses) as server:
        with pytest.raises(errors.AuthenticationError, match="check FAL_KEY"):
            run("a/b", base_url=server.url)
        assert shown(server) == [None, f"Key {KEY}"]


@pytest.mark.parametrize("status", [403, 404, 426, 500])
def test_no_other_refusal_brings_the_key_out(status: int) -> None:
    def refuses(connection: ServerConnection, _: Request) -> Response:
        return connection.respond(HTTPStatus(status), "no")

    with ScriptedServer(answers, refuses) as server:
        with pytest.raises(errors.StatusError):
            run("a/b", base_url=server.url)
        assert set(shown(server)) == {None}


def test_one_that_asks_in_its_answer_gets_the_key_with_the_next_request_and_the_first_is_not_repeated() -> None:
    asked: list[str | bytes] = []

    async def asks_late(connection: ServerConnection) -> None:
        assert connection.request is not None
        status = 200 if "Authorization" in connection.request.headers else 401
        async for message in connection:
            asked.append(message)
            for each in (start(status=status), '"fine"', end(status=status)):
                await connection.send(each)

    with ScriptedServer(asks_late) as server:
        with pytest.raises(errors.AuthenticationError):
            run("a/b", base_url=server.url, x=1)
        assert run("a/b", base_url=server.url, x=2).data == "fine"
        assert run("a/b", base_url=server.url, x=3).data == "fine"
        assert (shown(server), len(asked)) == ([None, f"Key {KEY}"], 3)


def test_our_own_gateway_gets_the_key_where_it_requires_one() -> None:
    for key, seen in ((None, {None}), (KEY, {f"Key {KEY}"})):
        endpoints.authorizations.clear()
        with LocalServer(HTTPOverWebSocket(endpoints.create_app(), key=key)) as server:
            assert run("test/echo/stream", base_url=server.url, prompt="x").text == "x "
            assert set(endpoints.authorizations) == seen
