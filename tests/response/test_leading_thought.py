"""Reasoning in tags at the start of a text is told apart from its words, wherever the text is cut."""

import json
import time
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fal_notebook.response.content import Content
from fal_notebook.response.leading_thought import divided
from fal_notebook.response.updates import Reasoning, Text, Update

ANSWERS = {
    "<think>Two and two.</think>Four.": ("Two and two.", "Four."),
    "\n <think>\n\nTwo and two.\n</think>\n\nFour.\n": ("Two and two.", "Four.\n"),
    "<thinking>Two\n\nand < two </thin></think> .</thinking> Four.": ("Two\n\nand < two </thin></think> .", "Four."),
    "<think>Two <think>and</think> two</think>": ("Two <think>and", "two</think>"),
    "<think>Two and two": ("Two and two", ""),
    "<think>Two and two \n": ("Two and two", ""),
    "<think>Two and two </thi": ("Two and two </thi", ""),
    "<think>\n\n</think>\n\nFour.": ("", "Four."),
    "<think>": ("", "<think>"),
    "<think> </think> ": ("", "<think> </think> "),
    "<thi": ("", "<thi"),
    " \n": ("", " \n"),
    "": ("", ""),
    "Use <think>…</think> for it.": ("", "Use <think>…</think> for it."),
    "`<think>` is a tag.": ("", "`<think>` is a tag."),
    "<think class='x'>a</think>": ("", "<think class='x'>a</think>"),
    "<thinker>a</thinker>": ("", "<thinker>a</thinker>"),
    "<Think>a</Think>": ("", "<Think>a</Think>"),
    "</think>a": ("", "</think>a"),
    " " * 1_200 + "<think>a</think>": ("", " " * 1_200 + "<think>a</think>"),
    " " * 993 + "<think>a</think>b": ("a", "b"),
    " " * 994 + "<think>a</think>b": ("", " " * 994 + "<think>a</think>b"),
}


def told(updates: Iterable[Update]) -> tuple[str, str]:
    """The reasoning and the words that updates add up to."""
    so_far = {Reasoning: "", Text: ""}
    for update in updates:
        if isinstance(update, Reasoning | Text):
            assert update.offset <= len(so_far[type(update)])
            so_far[type(update)] = so_far[type(update)][: update.offset] + update.new
    return so_far[Reasoning], so_far[Text]


