"""The static transcript: complete at every moment, and cheap to extend."""

import random
import re
from collections import Counter

from fal_notebook.client.result import Result
from fal_notebook.prompt.entry import Entry
from fal_notebook.prompt.transcript import PIECES, Transcript


class Saved:
    """A transcript as it is stored in a notebook, piece by piece."""

    def __init__(self) -> None:
        self.transcript = Transcript("name")
        self.html = [""] * PIECES
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
