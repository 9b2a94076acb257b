"""Words that grow in a real page: in the end they are the whole text, and what stood before stays where it stood.

The pages are blank, with only the script and the style of the words.
"""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from fal_notebook.display.growing_words import GROWING_SCRIPT, GrowingWords
from fal_notebook.render.answer_style import answer_style
from fal_notebook.response.updates import Text

from ..render.test_growing_markdown import PLAIN_BLOCKS, REAL
from ..render.test_markdown import FORMULAS, HTML, QUOTED
from .test_hostile_answers import EVIL, HOSTILE

STYLE = f"{answer_style()} body {{ font: 14px sans-serif; width: 700px }} .fal-goes-on > p {{ margin: 0 }}"
BEGIN = """() => {
  document.body.innerHTML = '<div class="fal-answer"><div id="words"></div></div>';
  window.typeset = [];
  window.words = new GrowingWords(document.getElementById("words"), (node) => {
    typeset.push(node.textContent);
    node.innerHTML = node.innerHTML.replace(/\\\\\\((.*?)\\\\\\)/g, "<b>$1</b>");
  });
}"""
END = """html => {
  const {element} = words;
  const before = [...element.querySelectorAll("*")];
  const height = element.getBoundingClientRect().height;
  words.end(html);
  const whole = document.createElement("div");
  whole.append(...nodesOf(html));
  return {
    is: element.innerHTML, shouldBe: whole.innerHTML,
    grew: element.getBoundingClientRect().height - height,
    stayed: before.filter(each => element.contains(each)).length, stood: before.length,
  };
}"""
CODE = "```py\n" + "".join(f"    line = {number}\n" for number in range(300)) + "```\n"
TABLE = "| a | b |\n|---|---|\n" + "".join(f"| row {number} | words |\n" for number in range(200))
LIST = "".join(f"{number}. item **{number}**\n" for number in range(1, 30))
FOLD = "<details>\n<summary>More</summary>\n\nFolded *words*.\n\n</details>\n"
ANSWER = f"# Words\n\nA paragraph of *some* words.\n\n{LIST}\n{CODE}\nMore `words`.\n\n{TABLE}\n> Quote.\n\n{FOLD}\nEnd"


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page()
    opened.set_content(f"<!DOCTYPE html><style>{STYLE}</style>")
    opened.add_script_tag(content=GROWING_SCRIPT.read_text(encoding="utf-8"))
    yield opened
    opened.close()


@pytest.fixture
def sized(page: Page) -> Page:
    page.evaluate(BEGIN)
    return page


def grow(page: Page, text: str, size: int, words: GrowingWords | None = None, start: int = 0) -> GrowingWords:
    """Let the page show a text, or what replaces it from a place on, in pieces."""
    words = words or GrowingWords()
    messages = []
    for at in range(0, len(text), size):
        words.feed(Text(text[at : at + size], start + at))
        messages.append(words.take())
    page.evaluate("messages => messages.forEach(each => each && words.update(each))", messages)
    return words


def end(page: Page, words: GrowingWords) -> dict[str, Any]:
    last = words.take(last=True)
    if last is not None:
        page.evaluate("message => words.update(message)", last)
    ended: dict[str, Any] = page.evaluate(END, words.html())
    return ended


def documents() -> list[str]:
    choose = random.Random(15)  # noqa: S311 - the same in each run, and no secret
    made = ["".join(choose.choices(PLAIN_BLOCKS, k=choose.randint(1, 12))) for _ in range(60)]
    return [*made, *(text[:8_000] for text in REAL), ANSWER]


def has_no_long_paragraph(text: str) -> bool:
    """Whether no paragraph is too long to be read again with each word: such a one is formatted when it has ended."""
    return not any(len(block) > 1_000 and block[0].isalpha() for block in text[:12_000].split("\n\n") if block)


def test_in_the_end_it_is_the_html_of_the_whole_text(page: Page) -> None:
    for text in documents():
        page.evaluate(BEGIN)
        ended = end(page, grow(page, text, 37))
        assert ended["is"] == ended["shouldBe"], text


