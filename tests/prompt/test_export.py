"""A conversation as a file: what the box shows as Markdown, what the model knows as JSON, and going on with it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import fal_notebook as fal
from fal_notebook.errors import InvalidRequest

from .. import endpoints
from .test_memory import CHAT
from .test_widget import Watched, run


@pytest.fixture
def widget(gateway: str) -> Iterator[Watched]:
    widget = Watched(CHAT, {"model": "a/model"}, system="Be brief.")
    run(widget, "I am Ada.")
    run(widget, "fail")
    yield widget
    widget.close()


def test_markdown_has_what_the_box_shows(widget: Watched, tmp_path: Path) -> None:
    path = widget.export(tmp_path / "talk.md")
    assert path == tmp_path / "talk.md"
    assert path.read_text("utf-8") == (
        "# I am Ada.\n\n*16 tokens · $0.5 in all*\n\n"
        "## You\n\nI am Ada.\n\n## a/model\n\nI know Ada\n\n"
        "## You\n\nfail\n\n## a/model\n\nI know Ada\n\n"
        "*failed: test/chat/completions answered with an error: out of tokens*\n"
    )


def test_json_has_what_the_model_knows_and_another_box_goes_on_with_it(widget: Watched, tmp_path: Path) -> None:
    stored = json.loads(widget.export(str(tmp_path / "talk.JSON")).read_text("utf-8"))
    assert [message["role"] for message in stored] == ["system", "user", "assistant"]
    other = Watched(CHAT, messages=stored)
    run(other, "Who am I?")
    assert other.results[-1].text == "I know Ada"
    assert other.system == "Be brief."


def test_any_other_name_is_refused_and_nothing_is_written(widget: Watched, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"as \.md or \.json"):
        widget.export(tmp_path / "talk.txt")
    assert not list(tmp_path.glob("talk*"))
    widget.hear("export", suffix=".txt")
    assert "as .md or .json" in widget.of("refused")[-1]["message"]


def test_the_page_gets_the_file_that_it_asks_for(widget: Watched) -> None:
    widget.hear("export", view="v", suffix=".json")
    (told,) = widget.of("exported")
    assert (told["view"], told["name"], told["type"]) == ("v", "conversation.json", "application/json")
    assert json.loads(told["file"]) == widget.chat.messages


def test_what_all_answers_have_used_is_told_also_of_those_that_were_regenerated(widget: Watched) -> None:
    before = widget.of("total")[-1]
    widget.hear("regenerate", id=1)
    widget.wait()
    assert widget.of("total")[-1] != before
    widget.sent.clear()
    widget.hear("hello", view="v")
    (told,) = widget.of("total")
    assert (told["used"], told["title"]) == ("22 tokens · $0.75", "19 tokens in · 3 tokens out · $0.75")


def test_hostile_words_are_text_in_the_file(gateway: str, tmp_path: Path) -> None:
    widget = Watched("test/echo/stream")
    run(widget, "\x1b[31m \u202e words")
    text = widget.export(tmp_path / "a.md").read_text("utf-8")
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_a_box_goes_on_with_a_chat_and_its_arguments(gateway: str) -> None:
    chat = fal.chat(CHAT, model="a/model", system="Be brief.", temperature=0.5)
    chat("I am Ada.")
    widget = Watched(chat=chat)
    assert (widget.endpoint, widget.system, len(widget.results)) == (CHAT, "Be brief.", 1)
    run(widget, "Who am I?")
    sent = endpoints.received[-1]
    assert (sent["model"], sent["temperature"]) == ("a/model", 0.5)
    assert len(chat) == 5
    assert widget.chat is chat
    widget.hear("hello")
    (stored,) = (message for message in widget.of("entry") if message["id"] == 1)
    assert "0.00 s" not in stored["html"]  # of the stored answer, of whose request nothing is known


def test_a_chat_and_messages_are_one_too_many() -> None:
    with pytest.raises(InvalidRequest, match="not both"):
        Watched(chat=fal.chat(CHAT), messages=[{"role": "user", "content": "x"}])
