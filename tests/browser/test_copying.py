"""Copying from answers in a real page: buttons, the keyboard, and formulas as TeX."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, expect

from ..conftest import wait_until
from .lab import Notebook, Server, notebook

ANSWER = """# Title

Some **bold** words, `code`, a [link](https://fal.ai/x) and $a^2$.

1. one
2. two
   - inner

```python
x = "`"  # note
```

| a | b |
| --- | --: |
| 1 | 2 |

> quoted

<details>
<summary>More **words**</summary>

inner *words*

</details>

$$x^2$$"""
CELLS = [
    "%load_ext fal_notebook",
    f"%falstream test/echo/stream prompt:={json.dumps(ANSWER)}",
    "import fal_notebook; box = fal_notebook.PromptWidget('test/echo/stream'); box",
]
# What a page writes to the clipboard, whether it may or not.
CLIPBOARD = """
window.copied = [];
Object.defineProperty(navigator, "clipboard", { value: { writeText: async (text) => { window.copied.push(text); } } });
"""


@pytest.fixture(scope="module")
def page(browser: Browser, lab: Server) -> Iterator[Notebook]:
    with notebook(browser, lab, CELLS, "copying.ipynb", CLIPBOARD) as opened:
        for cell in range(len(CELLS)):
            opened.run(cell)
        expect(opened.output(1).locator("mjx-container")).to_have_count(2)
        yield opened


def copied(page: Notebook) -> str:
    wait_until(lambda: page.page.evaluate("window.copied.length") > 0)
    text: str = page.page.evaluate("window.copied.splice(0).at(-1)")
    return text


def button(page: Notebook, name: str) -> Locator:
    return page.output(1).get_by_role("button", name=name)


def test_an_answer_is_copied_as_its_markdown(page: Notebook) -> None:
    page.output(1).locator("h1").hover()
    button(page, "Copy answer").click()
    assert copied(page) == ANSWER
    expect(button(page, "Copy answer")).to_have_text("Copied")
    expect(button(page, "Copy answer")).to_have_text("Copy")


def test_a_block_of_code_is_copied_alone(page: Notebook) -> None:
    page.output(1).locator(".fal-code").hover()
    button(page, "Copy code").click()
    assert copied(page) == 'x = "`"  # note\n'


def test_the_buttons_are_reached_by_the_keyboard(page: Notebook) -> None:
    page.output(1).locator(".fal-answer a").focus()
    for _ in range(2):  # JupyterLab lets the code itself take the focus, too
        page.page.keyboard.press("Tab")
    expect(button(page, "Copy code")).to_be_focused()
    page.page.keyboard.press("Enter")
    assert copied(page).startswith("x =")
    expect(button(page, "Copy code")).to_be_focused()


def test_a_selection_is_copied_with_its_formulas_as_tex(page: Notebook) -> None:
    text = page.page.evaluate(
        """words => {
          const range = document.createRange();
          range.selectNodeContents(words);
          getSelection().removeAllRanges();
          getSelection().addRange(range);
          const options = { clipboardData: new DataTransfer(), bubbles: true, cancelable: true };
          const event = new ClipboardEvent("copy", options);
          words.dispatchEvent(event);
          getSelection().removeAllRanges();
          return event.clipboardData.getData("text/plain");
        }""",
        page.output(1).locator(".fal-answer p").first.element_handle(),
    )
    assert text.strip() == "Some bold words, code, a link and $a^2$."


def test_it_is_installed_once_and_nothing_of_it_is_saved(page: Notebook) -> None:
    page.output(1).locator("h1").hover()
    expect(button(page, "Copy answer")).to_have_count(1)
    assert "fal-copy" not in json.dumps(page.save())