@pytest.mark.parametrize("size", [5, 60, 900])
def test_at_the_end_nothing_that_stands_is_made_anew_or_moves(sized: Page, size: int) -> None:
    ended = end(sized, grow(sized, ANSWER, size))
    assert ended["stayed"] == ended["stood"]
    assert ended["grew"] == 0


@pytest.mark.parametrize("text", [text for text in REAL if has_no_long_paragraph(text)], ids=lambda text: text[:20])
def test_the_end_of_a_real_document_changes_its_height_by_less_than_a_line(sized: Page, text: str) -> None:
    ended = end(sized, grow(sized, text[:12_000], 41))
    assert abs(ended["grew"]) < 20


def test_a_selection_stays_while_words_come_behind_it_and_at_the_end(sized: Page) -> None:
    half = ANSWER.index("line = 150")
    words = grow(sized, ANSWER[:half], 60)
    sized.evaluate("""() => {
      const [first, last] = [words.element.querySelector("li strong").firstChild, words.element.lastElementChild];
      const code = last.querySelector("code");
      getSelection().setBaseAndExtent(first, 0, code, code.childNodes.length - 1);
    }""")
    selected = sized.evaluate("getSelection().toString()")
    assert selected.startswith("1")
    assert len(selected) > 1_000
    grow(sized, ANSWER[half:], 60, words, half)
    assert sized.evaluate("getSelection().toString()") == selected
    end(sized, words)
    assert sized.evaluate("getSelection().toString()") == selected


def test_a_selection_in_the_paragraph_that_grows_stays(sized: Page) -> None:
    words = grow(sized, "Some words and **bold** ones", 5)
    sized.evaluate("getSelection().selectAllChildren(words.element.querySelector('strong'))")
    grow(sized, " and more.\n\nNext.", 3, words, len("Some words and **bold** ones"))
    assert sized.evaluate("getSelection().toString()") == "bold"


def test_items_rows_and_lines_of_code_are_in_one_list_table_and_frame_while_they_come(sized: Page) -> None:
    grow(sized, ANSWER, 60)
    counts = sized.evaluate("['ol', 'table', 'pre', 'li', 'tr'].map(each => document.querySelectorAll(each).length)")
    assert counts == [1, 1, 1, 29, 201]


@pytest.mark.parametrize("text", [LIST, "- a\n- b\n- c\n", TABLE])
def test_what_follows_in_the_tail_stands_behind_the_whole(sized: Page, text: str) -> None:
    words = grow(sized, f"{text}\nThe last words", 7)
    before = sized.evaluate("words.element.innerHTML")
    sized.evaluate("message => words.update(message)", words.take(last=True))
    assert sized.evaluate("words.element.innerHTML") == before


@pytest.mark.parametrize("size", [1, 8, 90])
def test_a_fold_stays_as_a_reader_has_left_it(sized: Page, size: int) -> None:
    words = grow(sized, f"Words\n\n{FOLD[:40]}", size)
    assert sized.evaluate("document.querySelector('details').open") is False
    sized.evaluate("document.querySelector('details').open = true")
    grow(sized, f"{FOLD[40:]}\nThe end.", size, words, len("Words\n\n") + 40)
    end(sized, words)
    assert sized.evaluate("document.querySelector('details').innerText.split(/\\s+/)") == ["More", "Folded", "words."]


def test_code_that_is_open_is_monospaced(sized: Page) -> None:
    grow(sized, "Words\n\n```py\nx = 1", 4)
    assert "monospace" in sized.evaluate("getComputedStyle(document.querySelector('code')).fontFamily")


def test_text_that_is_replaced_leaves_nothing_and_keeps_what_is_before_it(sized: Page) -> None:
    words = grow(sized, "# a\n\nb\n\n- c\n- d\n", 200)
    sized.evaluate("document.querySelector('h1').mark = 1")
    grow(sized, "- e\n\nf", 200, words, len("# a\n\nb\n\n- c\n"))
    assert sized.evaluate("[words.element.innerText.split(/\\s+/).join(' '), document.querySelector('h1').mark]") == [
        "a b c e f",
        1,
    ]
    ended = end(sized, words)
    assert ended["is"] == ended["shouldBe"]


