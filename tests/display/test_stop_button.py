"""The Stop button answers a hello, calls its function for a click, and ignores every other message."""

from typing import Any

import pytest

from fal_notebook.display.outputs import close_widget
from fal_notebook.display.stop_button import StopButton


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The messages that go to the page."""
    from anywidget import AnyWidget

    messages: list[Any] = []
    monkeypatch.setattr(AnyWidget, "send", lambda _, content: messages.append(content))
    return messages


def test_a_hello_is_answered_and_stops_nothing(sent: list[Any]) -> None:
    stops: list[int] = []
    button = StopButton(lambda: stops.append(1))
    button.widget._handle_custom_msg({"kind": "hello"}, [])
    assert (sent, stops) == ([{"kind": "heard"}], [])


def test_a_click_stops(sent: list[Any]) -> None:
    stops: list[int] = []
    button = StopButton(lambda: stops.append(1))
    button.widget._handle_custom_msg({"kind": "stop"}, [])
    assert (sent, stops) == ([], [1])


@pytest.mark.parametrize("content", [None, "stop", [], {}, {"kind": ["stop"]}, {"kind": "close"}])
def test_anything_else_does_nothing(content: Any, sent: list[Any]) -> None:
    stops: list[int] = []
    StopButton(lambda: stops.append(1)).widget._handle_custom_msg(content, [])
    assert (sent, stops) == ([], [])


def test_a_button_that_is_closed_with_its_box_is_not_listened_for_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    ignored: list[str] = []
    monkeypatch.setattr("fal_notebook.display.stop_button.listen", lambda _: "its address")
    monkeypatch.setattr("fal_notebook.display.stop_button.ignore", ignored.append)
    close_widget(StopButton(lambda: None).widget)
    assert ignored == ["its address"]
