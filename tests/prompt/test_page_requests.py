"""Messages of the page that are requests, and messages that are not."""

from typing import Any

import pytest

from fal_notebook.prompt.page_requests import (
    BringTranscript,
    Clear,
    Copy,
    Delete,
    Edited,
    Export,
    Hello,
    Regenerate,
    Request,
    Run,
    ShowVersion,
    Stop,
    Undo,
    read,
)

ROWS = [{"id": "given seed"}]
RUN: dict[str, Any] = {"kind": "run", "view": "v", "prompt": "x", "endpoint": "a/b", "rows": ROWS, "play": True}


@pytest.mark.parametrize(
    ("content", "request_"),
    [
        ({"kind": "hello", "view": "v"}, Hello("v")),
        ({"kind": "edited", "view": "v", "rows": ROWS}, Edited("v", ROWS)),
        (RUN, Run("v", "x", ROWS, "a/b", play=True)),
        ({**RUN, "rows": None}, Run("v", "x", None, "a/b", play=True)),
        ({**RUN, "play": "yes"}, Run("v", "x", ROWS, "a/b", play=False)),
        ({"kind": "stop", "view": "v", "id": 1}, Stop(1)),
        ({"kind": "stop", "id": 1}, Stop(1)),  # as it arrives on the control channel
        ({**RUN, "id": 2}, Run("v", "x", ROWS, "a/b", play=True, instead_of=2)),
        ({**RUN, "prompt": None, "id": 2}, Run("v", None, ROWS, "a/b", play=True, instead_of=2)),
        ({"kind": "regenerate", "view": "v", "id": 2}, Regenerate(2)),
        ({"kind": "version", "view": "v", "id": 2, "version": 1}, ShowVersion(2, 1)),
        ({"kind": "delete", "view": "v", "id": 3}, Delete(3)),
        ({"kind": "copy", "view": "v", "id": 4}, Copy("v", 4)),
        ({"kind": "export", "view": "v", "suffix": ".md"}, Export("v", ".md")),
        ({"kind": "clear", "view": "v"}, Clear()),
        ({"kind": "undo", "view": "v"}, Undo()),
        ({"kind": "transcript", "view": "v", "pieces": [0, "1"]}, BringTranscript("v", [0, "1"])),
    ],
)
def test_each_message_of_the_page_is_a_request(content: dict[str, Any], request_: Request) -> None:
    assert read(content) == request_


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"kind": "else"},
        {"kind": ["stop"], "id": 1},
        {"kind": "stop", "id": "1"},
        {"kind": "hello"},
        {"kind": "edited", "view": "v", "rows": "rows"},
        {key: value for key, value in RUN.items() if key != "endpoint"},
        {**RUN, "prompt": None},
        {**RUN, "rows": {}},
        {"kind": "version", "id": 2},
        {"kind": "copy", "id": 4},
        {"kind": "transcript", "view": "v", "pieces": 0},
    ],
)
def test_any_other_message_is_no_request(content: dict[str, Any]) -> None:
    assert read(content) is None