def test_a_page_that_opens_in_mid_answer_shows_the_same(sized: Page) -> None:
    words = grow(sized, ANSWER[:3_000], 60)
    shown = sized.evaluate("words.element.innerHTML")
    sized.evaluate(BEGIN)
    sized.evaluate("message => words.update(message)", words.whole())
    assert sized.evaluate("words.element.innerHTML") == shown


def test_a_formula_is_typeset_once_its_block_is_finished_and_never_again(sized: Page) -> None:
    words = grow(sized, "Let $x$ be.\n\n- so $y$\n- and\n", 3)
    assert sized.evaluate("typeset") == ["Let \\(x\\) be.", "so \\(y\\)"]
    grow(sized, "- $z$.\n\nThen $w$.", 3, words, len("Let $x$ be.\n\n- so $y$\n- and\n"))
    sized.evaluate("getSelection().selectAllChildren(document.querySelector('p b'))")
    last = words.take(last=True)
    sized.evaluate("([message, html]) => { words.update(message); words.end(html); }", [last, words.html()])
    assert sized.evaluate("typeset") == ["Let \\(x\\) be.", "so \\(y\\)", "\\(z\\).", "Then \\(w\\)."]
    assert sized.evaluate("[getSelection().toString(), document.querySelectorAll('b').length]") == ["x", 4]


@pytest.mark.parametrize(
    "text",
    [FOLD.replace("words", "$x$\n\n| a |\n|---|\n| b |\n"), "> $x$\n>\n> | a |\n> |---|\n> | b |\n"],
)
def test_a_formula_beside_a_table_within_a_block_is_typeset(sized: Page, text: str) -> None:
    end(sized, grow(sized, text, 9))
    assert sized.evaluate("document.querySelector('#words b')?.textContent") == "x"


@pytest.mark.parametrize("word", ["word ", "1234 "])
def test_a_long_paragraph_is_laid_out_in_pieces_and_stays_so(sized: Page, word: str) -> None:
    ended = end(sized, grow(sized, word * 20_000, 2_000))
    assert ended["grew"] == 0
    assert ended["stayed"] == ended["stood"]
    assert sized.evaluate("[...document.querySelectorAll('p')].every(each => each.textContent.length < 40_000)")
    assert sized.locator("#words").inner_text().split() == [word.strip()] * 20_000


def test_nothing_hostile_acts_wherever_it_is_cut(sized: Page) -> None:
    asked: list[str] = []
    sized.on("request", lambda request: asked.append(request.url))
    for text in (HOSTILE, *HTML, *QUOTED, *(form.replace("%s", r"\href{javascript:owned=1}{x}") for form in FORMULAS)):
        for size in (1, 7) if len(text) < 1_000 else (7,):
            sized.evaluate(BEGIN)
            end(sized, grow(sized, text, size))
            assert (
                sized.evaluate("document.querySelectorAll('#words :is(script, img, iframe, svg, style)').length") == 0
            )
    assert sized.evaluate("window.owned ?? null") is None
    assert not [url for url in asked if EVIL in url]


def test_the_rest_of_an_answer_is_put_around_its_words_which_stay(sized: Page) -> None:
    grow(sized, "words", 5)
    put = sized.evaluate("""() => {
      getSelection().selectAllChildren(words.element);
      const html = `<div class="fal-answer"><p>a</p><div><p>b</p><fal-words></fal-words>c<p>d</p></div></div>
        <div class="fal-answer"><p>e</p></div>`;
      return surround(words.element, html).map(each => each.textContent);
    }""")
    assert put == ["b", "d", "a", "e"]
    assert sized.evaluate("document.body.innerText.split(/\\s+/).join(' ')") == "a b words c d e"
    assert sized.evaluate("getSelection().toString().trim()") == "words"
    assert sized.locator(".fal-answer").count() == 1


def test_an_answer_that_ends_with_other_words_replaces_those_that_have_streamed(sized: Page) -> None:
    grow(sized, "words", 5)
    html = '<div class="fal-answer"><p>others</p></div><p>end</p>'
    assert sized.evaluate("html => surround(words.element, html).length", html) == 2
    assert sized.locator(".fal-answer").inner_text().split() == ["others", "end"]
    assert sized.locator(".fal-answer").count() == 1
