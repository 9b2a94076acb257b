import random

from fal_notebook.local.queue_line import Line


def test_the_first_to_come_is_the_first_to_be_taken() -> None:
    line = Line()
    for name in ("a", "b", "c"):
        line.add(name)
    assert [line.position(name) for name in ("a", "b", "c")] == [0, 1, 2]
    assert [line.take() for _ in range(4)] == ["a", "b", "c", None]


def test_low_priority_waits_for_all_others() -> None:
    line = Line()
    line.add("low", low=True)
    line.add("normal")
    assert line.position("low") == 1
    assert [line.take(), line.take()] == ["normal", "low"]


def test_what_was_removed_is_not_ahead_of_anything() -> None:
    line = Line()
    for name in ("a", "b", "c"):
        line.add(name)
    assert line.remove("a")
    assert not line.remove("a")
    assert line.position("c") == 1
    assert [line.take(), line.take(), line.take()] == ["b", "c", None]


def test_positions_are_those_of_a_plain_list_whatever_happens() -> None:
    chance = random.Random(5)  # noqa: S311  # it plays
    line, plain = Line(), list[str]()
    for number in range(3000):
        move = chance.random()
        if move < 0.5:
            line.add(str(number))
            plain.append(str(number))
        elif move < 0.8:
            assert line.take() == (plain.pop(0) if plain else None)
        elif plain:
            name = chance.choice(plain)
            plain.remove(name)
            assert line.remove(name)
        if plain:
            name = chance.choice(plain)
            assert line.position(name) == plain.index(name)
        assert len(line) == len(plain)
