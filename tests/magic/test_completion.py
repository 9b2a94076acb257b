"""What Tab offers in a real IPython shell, by whichever completion API the installed IPython has."""

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from fal_notebook import Chat, session
from fal_notebook.client.catalogue import Catalogue
from fal_notebook.client.endpoint_names import EndpointNames
from fal_notebook.client.known_endpoints import ENDPOINTS, MODELS
from fal_notebook.client.used_names import UsedNames
from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.server import LocalServer
from fal_notebook.magic import completion_words
from fal_notebook.magic.begun_line import BegunLine, read_begun_line
from fal_notebook.magic.completion_words import offer
from fal_notebook.magic.magics import FalMagics
from fal_notebook.wire.environment import SCHEMAS_VARIABLE

OPTIONS = {name for each in FalMagics.falstream.parser._actions for name in each.option_strings if name[:2] == "--"}
FLUX = "fal-ai/flux/dev/stream"
ORDER = {
    "type": "object",
    "title": "Picture",
    "required": ["prompt"],
    "properties": {
        "prompt": {"type": "string", "title": "Prompt"},
        "image_url": {"anyOf": [{"type": "string"}, {"type": "null"}], "title": "Image Url"},
        "image_size": {"$ref": "#/components/schemas/Size", "default": "square"},
        "steps": {"type": "integer", "enum": [4, 8], "title": "Steps", "default": 8},
        "safe": {"type": "boolean", "title": "Safe", "default": True},
        "guidance": {"type": "number", "title": "Guidance", "default": 3.5, "examples": [7]},
        "model": {"type": "string", "title": "Model", "default": "m"},
    },
}
SIZE = {"type": "string", "enum": ["square", "wide screen"], "title": "Size"}
BODY = {"application/json": {"schema": {"$ref": "#/components/schemas/Picture"}}}
WORK = {"post": {"requestBody": {"content": BODY, "required": True}, "responses": {"200": {"content": BODY}}}}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Studio", "version": "1"},
    "paths": {"/studio/picture": WORK, "/studio/picture/turbo": WORK},
    "components": {"schemas": {"Picture": ORDER, "Size": SIZE}},
}


async def say_what_is_taken(_: Request) -> JSONResponse:
    return JSONResponse(DOCUMENT)


app = Starlette(routes=[Route("/openapi.json", say_what_is_taken)])


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with LocalServer(HTTPOverWebSocket(app)) as server:
        yield server.url


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[InteractiveShell]:
    monkeypatch.chdir(tmp_path)
    forget()
    running = InteractiveShell.instance()
    running.run_line_magic("load_ext", "fal_notebook")
    yield running
    running.run_line_magic("unload_ext", "fal_notebook")
    InteractiveShell.clear_instance()
    forget()


def forget() -> None:
    for kind in (EndpointNames, UsedNames, Catalogue):
        session()._companions.pop(kind, None)


@pytest.fixture
def studio(shell: InteractiveShell, url: str, monkeypatch: pytest.MonkeyPatch) -> InteractiveShell:
    """A shell whose requests go to a gateway that says what its endpoints take."""
    monkeypatch.delenv(SCHEMAS_VARIABLE)
    monkeypatch.setenv("FAL_NOTEBOOK_URL", url)
    monkeypatch.setattr(completion_words, "PATIENCE", 10.0)  # a busy machine
    return shell


def offered(shell: InteractiveShell, text: str, line: str | None = None) -> list[str]:
    """What Tab offers after the text; ``line`` is the cell's text around it, if there is more."""
    with provisionalcompleter():
        cell = text if line is None else line
        return [each.text for each in shell.Completer.completions(cell, cell.index(text) + len(text))]


def written(shell: InteractiveShell, text: str) -> list[str]:
    """The lines that each of the words makes of the text."""
    with provisionalcompleter():
        found = list(shell.Completer.completions(text, len(text)))
    assert {each.end for each in found} <= {len(text)}
    return [text[: each.start] + each.text for each in found]


def test_first_on_the_line_are_subcommands_and_endpoints(shell: InteractiveShell) -> None:
    assert offered(shell, "%falstream ") == ["status", "stop", "close", "info", "find", "attach", *ENDPOINTS]
    assert offered(shell, "%%falstream ") == [*ENDPOINTS]
    assert offered(shell, "%falstream st") == ["status", "stop", *(each for each in ENDPOINTS if "st" in each)]
    assert offered(shell, "answer = %falstream info FLUX") == ["fal-ai/flux/dev/stream"]


@pytest.mark.parametrize("word", ["fal-ai/flux", "flux", "dev/str", "a/b,flux"])
def test_an_endpoint_is_offered_by_any_part(word: str, shell: InteractiveShell) -> None:
    assert offered(shell, f"%falstream {word}") == ["fal-ai/flux/dev/stream"]
    assert offered(shell, f"  %%falstream {word}") == ["fal-ai/flux/dev/stream"]
    assert written(shell, f"%falstream a/b,{word}") == ["%falstream a/b," + "a/b," * (word[:2] == "a/") + FLUX]


