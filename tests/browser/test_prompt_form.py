"""The prompt widget's form from the endpoint's schema, and files with a prompt, in a real page."""

import base64
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, FilePayload, Locator, expect

from fal_notebook.local.gateway import HTTPOverWebSocket
from fal_notebook.local.server import LocalServer

from .. import endpoints
from ..prompt import studio
from .lab import Notebook, Server, notebook
from .test_accessibility import serious
from .test_prompt_arguments import sent
from .test_prompt_widget import ask, box, button, widget

CELLS = [
    f"a = PromptWidget({studio.PICTURE!r}, {{'seed': 7, 'image_url': 'https://x.test/cat.png'}}); a",
    f"b = PromptWidget({studio.TALK!r}, {{'model': 'small'}}); b",
    f"c = PromptWidget({studio.PICTURE!r}); c",
    f"d = PromptWidget({studio.OTHER!r}, {{'extra': 1}}); d",
]
DATA_URI = f"data:image/png;base64,{base64.b64encode(endpoints.PNG).decode()}"
DROP = """
([element, kind, name, type, base64]) => {
  const bytes = Uint8Array.from(atob(base64), each => each.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name, { type }));
  const about = { bubbles: true, cancelable: true };
  const event = kind === "paste" ? new ClipboardEvent(kind, { ...about, clipboardData: data })
    : new DragEvent(kind, { ...about, dataTransfer: data });
  return !element.dispatchEvent(event);
}
"""


@pytest.fixture(scope="module")
def page(browser: Browser, lab: Server) -> Iterator[Notebook]:
    with LocalServer(HTTPOverWebSocket(studio.create_app())) as server:
        setup = (
            f"%env FAL_NOTEBOOK_URL={server.url}\n%env FAL_NOTEBOOK_SCHEMAS=on\nfrom fal_notebook import PromptWidget"
        )
        with notebook(browser, lab, [setup, *CELLS], "form.ipynb") as opened:
            opened.run(0)
            yield opened


def form(page: Notebook, cell: int) -> Locator:
    """The widget of a cell, with its form open."""
    shown = widget(page, cell)
    expect(shown.locator(".fal-argument").first).to_be_attached()
    if shown.locator(".fal-arguments[open]").count() == 0:
        shown.locator(".fal-arguments > summary").click()
    return shown


def field(shown: Locator, name: str) -> Locator:
    """The control of an argument. The mark of a required one is not for screen readers."""
    return shown.get_by_label(name, exact=True).or_(shown.get_by_role("textbox", name=name, exact=True)).first


def row_of(control: Locator) -> Locator:
    """The whole field of a control."""
    return control.locator("xpath=ancestor::div[contains(@class, 'fal-argument')][1]")


def give(shown: Locator, element: Locator, kind: str, name: str, data: bytes, content_type: str) -> None:
    """Paste or drop a file."""
    handle = element.element_handle()
    assert shown.page.evaluate(DROP, [handle, kind, name, content_type, base64.b64encode(data).decode()])


def test_each_argument_has_a_control_of_its_kind_and_only_what_was_changed_is_sent(page: Notebook) -> None:
    shown = form(page, 1)
    given = {"seed": 7, "image_url": "https://x.test/cat.png"}
    names = shown.locator(".fal-given > .fal-argument > .fal-label").all_inner_texts()
    assert names == [
        "num_images", "image_size", "guidance_scale", "seed", "image_url*", "loras", "tiled", "style", "mask",
    ]  # fmt: skip
    assert sent(shown, "as it is") == given
    slider = field(shown, "num_images, slider")
    slider.focus()
    slider.press("ArrowRight")
    expect(field(shown, "num_images")).to_have_value("2")
    field(shown, "image_size").select_option("square")
    field(shown, "guidance_scale").fill("2.50")
    field(shown, "tiled").check()
    field(shown, "loras").fill('[{"path": "p"}]')
    field(shown, "name").fill("ink")
    field(shown, "is_strict").check()
    expect(shown.locator(".fal-arguments > summary")).to_have_text("Arguments (8)")
    changed = {
        **given,
        "num_images": 2,
        "image_size": "square",
        "guidance_scale": 2.5,
        "loras": [{"path": "p"}],
        "tiled": True,
        "style": {"name": "ink", "is_strict": True},
    }
    assert sent(shown, "changed") == changed
    field(shown, "image_size").select_option("own")
    field(shown, "width").fill("640")
    for name in ("num_images", "loras", "name", "guidance_scale", "seed"):
        field(shown, name).fill("")
    field(shown, "tiled").uncheck()
    field(shown, "is_strict").uncheck()
    assert sent(shown, "back") == {"image_url": given["image_url"], "image_size": {"width": 640}}


