"""Hostile answers in a real, trusted page: nothing runs, nothing is fetched. The same words elsewhere do both."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from .lab import Notebook, Server, notebook

EVIL = "http://127.0.0.1:9/evil"
HOSTILE = f"""
<script>window.owned = 'script'</script>

<img src="{EVIL}.png" onerror="window.owned = 'onerror'">

<iframe src="javascript:parent.owned = 'iframe'"></iframe>

<svg onload="window.owned = 'svg'"><script>window.owned = 'svg script'</script></svg>

<details open ontoggle="window.owned = 'toggle'"><summary>x</summary></details>

<style>body {{ background: url({EVIL}.css) }} .jp-Notebook {{ display: none !important }}</style>

<div style="position:fixed;inset:0;background:url({EVIL}-div.png)">over everything</div>

![picture]({EVIL}-markdown.png) [script](javascript:window.owned='link') [data](data:text/html,<script>1</script>)

<a href="javascript:window.owned = 'a'">a</a>

<form action="{EVIL}"><input name=x autofocus onfocus="window.owned = 'focus'">

$\\href{{javascript:window.owned='tex'}}{{x}}$

\\\\(\\href{{javascript:window.owned='tex'}}{{x}}\\\\) $$\\style{{color:red}}{{x}}$$

\x1b]0;title\x07 \x1b[31mred \u202egnol\u202c

the last words
"""
CELLS = [
    f"%load_ext fal_notebook\nhostile = {{'prompt': {HOSTILE!r}}}",
    "%falstream test/echo/stream --input hostile",
    "%falstream test/echo/stream --input hostile -f text",
    "%falstream test/echo/stream --input hostile -f json",
    "%falstream test/echo/stream --input hostile --models a,b",
    "%falstream test/echo/stream --input hostile -b",
    "%falstream test/failing status:=422 body:={{{'detail': hostile['prompt']}}}",
    "%falstream test/body content_type=text/plain text={{hostile['prompt']}}",
    "_fal",
    "from IPython.display import Markdown\nMarkdown(hostile['prompt'])",
]
LIVING = ".jp-RenderedHTMLCommon :is(script, iframe, form, style, input, svg, img[src*=evil])"
PROOF = len(CELLS) - 1


@pytest.fixture(scope="module")
def page(browser: Browser, jupyter_server: Server) -> Iterator[Notebook]:
    with notebook(browser, jupyter_server, CELLS, "hostile.ipynb") as opened:
        opened.run(0)
        yield opened


def test_nothing_runs_and_nothing_is_fetched_and_the_same_words_elsewhere_do_both(page: Notebook) -> None:
    fetched: list[str] = []
    page.page.on("request", lambda request: fetched.append(request.url) if EVIL in request.url else None)
    for cell in range(1, PROOF):
        page.start(cell)
        page.wait(cell)
        if cell != 6:
            expect(page.output(cell)).to_contain_text("the last words")
        for link in page.output(cell).locator("a").all():
            # An anchor without an address is JupyterLab's own, for paths in an error's text.
            assert (link.get_attribute("href") or "https://").startswith(("http://", "https://", "mailto:"))
        living = page.output(cell).locator(LIVING).evaluate_all("found => found.map(each => each.outerHTML)")
        assert living == []
    assert page.page.evaluate("() => window.owned") is None
    assert fetched == []
    page.run(PROOF)
    page.page.wait_for_function("() => window.owned")
    assert fetched