def test_what_this_kernel_has_used_comes_first(shell: InteractiveShell) -> None:
    session().companion(UsedNames).note("my/any-llm", {"model": "my/model"})
    assert offered(shell, "%falstream llm")[0] == "my/any-llm"
    assert offered(shell, "%falstream a/b model=")[0] == "my/model"
    assert offered(shell, "%falstream a/b --models x,") == ["my/model", *MODELS]


def test_a_gateways_own_endpoints_are_offered(studio: InteractiveShell) -> None:
    assert offered(studio, "%%falstream ") == ["studio/picture", "studio/picture/turbo"]
    assert offered(studio, "%%falstream turbo") == ["studio/picture/turbo"]


def test_arguments_follow_the_endpoint(studio: InteractiveShell) -> None:
    assert offered(studio, "%falstream studio/picture ")[0] == "prompt="
    assert offered(studio, "%falstream studio/picture i") == ["image_url=", "image_size=", "guidance="]
    assert offered(studio, "%falstream studio/picture image_url=x im") == ["image_size="]
    assert offered(studio, "%%falstream studio/picture pro") == []
    assert offered(studio, "%%falstream studio/picture -o x --field image_size image") == ["image_url="]
    assert offered(studio, "%falstream studio/picture,a/b gui") == ["guidance="]


def test_choices_follow_the_argument(studio: InteractiveShell) -> None:
    line = "%%falstream studio/picture "
    assert offered(studio, f"{line}image_size=") == ["square", '"wide screen"']
    assert written(studio, f"{line}image_size=scr") == [f'{line}image_size="wide screen"']
    assert written(studio, f'{line}image_size="wi') == [f'{line}image_size="wide screen"']
    assert offered(studio, f"{line}steps=") == ["4", "8"]
    assert offered(studio, f"{line}safe:=t") == ["true"]
    assert offered(studio, f"{line}image_size:=sq") == ['"square"']
    assert offered(studio, f"{line}model=gem") == [each for each in MODELS if "gem" in each]
    assert offered(studio, f"{line}guidance=") == offered(studio, f"{line}nonsense=") == []


def test_a_conversation_has_the_endpoint(studio: InteractiveShell) -> None:
    studio.user_ns["talk"] = Chat("studio/picture")
    assert offered(studio, "%%falstream --chat ta") == ["talk"]
    assert offered(studio, "%%falstream --chat talk gui") == ["guidance="]


def test_options_and_their_values(shell: InteractiveShell) -> None:
    assert {*offered(shell, "%falstream -"), *offered(shell, "%falstream a/b --")} == OPTIONS
    assert offered(shell, "%falstream a/b --ti") == ["--timeout"]
    assert offered(shell, "%falstream a/b --format ") == ["markdown", "text", "json"]
    assert written(shell, "%falstream a/b -f te") == ["%falstream a/b -f text"]
    assert written(shell, "%falstream a/b --format=js") == ["%falstream a/b --format=json"]
    assert offered(shell, "%falstream a/b --timeout ") == []


def test_variables_are_offered_where_they_are_wanted(shell: InteractiveShell) -> None:
    shell.user_ns.update(topic="bees", topics={"a": 1}, _hidden=1)
    assert set(offered(shell, "%falstream a/b -o ")) == {"topic", "topics"}
    assert offered(shell, "%falstream a/b --input t") == ["topics"]
    assert written(shell, "%falstream a/b x={{to") == [f"%falstream a/b x={{{{{each}" for each in ("topic", "topics")]
    assert written(shell, '%falstream a/b x="about {{ 2 * topics') == ['%falstream a/b x="about {{ 2 * topics']
    assert "topics.keys" in offered(shell, "%falstream a/b x={{topics.ke")
    assert offered(shell, "%falstream a/b x={{nothing_of_that_name") == []


