"""Nothing in a hostile answer runs or is loaded in a real, trusted page, where the same text unprotected does both."""

import base64
import json
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
FILES = [
    {"url": "javascript:window.owned='file'", "content_type": "image/png"},
    {"url": "data:text/html,<script>window.owned='page'</script>", "content_type": "image/png"},
    {"url": "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='window.owned=1'/>"},
    {"url": 'http://127.0.0.1:9/x"onerror="window.owned=\'url\'".png', "file_name": HOSTILE, "content_type": HOSTILE},
]
FAILURE = {"detail": [{"loc": ["body", HOSTILE], "msg": HOSTILE, "type": HOSTILE}]}
BROKEN = b"\xff\xc3 <script>window.owned = 'bytes'</script> \xe2\x82 the last words"
DEEP = "> " * 2000 + "- " * 500 + "[" * 2000 + "*" * 2000 + "_" * 500 + "<b>" * 500 + "\n\nthe last words"
EVENTS = [{"progress": 0.5, "message": HOSTILE}, {"output": HOSTILE, "reasoning": HOSTILE, "partial": True}]
CELLS = [
    f"%load_ext fal_notebook\nhostile = {{'prompt': {HOSTILE!r}}}\ndeep = {{'prompt': {DEEP!r}}}",
    "%falstream test/echo/stream --input hostile",
    "%falstream test/echo/stream --input hostile -f text",
    "%falstream test/echo/stream --input hostile -f json",
    "%falstream test/echo/stream --input hostile --models a,b",
    "%falstream test/echo/stream --input hostile -b",
    "%falstream test/body content_type=text/plain text={{hostile['prompt']}}",
    "_fal",
    f"%falstream test/body content_type=text/plain base64={base64.b64encode(BROKEN).decode()}",
    "%falstream test/echo/stream --input deep",
    "%falstream test/body content_type=text/plain text={{'<b>words</b>' * 83_000 + ' the last words'}}",
    f"files = {json.dumps({'images': FILES, 'output': 'the last words'})!r}\n"
    "%falstream test/body content_type=application/json text={{files}}",
    "%falstream test/failing status:=422 body:={{{'detail': hostile['prompt']}}}",
    f"failure = {FAILURE!r}\n%falstream test/failing status:=422 body:={{{{failure}}}}",
    f"events = {EVENTS!r}\n%falstream test/held/stream prompt=x events:={{{{events}}}}",
    "from IPython.display import Markdown\nMarkdown(hostile['prompt'])",
]
OUTSIDE = """output => [...output.querySelectorAll('.jp-OutputArea-output *')]
  .filter(each => ['fixed', 'sticky'].includes(getComputedStyle(each).position))
  .map(each => each.outerHTML)"""
WHOLE = range(1, 12)
FAILED = (12, 13)
HELD = 14
PRINTED = ("data:",)
"""The scheme of links that JupyterLab itself makes in printed text; browsers open no page from them."""
PROOF = len(CELLS) - 1
# What is our own is left out: the style of answers, that and the inputs of pictures, that of the text of a
# streaming answer, and that of a transcript's output without answers.
LIVING = (
    ".jp-RenderedHTMLCommon :is(script, iframe, form, svg, img[src*=evil],"
    " input:not(:is(.fal-pictures, .fal-card, .fal-native) input),"
    " style:not(.fal-style, :has(+ .fal-pictures, + [class^=fal-still-])):not([data-fal-transcript] > *))"
)


@pytest.fixture(scope="module")
def page(browser: Browser, jupyter_server: Server) -> Iterator[Notebook]:
    with notebook(browser, jupyter_server, CELLS, "hostile.ipynb") as opened:
        opened.run(0)
        yield opened


def test_nothing_runs_and_nothing_is_fetched_and_the_same_words_elsewhere_do_both(page: Notebook) -> None:
    fetched: list[str] = []
    page.page.on("request", lambda request: fetched.append(request.url) if EVIL in request.url else None)
    for cell in WHOLE:
        page.start(cell)
        page.wait(cell)
        expect(page.output(cell)).to_contain_text("the last words")
        _check_inert(page, cell)
    for cell in FAILED:
        page.start(cell)
        page.wait(cell)
        expect(page.output(cell)).to_contain_text("ValidationFailed: 422")
        _check_inert(page, cell)
    page.start(HELD)
    expect(page.output(HELD)).to_contain_text("the last words")
    _check_inert(page, HELD, *PRINTED)
    page.command("notebook:interrupt-kernel")
    expect(page.output(HELD)).to_contain_text("KeyboardInterrupt")
    _check_inert(page, HELD)
    assert page.page.evaluate("() => window.owned") is None
    assert fetched == []
    page.run(PROOF)
    page.page.wait_for_function("() => window.owned")
    assert fetched


def _check_inert(page: Notebook, cell: int, *schemes: str) -> None:
    """Check that nothing in an output can run, that all links have known schemes, and that nothing covers the page."""
    output = page.output(cell)
    for link in output.locator("a").all():
        if link.get_attribute("download") is not None:  # a link of our own, which a page saves and never opens
            assert (link.get_attribute("href") or "").startswith("data:application/octet-stream;base64,")
            continue
        # An anchor without an address is JupyterLab's own, for paths in an error's text.
        assert (link.get_attribute("href") or "https://").startswith(("http://", "https://", "mailto:", *schemes))
    assert output.locator(LIVING).evaluate_all("found => found.map(each => each.outerHTML)") == []
    assert output.evaluate(OUTSIDE) == []
