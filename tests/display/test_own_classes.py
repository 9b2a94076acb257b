"""Words that grow have other classes than final answers, so that neither's stylesheet concerns the other."""

import re

from fal_notebook.display.own_classes import for_own_classes, with_own_classes
from fal_notebook.render.answer_style import answer_style
from fal_notebook.render.markdown import markdown_html

ANSWER = "# a\n\n- [ ] b\n\n```py\nx = 1\n```\n\n| a |\n|---|\n| $$x \\tag{1}$$ |\n"


def _classes(html: str) -> set[str]:
    return {name for names in re.findall(r'class="([^"]*)"', html) for name in names.split()}


def test_an_answer_and_its_sheet_get_the_same_other_classes() -> None:
    before, after = _classes(markdown_html(ANSWER)), _classes(with_own_classes(markdown_html(ANSWER)))
    assert {name.removeprefix("fal-now-") for name in after} == {name.removeprefix("fal-") for name in before}
    assert all(name.startswith("fal-now-") for name in after)
    assert len(after) > 5
    sheet = for_own_classes(answer_style())
    assert ".fal-now-code" in sheet
    assert not re.search(r"\.fal-(?!now-)", sheet)


def test_words_that_look_like_classes_stay() -> None:
    text = '`<p class="fal-code">` and <p class="fal-code"> or class="fal-code" or .fal-code'
    html = markdown_html(text)
    assert with_own_classes(html) == html
