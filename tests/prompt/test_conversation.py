"""The conversation: the messages that each change sends to the page, in order and only while the lock is held."""

import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest

from fal_notebook.client.result import Result
from fal_notebook.client.streaming import Stream
from fal_notebook.errors import InvalidRequest
from fal_notebook.prompt.conversation import Conversation
from fal_notebook.prompt.entry import Entry
from fal_notebook.prompt.page_messages import Message
from fal_notebook.prompt.running_answer import RunningAnswer
from fal_notebook.response.updates import Text


class Page:
    """Collects the messages to the page, and checks that the lock is held for each."""

    model_id = "w"

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.told: list[Message] = []
        self.conversation = Conversation(self, self.lock)

    def send(self, content: Message, buffers: list[bytes] | None = None) -> None:
        assert self._is_locked()
        self.told.append(content)

    def _is_locked(self) -> bool:
        """Whether another thread would have to wait for the lock."""
        taken: list[bool] = []
        other = threading.Thread(target=lambda: taken.append(self.lock.acquire(blocking=False)))
        other.start()
        other.join()
        return taken == [False]

    def kinds(self) -> list[str]:
        kinds = [message["kind"] for message in self.told]
        self.told.clear()
        return kinds


def request() -> Stream:
    facts: dict[str, Any] = {"endpoint": "a/b", "is_done": False, "bytes": 0, "elapsed": 0.1}
    facts["so_far"] = lambda: Result("a/b")
    return cast(Stream, SimpleNamespace(**facts, transfer=None, first_byte_after=None, request_id=None))


def ask(conversation: Conversation, prompt: str = "ask") -> RunningAnswer:
    running = conversation.ask(" a/b ", {}, prompt, request)
    conversation.open(running.entry, play=False)
    return running


def end(conversation: Conversation, entry: Entry, **result: Any) -> None:
    conversation.end(entry, Result("a/b", **result))
    conversation.show_end(entry, Result("a/b", **result))
    conversation.keep_answer(entry)


def answered(conversation: Conversation, prompt: str = "ask") -> Entry:
    entry = ask(conversation, prompt).entry
    end(conversation, entry, text="words")
    return entry


def test_an_answer_opens_grows_and_ends() -> None:
    page = Page()
    running = ask(page.conversation)
    assert running.entry.endpoint == "a/b"
    running.feed([Text("words", 0)])
    page.conversation.show(running)
    end(page.conversation, running.entry, text="words")
    assert page.kinds() == ["entry", "delta", "done", "kept"]
    assert [result.text for result in page.conversation.results] == ["words"]


def test_while_an_answer_streams_no_prompt_can_be_sent() -> None:
    conversation = Page().conversation
    first = answered(conversation)
    assert ask(conversation).entry is not first
    with pytest.raises(InvalidRequest, match="is streaming"):
        ask(conversation)
    assert len(conversation.entries) == 2


def test_a_request_that_cannot_be_made_adds_no_entry_and_uses_no_number() -> None:
    conversation = Page().conversation

    def refuse() -> Stream:
        raise InvalidRequest("no")

    with pytest.raises(InvalidRequest, match="no"):
        conversation.ask("a/b", {}, "ask", refuse)
    assert (conversation.entries, conversation.running) == ([], None)
    assert ask(conversation).entry.number == 1


def test_an_older_prompt_never_becomes_the_newest_even_if_later_ones_are_deleted() -> None:
    conversation = Page().conversation
    first, second = answered(conversation), answered(conversation)
    assert (conversation.is_newest(first.number), conversation.is_newest(second.number)) == (False, True)
    conversation.delete(second)
    assert not conversation.is_newest(first.number)
    assert (conversation.entry(first.number), conversation.entry(second.number)) == (first, None)


def test_an_answer_that_was_cleared_is_not_shown_any_more() -> None:
    page = Page()
    running = ask(page.conversation)
    page.kinds()
    page.conversation.clear()
    page.conversation.keep_nothing()
    running.feed([Text("late", 0)])
    page.conversation.show(running)
    end(page.conversation, running.entry, text="late")
    assert page.kinds() == ["cleared", "kept", "kept"]
    assert page.conversation.results == []
    page.conversation.show_transcript("v", [0])
    assert page.told[-1]["pieces"][0][1]["text/plain"] == ""


def test_a_view_that_opens_later_gets_everything_in_order_and_addressed_to_it() -> None:
    page = Page()
    answered(page.conversation)
    ask(page.conversation)
    page.kinds()
    page.conversation.show_all("v", {"kind": "form"}, {"kind": "state"})
    assert {message["view"] for message in page.told} == {"v"}
    assert page.kinds() == ["cleared", "entry", "entry", "form", "state", "kept"]


def test_the_transcript_follows_the_answers() -> None:
    page = Page()
    first, _ = answered(page.conversation, "one"), answered(page.conversation, "two")
    page.conversation.delete(first)
    page.conversation.keep_without(first)
    page.conversation.show_transcript("v", [0, "1", 99, None])
    told = page.told[-1]
    ((number, bundle),) = told["pieces"]
    assert (told["view"], number) == ("v", 0)
    assert bundle["text/plain"].startswith("Transcript (1 answer)\n\n> two\n")
    page.conversation.keep_nothing()
    page.conversation.show_transcript("v", [0])
    assert page.told[-1]["pieces"][0][1]["text/plain"] == ""


def test_the_status_of_the_newest_answer_does_not_repeat_the_endpoint() -> None:
    page = Page()
    answered(page.conversation)
    assert page.conversation.status == page.told[1]["status"]
    assert "request" not in page.conversation.status
    page.conversation.clear()
    assert page.conversation.status == ""
    answered(page.conversation)
    ask(page.conversation)
    assert page.conversation.status == ""
