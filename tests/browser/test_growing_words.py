"""Words that are formatted while they stream, in a real page: nothing that stands moves, and nothing flickers."""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from .lab import Notebook, Server, notebook
from .watch import WATCH

ROOT = Path(__file__).parents[2]
MIXED = """
## A heading

Some words of *introduction* that say what follows, with $x^2$.

- one
- two with `code`
- three

1. one

2. two

```python
for i in range(10):
    print(i)
```

| a | b |
|---|---|
| 1 | 2 |

> a quote

$$
E = mc^2
$$

"""
TEXTS = {
    "mixed": MIXED * 4,
    "code": "Some code:\n\n```python\n" + "print('a line of code', end=' ')  # and more\n" * 60 + "```\n\n",
    "a list": "".join(f"- item {number} of a list, with **some** words\n" for number in range(80)) + "\n",
    "a list apart": "".join(f"{number}. item of a list\n\n   and more\n\n" for number in range(40)),
    "a table": "| a | b | c |\n|---|---|---|\n" + "| one | two | `three` |\n" * 150 + "\n",
    "paragraphs": "The quick brown fox jumps over the lazy dog and **runs** away. " * 8 * 1 + "\n\n",
    "README": (ROOT / "README.md").read_text(encoding="utf-8"),
}
LAST = "The last words"
LINE = 20  # pixels
RATE = 400
CELLS = ["%load_ext fal_notebook"] + [
    "%%falstream test/paced/stream\n" + json.dumps({"text": f"{text}{LAST}", "rate": RATE * (3 if len(text) > 4000 else 1), "after": 2})
    for text in TEXTS.values()
]
# Notes how high the words are at each frame.
LOOK = """
cell => {
  const area = jupyterapp.shell.currentWidget.content.widgets[cell].outputArea.node;
  window.heights = [];
  window.whole = [];
  const look = () => {
    const parts = [...area.querySelectorAll('.fal-answer')].filter(each => each.getClientRects().length);
    if (area.isConnected && parts.length && area.querySelector('.fal-growing')) {
      const [first, last] = [parts[0], parts.at(-1)].map(each => each.getBoundingClientRect());
      heights.push(last.bottom - first.top);
    }
    whole.push(area.getBoundingClientRect().height);
    requestAnimationFrame(look);
  };
  look();
}
"""


@pytest.fixture(scope="module")
def page(browser: Browser, jupyter_server: Server) -> Iterator[Notebook]:
    with notebook(browser, jupyter_server, CELLS, "growing.ipynb", script=WATCH) as opened:
        opened.run(0)
        yield opened


@pytest.mark.parametrize("name", TEXTS)
def test_words_that_stream_are_as_high_as_in_the_end_and_never_jump(page: Notebook, name: str) -> None:
    cell = 1 + list(TEXTS).index(name)
    page.page.evaluate("watch.reset()")
    page.page.evaluate(LOOK, cell)
    page.start(cell)
    expect(page.output(cell).locator(".fal-live")).to_contain_text(LAST, timeout=30_000)
    page.page.wait_for_timeout(1000)  # formulas are typeset when a page finds time
    page.page.screenshot(path=f"/tmp/cell-shots/{name}-live.png")
    standing, box = page.page.evaluate("[heights.at(-1), whole.at(-1)]")
    page.wait(cell)
    tasks, times, size = page.page.evaluate("[watch.tasks, watch.messages, watch.bytes]")
    expect(page.output(cell).locator(".fal-growing")).to_have_count(0)
    page.page.wait_for_timeout(1000)
    page.page.screenshot(path=f"/tmp/cell-shots/{name}-end.png")
    height = page.output(cell).locator(".fal-answer").first.evaluate("each => each.getBoundingClientRect().height")
    heights, whole = page.page.evaluate("[heights, whole]")
    falls = max((before - after for before, after in pairwise(heights)), default=0)
    seconds = times[-1] - times[0]
    print(
        f"\n{name}: {standing:.1f} {height:.1f} falls {falls:.1f}; output {box:.1f} {whole[-1]:.1f} max {max(whole):.1f};"
        f" {len(times)} messages in {seconds:.1f} s: {len(times)/seconds:.1f}/s; {size:,} bytes of {len(TEXTS[name]):,}; tasks {[round(each) for each in tasks]}"
    )
    assert abs(standing - height) < LINE
    assert falls < LINE