def test_a_problem_stands_beside_its_field_and_what_is_certain_to_fail_is_not_sent(page: Notebook) -> None:
    shown = form(page, 1)
    number = field(shown, "num_images")
    number.fill("9")
    beside = row_of(number).locator(".fal-problem")
    expect(beside).to_have_text("num_images is 9, and has to be at most 4")
    expect(number).to_have_attribute("aria-invalid", "true")
    assert str(beside.get_attribute("id")) in (number.get_attribute("aria-describedby") or "")
    assert sent(shown, "doubtful, and sent")["num_images"] == 9
    count = len(endpoints.authorizations)
    number.fill("many")
    ask(shown, "not sent")
    expect(shown.locator(".fal-compose + .fal-problem")).to_contain_text("num_images is 'many'")
    expect(number).to_be_focused()
    expect(box(shown)).to_have_value("not sent")
    assert len(endpoints.authorizations) == count
    number.fill("")
    expect(beside).to_be_hidden()
    box(shown).fill("")


def test_what_an_argument_means_is_there_for_pointer_and_screen_reader(page: Notebook) -> None:
    shown = form(page, 1)
    tiled = field(shown, "tiled")
    expect(tiled).to_have_accessible_description("Whether its edges fit together.")
    expect(row_of(tiled)).to_have_attribute("title", "Whether its edges fit together.")
    expect(field(shown, "image_url")).to_have_attribute("aria-required", "true")


def test_another_endpoint_brings_its_own_form_and_what_no_schema_has_can_be_added(page: Notebook) -> None:
    shown = form(page, 4)
    expect(field(shown, "voice")).to_be_visible()
    row = shown.locator(".fal-row")
    expect(row.get_by_label("Argument name")).to_have_value("extra")
    expect(row.locator(".fal-problem")).to_have_text("extra is no argument of this endpoint")
    field(shown, "voice").select_option("bass")
    assert sent(shown, "x") == {"extra": 1, "voice": "bass"}
    field(shown, "Endpoint").fill("test/echo/stream")
    field(shown, "Endpoint").press("Tab")
    expect(shown.locator(".fal-argument")).to_have_count(0)
    expect(shown.locator(".fal-row")).to_have_count(2)
    assert sent(shown, "y") == {"extra": 1, "voice": "bass"}


def test_a_form_that_arrives_late_moves_nothing_that_someone_is_typing_in(page: Notebook) -> None:
    studio.may_tell.clear()
    shown = widget(page, 3)
    try:
        shown.locator(".fal-arguments > summary").click()
        button(shown, "Add argument").click()
        name = shown.get_by_label("Argument name")
        name.press_sequentially("se")
        before = name.bounding_box()
    finally:
        studio.may_tell.set()
    name.press_sequentially("ed")
    page.page.wait_for_timeout(800)  # what is not to move
    expect(name).to_be_focused()
    assert name.bounding_box() == before
    name.press("Tab")
    shown.get_by_label("Kind of value").select_option("json")
    shown.get_by_label("Value", exact=True).fill("3")
    box(shown).click()
    expect(field(shown, "seed")).to_have_value("3")
    expect(shown.locator(".fal-row")).to_have_count(0)