def deltas(pieces: Sequence[str]) -> list[Any]:
    return [{"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces]


def snapshots(pieces: Sequence[str]) -> list[Any]:
    return [{"output": "".join(pieces[: end + 1]), "partial": True, "error": None} for end in range(len(pieces))]


def read(values: Iterable[Any]) -> tuple[Content, list[Update]]:
    """The content and the updates of events, each of which comes alone; what they add up to holds at each moment."""
    content = Content("text/event-stream")
    updates: list[Update] = []
    for value in values:
        updates += content.feed(f"data: {json.dumps(value)}\n\n".encode())
        assert told(updates) == (content.reasoning, content.text)
    return content, updates + content.finish()


@pytest.mark.parametrize(("text", "meant"), ANSWERS.items())
def test_a_text_is_divided_where_it_begins_with_the_tag(text: str, meant: tuple[str, str]) -> None:
    assert divided(text, is_over=True) == meant


@pytest.mark.parametrize("shape", [deltas, snapshots])
@pytest.mark.parametrize("length", [1, 2, 3, 7, 1_000])
@pytest.mark.parametrize(("text", "meant"), ANSWERS.items())
def test_updates_add_up_to_the_same_wherever_the_text_is_cut(
    text: str, meant: tuple[str, str], length: int, shape: Any
) -> None:
    if len(text) > 500 and length < 7:
        length = 7
    content, updates = read(shape([text[at : at + length] for at in range(0, len(text), length)]))
    if shape is deltas or text.strip():  # a blank snapshot is no news
        assert (content.reasoning, content.text) == told(updates) == meant


PIECES = st.lists(
    st.sampled_from(
        ("<", "think", "ing", ">", "</", "<think>", "</think>", "</thinking>", " ", "\n", "a", "Two", "é🎈")
    )
)


@given(PIECES)
def test_any_pieces_mean_what_the_whole_text_means(pieces: list[str]) -> None:
    content, updates = read(deltas(pieces))
    assert (content.reasoning, content.text) == told(updates) == divided("".join(pieces), is_over=True)


@given(st.lists(st.tuples(PIECES.map("".join), st.sampled_from(("", "own")))))
def test_a_text_that_is_rewritten_means_what_it_says_in_the_end(versions: list[tuple[str, str]]) -> None:
    """Each event has another text, and perhaps reasoning of its own."""
    values = [{"output": f"{text}!", "partial": True, "error": None, "reasoning": own} for text, own in versions]
    content = Content("text/event-stream")
    updates: list[Update] = []
    for value in values:
        updates += content.feed(f"data: {json.dumps(value)}\n\n".encode())
        assert told(updates) == (content.reasoning, content.text)
    updates += content.finish()
    assert told(updates) == (content.reasoning, content.text)


@given(st.lists(PIECES.map("".join), max_size=4))
def test_events_that_come_together_mean_what_they_mean_alone(texts: list[str]) -> None:
    body = b"".join(f"data: {json.dumps(value)}\n\n".encode() for value in [*snapshots(texts), *deltas(texts)])
    together, alone = Content("text/event-stream"), Content("text/event-stream")
    updates = [*together.feed(body), *together.finish()]
    assert told(updates) == (together.reasoning, together.text)
    one_by_one = [update for place in range(len(body)) for update in alone.feed(body[place : place + 1])]
    assert told([*one_by_one, *alone.finish()]) == told(updates)


def test_the_first_word_is_told_at_once_unless_a_tag_may_begin() -> None:
    content = Content("text/event-stream")
    body = [f"data: {json.dumps(value)}\n\n".encode() for value in deltas(["\n", "<", "b", "> Four", "."])]
    assert [told(content.feed(each)) for each in body[:2]] == [("", ""), ("", "")]
    assert content.feed(body[2]) == [Text("\n<b", 0)]
    assert content.feed(body[3]) == [Text("> Four", 3)]
    assert Content("text/event-stream").feed(b'data: {"output": "F"}\n\n') == [Text("F", 0)]


def test_words_of_an_endpoint_that_sends_the_reasoning_apart_are_not_divided() -> None:
    tagged = deltas(["<think>a", "</think>b"])
    own = {"choices": [{"index": 0, "delta": {"reasoning_content": "own"}}]}
    for values in ([own, *tagged], [tagged[0], own, tagged[1]], [*tagged, own]):
        content, updates = read(values)
        assert (content.reasoning, content.text) == told(updates) == ("own", "<think>a</think>b")


@pytest.mark.parametrize("label", ["text/plain", "text/markdown", "application/octet-stream", ""])
def test_plain_text_is_divided_and_json_too(label: str) -> None:
    content = Content(label)
    updates = [*content.feed(b"<think>Two and"), *content.feed(b" two</think>Four."), *content.finish()]
    if label:
        assert (content.reasoning, content.text) == told(updates) == ("Two and two", "Four.")
    content = Content("application/json")
    updates = [*content.feed(b'{"output": "<think>Two</think>Four."}'), *content.finish()]
    assert (content.reasoning, content.text) == told(updates) == ("Two", "Four.")


def test_a_document_of_another_format_is_not_divided() -> None:
    content = Content("application/xml")
    updates = [*content.feed(b"<think>Two</think>"), *content.finish()]
    assert (content.reasoning, content.text) == told(updates) == ("", "<think>Two</think>")


def test_each_of_several_choices_is_divided() -> None:
    content, updates = read(
        {"choices": [{"index": index, "delta": {"content": f"<think>{index}</thi"}} for index in (0, 1)]}
        if number == 0
        else {"choices": [{"index": index, "delta": {"content": f"nk>answer {index}"}} for index in (0, 1)]}
        for number in range(2)
    )
    assert [(choice.reasoning, choice.text) for choice in content.choices] == [("0", "answer 0"), ("1", "answer 1")]
    assert told(updates) == ("0", "answer 0")


def test_the_cost_of_long_reasoning_is_linear() -> None:
    def seconds(count: int) -> float:
        content = Content("text/event-stream")
        body = "".join(f"data: {json.dumps(value)}\n\n" for value in deltas(["<think>", *[" < a \n"] * count]))
        pieces = [body[at : at + 100].encode() for at in range(0, len(body), 100)]
        began = time.process_time()
        for piece in pieces:
            content.feed(piece)
        return time.process_time() - began

    seconds(100)
    assert seconds(16_000) < 12 * max(seconds(4_000), 0.01)
