import pytest
from hypothesis import given
from hypothesis import strategies as st

from fal_notebook.errors import InvalidRequest
from fal_notebook.magic.line import as_typed, split_line


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("  fal-ai/any-llm   model=m ", ["fal-ai/any-llm", "model=m"]),
        ('prompt="two words" -o x', ["prompt=two words", "-o", "x"]),
        ("prompt='two words'", ["prompt=two words"]),
        ("""prompt="it's" x='say "a"'""", ["prompt=it's", 'x=say "a"']),
        ('prompt=""', ["prompt="]),
        ("a=1\tb=2\r\n", ["a=1", "b=2"]),
        ("colour=#ff0000 # no comment", ["colour=#ff0000", "#", "no", "comment"]),
        ('x={{ d["a b"] }} y=1', ['x={{ d["a b"] }}', "y=1"]),
        ('x={{ "it\'s" }}', ['x={{ "it\'s" }}']),
        ('x="{{ d["a b"] }} and"', ['x={{ d["a b"] }} and']),
        (r'x="{{ d[\"a b\"] }} and"', ['x={{ d["a b"] }} and']),
        ("x={{n}} y={{n}} z={{ n + 1 }}", ["x={{n}}", "y={{n}}", "z={{ n + 1 }}"]),
        ("x={{ {'a': {'b': 1}} }} y", ["x={{ {'a': {'b': 1}} }}", "y"]),
        ("größe=1 🎈=2", ["größe=1", "🎈=2"]),
        ("a=1; b=2 ;", ["a=1;", "b=2", ";"]),
        ("--save \"my file.png\" --out='x'", ["--save", "my file.png", "--out=x"]),
        ('--save="my file.png"', ["--save=my file.png"]),
    ],
)
def test_a_line_is_split_at_spaces_outside_of_quotes_and_expressions(text: str, words: list[str]) -> None:
    assert split_line(text) == words


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (r'system="say \"hi\""', 'system=say "hi"'),
        (r"system='it\'s'", "system=it's"),
        (r"""system='say "hi"'""", 'system=say "hi"'),
        (r"""system='say \"hi\"'""", r"system=say \"hi\""),
        (r"""system="it\'s" """, r"system=it\'s"),
        (r'x="\\"a"', r"x=\"a"),
        ("key='it''s'", "key=its"),
        ("key=\"a b\"'c d'", "key=a bc d"),
        ('key=a"b c"d', "key=ab cd"),
        ("'key=two words'", "key=two words"),
        ('"key"=1', "key=1"),
        ("key='a'b'c'", "key=abc"),
    ],
)
def test_a_quotation_mark_within_quotes_of_its_kind_is_written_with_a_backslash(text: str, word: str) -> None:
    assert split_line(text) == [word]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (r"path=C:\new\table", r"path=C:\new\table"),
        (r"path='C:\my files\a'", r"path=C:\my files\a"),
        (r'path="C:\my files"\ ', "path=C:\\my files\\"),
        (r"path=\\host\share\ ", "path=\\\\host\\share\\"),
        (r're="\d+\.\w \\"', None),
        (r're="\d+ \."', r"re=\d+ \."),
        (r"re=^\s*\\$", r"re=^\s*\\$"),
        (r'f="\frac{a}{b} \n"', r"f=\frac{a}{b} \n"),
        (r"f=\alpha\{x\}", r"f=\alpha\{x\}"),
    ],
)
def test_a_backslash_is_a_letter_elsewhere(text: str, word: str | None) -> None:
    if word is None:
        with pytest.raises(InvalidRequest, match="a last backslash stands behind"):
            split_line(text)
    else:
        assert split_line(text) == [word]


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("prompt=it's", "prompt=it's"),
        ('prompt="x y', 'prompt="x y'),
        ("x={{n}} y='", "y='"),
        (r'x="C:\my files\" y=1', r'x="C:\my files\" y=1'),
        (r"say=\"hi\"", r"say=\"hi\""),
        ("prompt=it's all that's left", "prompt=it's all that's left"),
        ("prompt=rock'n'roll", "prompt=rock'n'roll"),
    ],
)
def test_a_quotation_mark_without_its_partner_is_told(text: str, typed: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        split_line(text)
    assert caught.value.message == f"a quotation mark in the line has no partner: {typed}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('stop:=["a", "b"] -o x', ['stop:=["a", "b"]', "-o", "x"]),
        ('x:="two words" y=1', ['x:="two words"', "y=1"]),
        ("""x:='{"a": "b c"}' y=1""", ['x:={"a": "b c"}', "y=1"]),
        ('x:=[{{ d["a ]"] }}, "b ]"] y=1', ['x:=[{{ d["a ]"] }}, "b ]"]', "y=1"]),
        ('x:=["{{ d["a b"] }} c"] y=1', ['x:=["{{ d["a b"] }} c"]', "y=1"]),
        ('x:=["{{"," # "] y:="}}" z=1', ['x:=["{{"," # "]', 'y:="}}"', "z=1"]),
        ("x:= [1, 2]", ["x:=", "[1,", "2]"]),
        ("url=https://x?a=b&c:=[d e", ["url=https://x?a=b&c:=[d", "e"]),
    ],
)
def test_the_json_behind_a_name_is_one_word_with_its_own_quotes(text: str, words: list[str]) -> None:
    assert split_line(text) == words


def test_a_word_is_known_as_it_was_typed() -> None:
    typed = ['"a b"', "x='1 2'", 'y:=["a"]', "z", r'w="\""']
    assert [as_typed(word) for word in split_line(" ".join(typed))] == typed
    assert as_typed("plain") == "plain"


@given(st.lists(st.text(st.characters(exclude_characters="{}[]'\" \t\r\n"), min_size=1)))
def test_words_without_quotes_come_back(words: list[str]) -> None:
    assert split_line(" ".join(words)) == words


TEXT = st.text(st.sampled_from("ab =:\\'\"\t;{}[]é🎈") | st.characters(exclude_characters="\r\n")).filter(
    lambda text: "{{" not in text
)


@given(st.lists(st.tuples(TEXT, st.sampled_from("'\""))))
def test_any_text_in_quotes_comes_back(texts: list[tuple[str, str]]) -> None:
    def quoted(text: str, mark: str) -> str:
        inside = text.rstrip("\\")
        return f"x={mark}{inside.replace(mark, chr(92) + mark)}{mark}{text[len(inside) :]}"

    assert split_line(" ".join(quoted(*each) for each in texts)) == [f"x={text}" for text, _ in texts]
