"""A stored notebook that Jupyter does not trust, as if it had been downloaded."""

from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, expect

from .lab import Server, notebook

pytestmark = pytest.mark.front_end  # for what it takes

STORED = Path(__file__).parents[2] / "notebooks" / "prompt_widget.ipynb"


def test_prompts_still_differ_from_answers(browser: Browser, jupyter_server: Server) -> None:
    foreign = nbformat.read(STORED, as_version=4)
    foreign.cells[1].source += "  # from elsewhere"
    with notebook(browser, jupyter_server, ["1"], "untrusted.ipynb") as page:
        nbformat.write(foreign, page.path)
        page.open()
        prompts = page.output(1).locator("details > blockquote")
        expect(prompts).to_have_text(["What is a black hole? One sentence.", "Name three fruits."])
        # JupyterLab has removed the attribute, which proves that it does not trust the notebook.
        expect(page.output(1).locator("[data-fal-transcript]")).to_have_count(0)
        for prompt in prompts.all():
            expect(prompt).to_have_css("border-left", "3px solid rgb(33, 150, 243)")
            expect(prompt).to_have_css("white-space", "pre-wrap")
