"""The static transcript: complete at every moment, and cheap to extend."""

import random
import re
from collections import Counter

from fal_notebook.client.result import Result
from fal_notebook.prompt.entry import Entry
from fal_notebook.prompt.transcript import PIECES, Transcript


class Saved:
    """A transcript as it is stored in a notebook, piece by piece."""

    def __init__(self, *begun: Entry) -> None:
        self.transcript = Transcript("name")
        self.transcript.restore(begun)
        self.html = [""] * len(self.transcript.versions)
        self.written = 0

    def take(self, pieces: list[int], *wanted: Entry) -> None:
        """Write these pieces, and check after each that the wanted answers are in the notebook."""
        for piece in pieces:
            self.html[piece] = self.transcript.bundle(piece)["text/html"]
            self.written += len(self.html[piece])
            assert {each.prompt for each in wanted} <= set(self.prompts())

    def prompts(self) -> list[str]:
        return re.findall(r"<p\d+>", "".join(self.html).replace("&lt;", "<").replace("&gt;", ">"))


def entry(number: int, length: int) -> Entry:
    return Entry(number, "a/b", {}, f"<p{number}>", result=Result("a/b", text=f"{number} " + "words " * (length // 6)))


def test_every_answer_is_there_once_and_in_order_after_any_change() -> None:
    choice = random.Random(1)  # noqa: S311 - no secret
    for _ in range(5):
        saved, entries = Saved(), list[Entry]()
        for number in range(100):
            kind = choice.choices(["answer", "delete", "answer again", "clear"], [80, 15, 5, 1])[0]
            if kind == "answer":
                entries.append(entry(number, choice.choice([10, 1_000, 5_000])))
                saved.take(saved.transcript.add(entries[-1]), *entries[:-1])
            elif kind == "clear":
                entries.clear()
                saved.take(saved.transcript.clear())
            elif entries and kind == "delete":
                gone = entries.pop(choice.randrange(len(entries)))
                saved.take(saved.transcript.remove(gone), *entries)
            elif entries:
                saved.take(saved.transcript.add(choice.choice(entries)), *entries)
            assert saved.prompts() == [each.prompt for each in entries]


def test_a_new_answer_does_not_make_all_earlier_ones_be_written_again() -> None:
    for length, count, times in ((10, 200, 2), (1_000, 200, 4), (10_000, 200, 4), (10_000, 60, 3), (100_000, 20, 2)):
        saved = Saved()
        for number in range(count):
            saved.take(saved.transcript.add(entry(number, length)))
        assert saved.written < times * sum(map(len, saved.html)) + 6_000 * count, length


def test_pieces_that_change_have_a_new_version_and_the_others_keep_theirs() -> None:
    saved = Saved()
    seen: Counter[int] = Counter()
    for number in range(60):
        before = list(saved.transcript.versions)
        changed = saved.transcript.add(entry(number, 10_000))
        after = saved.transcript.versions
        assert changed == [piece for piece in range(PIECES) if after[piece] != before[piece]]
        assert all(after[piece] > max(before) for piece in changed)
        assert all(
            f'data-fal-version="{after[piece]}"' in saved.transcript.bundle(piece)["text/html"] for piece in changed
        )
        seen.update(changed)
    assert set(seen) == set(range(PIECES))


def test_a_long_conversation_begins_with_words_that_are_formatted_later() -> None:
    entries = [entry(number, 50) for number in range(97)]
    saved = Saved(*entries)
    saved.take(list(range(len(saved.html))))
    assert saved.prompts() == [each.prompt for each in entries]
    assert not [each for each in entries if "bundle" in each.__dict__]
    assert all(f"{number} words" in "".join(saved.html) for number in range(97))
    assert saved.transcript.unformatted == entries[::-1]
    saved.take(saved.transcript.add(entry(97, 50)), *entries)
    assert len(saved.transcript.unformatted) == 96  # its piece was written, and so is formatted


def test_formatting_and_changes_meanwhile_lose_no_answer() -> None:
    choice = random.Random(2)  # noqa: S311 - no secret
    for _ in range(5):
        entries = [entry(number, choice.choice([10, 1_000])) for number in range(choice.randrange(1, 90))]
        saved = Saved(*entries)
        saved.take(list(range(len(saved.html))))
        for number in range(100, 160):
            words_only = saved.transcript.with_words_only
            kind = choice.choices(["format", "answer", "delete", "answer again"], [30, 40, 20, 10])[0]
            if kind == "format" and words_only:
                saved.take(saved.transcript.format(words_only[0]), *entries)
            elif kind == "answer":
                entries.append(entry(number, choice.choice([10, 5_000])))
                saved.take(saved.transcript.add(entries[-1]), *entries[:-1])
            elif kind == "delete" and entries:
                gone = entries.pop(choice.randrange(len(entries)))
                saved.take(saved.transcript.remove(gone), *entries)
            elif entries:
                saved.take(saved.transcript.add(choice.choice(entries)), *entries)
            assert saved.prompts() == [each.prompt for each in entries]
        for number in saved.transcript.with_words_only:
            saved.take(saved.transcript.format(number), *entries)
        assert saved.prompts() == [each.prompt for each in entries]
        assert saved.transcript.unformatted == []


def test_an_answer_that_has_only_its_words_is_inert_and_folded_like_every_other() -> None:
    hostile = "<script>hacked</script> $$x$$ <img src=x onerror=hacked> \x1b[31m"
    made = [Entry(number, "a/b", {}, hostile, result=Result("a/b", text=hostile)) for number in range(20)]
    transcript = Transcript("name")
    transcript.restore(made)
    html = transcript.bundle(0)["text/html"]
    assert "<script" not in html
    assert "<img" not in html
    assert "\x1b" not in html
    assert html.startswith('<details data-fal-transcript="name" data-fal-piece="0" data-fal-version="1"><summary>')


def test_headings_of_answers_are_no_headings_of_the_notebook() -> None:
    saved = Saved(Entry(1, "a/b", {}, "x", result=Result("a/b", text="# One\n\n## Two\n\nwords")))
    saved.transcript.format(0)
    html = saved.transcript.bundle(0)["text/html"]
    assert re.findall(r"<h\d [^>]*>", html) == ['<h1 class="tocSkip" dir="auto">', '<h2 class="tocSkip" dir="auto">']