def test_files_are_offered_behind_an_at_sign(shell: InteractiveShell, tmp_path: Path) -> None:
    for name in ("cat.png", "my cat.png", ".hidden", "folder/inner.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    line = "%falstream a/b image_url=@"
    assert written(shell, line) == [f"{line}cat.png", f"{line}folder/", f'{line}"my cat.png"']
    assert written(shell, f'{line}"my') == [f'{line}"my cat.png"']
    assert written(shell, f"{line}folder/") == [f"{line}folder/inner.wav"]
    assert written(shell, f"{line}{tmp_path}/c") == [f"{line}{tmp_path}/cat.png"]
    assert offered(shell, "%falstream a/b --save fo") == ["folder/"]
    assert offered(shell, f"{line}@ca") == offered(shell, f"{line}no/such/") == offered(shell, f"{line}\0") == []


def test_nothing_else_is_mixed_in(studio: InteractiveShell, tmp_path: Path) -> None:
    (tmp_path / "print.png").touch()
    for line in ("a/b pri", "status pri", "studio/picture prin", "info x pri"):
        assert offered(studio, f"%falstream {line}") == []
    assert "print" in offered(studio, "x = prin")


def test_tab_is_heard_on_the_line_of_the_magic_alone(shell: InteractiveShell) -> None:
    cell = "%%falstream fal-ai/fl\nsome fal-ai/fl"
    assert "fal-ai/flux/dev/stream" in offered(shell, "%%falstream fal-ai/fl", cell)
    assert "fal-ai/flux/dev/stream" not in offered(shell, cell)
    for text in ("falstream = fal", "%%timeit fal", "%falstream"):
        assert "fal-ai/any-llm" not in offered(shell, text)


def test_a_reload_offers_each_candidate_once(shell: InteractiveShell) -> None:
    shell.run_line_magic("reload_ext", "fal_notebook")
    assert offered(shell, "%falstream a/b --ti") == ["--timeout"]


def test_what_is_unloaded_offers_nothing_and_leaves_the_others(shell: InteractiveShell) -> None:
    shell.set_hook("complete_command", lambda _, __: ["own words"], str_key="%own")
    shell.run_line_magic("unload_ext", "fal_notebook")
    assert "--timeout" not in offered(shell, "%falstream a/b --ti")
    assert offered(shell, "%own ow") == ["own words"]
    shell.run_line_magic("load_ext", "fal_notebook")
    assert offered(shell, "%falstream a/b --ti") == ["--timeout"]


def test_names_of_a_server_are_offered_only_if_they_are_plain(
    studio: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    evil = ["x\n%%bash", "a b", "\x1b[2J", "{{__import__('os')}}"]
    members: dict[str, Any] = {name: {"type": "string"} for name in evil}
    members["ok"] = {"enum": ["fine", *evil[::2], "x" * 10_000]}

    path = DOCUMENT["paths"]["/studio/picture"]["post"]
    schema = {"type": "object", "properties": members}
    with monkeypatch.context() as patch:
        patch.setitem(path["requestBody"]["content"]["application/json"], "schema", schema)
        patch.setitem(DOCUMENT["paths"], "/evil/%0A%%bash", path)
        assert offered(studio, "%falstream studio/picture ") == ["ok="]
        assert offered(studio, "%falstream studio/picture ok=") == ["fine"]
        assert offered(studio, "%falstream evil") == []


def test_it_waits_for_a_server_that_does_not_answer_a_moment_only(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(SCHEMAS_VARIABLE)
    may_answer = threading.Event()

    async def never(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await asyncio.to_thread(may_answer.wait, 20)

    with LocalServer(HTTPOverWebSocket(never)) as server:
        shell.run_line_magic("config", f"FalMagics.base_url = '{server.url}'")
        try:
            assert offered(shell, "%falstream a/b ") == []
            assert offered(shell, "%falstream any-llm") == [each for each in ENDPOINTS if "any-llm" in each]
        finally:
            may_answer.set()
    shell.run_line_magic("config", "FalMagics.base_url = ''")


def test_a_base_url_that_is_none_is_no_error(shell: InteractiveShell) -> None:
    assert offered(shell, "%falstream --base-url nonsense any") == []
    assert offered(shell, "%falstream --base-url nonsense a/b pr") == []


@pytest.mark.parametrize(
    ("text", "words", "word", "slot"),
    [
        ("%falstream ", [], "", None),
        ("%falstream a/b x", ["a/b"], "x", None),
        ('%falstream a/b x="two words" y', ["a/b", 'x="two words"'], "y", None),
        ('%falstream a/b x="two wo', ["a/b"], 'x="two wo', None),
        ("%falstream a/b x=it's fine", ["a/b", "x=it's"], "fine", None),
        ("%falstream a/b x={{ d['a b'] }} y", ["a/b", "x={{ d['a b'] }}"], "y", None),
        ("%falstream a/b x={{ d['a ", ["a/b"], "x={{ d['a ", " d['a "),
        ("%falstream a/b x:=[1, 2] y", ["a/b", "x:=[1, 2]"], "y", None),
        ('%falstream a/b x:={"a": [1, ', ["a/b"], 'x:={"a": [1, ', None),
    ],
)
def test_a_begun_line_is_split_into_words(text: str, words: list[str], word: str, slot: str | None) -> None:
    assert read_begun_line(text) == BegunLine(is_cell=False, words=words, word=word, slot=slot)
    for end in range(len(text)):
        read_begun_line(text[:end])


def test_a_huge_line_offers_nothing_and_takes_no_time(shell: InteractiveShell) -> None:
    assert offer("%falstream " + "{{" * 100_000, shell) is None
    assert read_begun_line("%falstream " + "{{ x }} " * 1_000) is not None
    assert os.getcwd() not in offered(shell, "%falstream " + "x:=[" * 2_000)  # noqa: PTH109 - as IPython has it