def test_files_come_by_button_paste_and_drop_and_are_parts_of_a_message(page: Notebook) -> None:
    shown = form(page, 2)
    with page.page.expect_file_chooser() as chooser:
        button(shown, "Attach files").click()
    chooser.value.set_files(FilePayload(name="one.png", mimeType="image/png", buffer=endpoints.PNG))
    chips = shown.locator(".fal-chip")
    expect(chips).to_have_count(1)
    expect(chips.locator("img")).to_have_js_property("naturalWidth", 1)
    expect(box(shown)).to_be_focused()
    give(shown, box(shown), "paste", "two.png", endpoints.PNG, "image/png")
    large = bytes(range(256)) * 6_000  # more than one message takes
    give(shown, shown.locator(".fal-log, .fal-compose").last, "drop", "three.bin", large, "application/octet-stream")
    expect(chips).to_have_count(3)
    expect(chips.last).to_contain_text("three.bin")
    expect(chips.last).to_contain_text("1.5 MB")
    button(shown, "Remove two.png").click()
    expect(chips).to_have_count(2)
    ask(shown, "what is it?")
    expect(shown.locator(".fal-entry[data-end=done]")).to_contain_text("It has 3 parts.")
    words, picture, other = endpoints.received[-1]["messages"][-1]["content"]
    assert words == {"type": "text", "text": "what is it?"}
    assert picture == {"type": "image_url", "image_url": {"url": DATA_URI}}
    assert base64.b64decode(other["file"]["file_data"].partition(",")[2]) == large
    expect(chips).to_have_count(0)
    expect(shown.locator(".fal-asked img")).to_have_js_property("naturalWidth", 1)
    expect(shown.locator(".fal-asked img")).to_have_attribute("alt", "one.png")
    expect(shown.locator(".fal-asked")).to_contain_text("three.bin · 1.5 MB")
    page.page.wait_for_function(
        "wanted => JSON.stringify(jupyterapp.shell.currentWidget.content.widgets[2].model.outputs.toJSON())"
        ".includes(wanted)",
        arg=f'<img src=\\"{DATA_URI}',
    )


def test_a_file_goes_where_the_schema_has_a_place_for_it(page: Notebook) -> None:
    shown = form(page, 3)
    give(shown, box(shown), "paste", "cat.png", endpoints.PNG, "image/png")
    expect(shown.locator(".fal-chip")).to_contain_text("image_url")
    give(shown, box(shown), "paste", "song.wav", b"RIFF\0\0\0\0WAVEfmt ", "audio/wav")
    expect(shown.locator(".fal-compose + .fal-problem")).to_contain_text("takes no audio")
    expect(shown.locator(".fal-chip")).to_have_count(1)
    give(shown, field(shown, "mask"), "drop", "mask.png", endpoints.PNG, "image/png")
    expect(shown.locator(".fal-file:visible")).to_contain_text("mask.png")
    assert sent(shown, "x") == {"seed": 3, "image_url": DATA_URI, "mask": DATA_URI}
    button(shown, "Remove file of mask").click()
    expect(field(shown, "mask")).to_be_focused()
    field(shown, "image_url").fill("https://x.test/dog.png")
    assert sent(shown, "y") == {"seed": 3, "image_url": "https://x.test/dog.png"}


def test_axe_finds_nothing_serious_in_an_open_form_with_problems_files_and_a_list_of_choices(page: Notebook) -> None:
    shown = form(page, 2)
    field(shown, "temperature").fill("9")
    give(shown, box(shown), "paste", "one.png", endpoints.PNG, "image/png")
    expect(shown.locator(".fal-argument .fal-problem:visible")).to_have_count(1)
    expect(shown.locator(".fal-chip")).to_have_count(1)
    shown.get_by_label("Model").click()
    expect(shown.locator(".fal-choice").first).to_be_visible()
    found = serious(page, shown)
    button(shown, "Remove one.png").click()
    assert found + serious(page, form(page, 1)) == []


def test_files_that_wait_are_there_in_a_further_view(page: Notebook) -> None:
    give(page.output(2), box(page.output(2)), "paste", "kept.png", endpoints.PNG, "image/png")
    expect(page.output(2).locator(".fal-chip")).to_have_count(1)
    page.save()
    page.open()
    shown = page.output(2).locator(".fal-root")
    expect(shown.locator(".fal-chip")).to_contain_text("kept.png")
    expect(shown.locator(".fal-chip img")).to_have_js_property("naturalWidth", 1)


def test_the_page_has_no_errors_of_ours(page: Notebook) -> None:
    assert [each for each in page.errors if "fal" in each.lower()] == []
