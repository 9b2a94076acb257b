"""The name that a server gives a file decides nothing but the words before the extension."""

import mimetypes
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fal_notebook.client.result import Result
from fal_notebook.magic.saving import save_result
from fal_notebook.media.media import Media
from fal_notebook.safety.file_names import file_extension, file_name

RUN = re.findall(
    r"\S+",
    """
    app applescript bash bat bin-sh c cfg class cmd com conf config cpl css csh dll dylib exe fish
    gadget hta htm html inf ini ipynb jar js jse jsp ksh lnk lua m4 mjs msc msi msp pb php pl plist pm
    profile ps1 psm1 pth py pyc pyd pyi pyo pyw pyx pyz r rb reg scr sct service sh shtml so sql swf tcl
    toml ts url vb vbe vbs wasm webloc wsf wsh xhtml xht xsl yaml yml zsh
    """,
)
"""Endings of what is run, or tells a program what to run."""
HOSTILE = [
    *(f"torch.{each}" for each in RUN),
    *(f"x.png.{each}" for each in RUN),
    *("torch.py", "conftest.py", "sitecustomize.py", "__init__.py", "usercustomize.pyc", "x.png.exe", "x.PY", "x.py "),
    *(".bashrc", ".profile", ".env", ".gitconfig", ".netrc", ".ssh", "Makefile", "Dockerfile", "desktop.ini"),
    *("CON", "con.png", "PRN.txt", "AUX", "NUL", "nul .png", "COM1", "com9.png", "LPT1.x.png", "com\u00b9", "CONIN$"),
    *("index.html", "autorun.inf", "package.json", "CMakeLists.txt", "requirements.txt", "-rf", "--help", "~", "~/x"),
    *(
        "x\u202egnp.exe",
        "x\u2066.py",
        "x\x00.py",
        "x\n.py",
        "x\r",
        "x\x1b[2J",
        "x\ud800.py",
        "\ufeffx.py",
        "x\u200b.py",
    ),
    *(
        "",
        " ",
        ".",
        "..",
        "...",
        ". .",
        "x. . .",
        "x.py.",
        "x.py...",
        "a/../b.py",
        "..\\..\\x.py",
        "C:x.py",
        "x.png:y.py",
    ),
    *(
        "x.png::$DATA",
        "x|y",
        "x?",
        "*",
        "$(id)",
        "`id`",
        "%PATH%",
        "a;b",
        "a&b",
        "字" * 300,
        "🙂" * 90,
        "e\u0301" * 200,
    ),
]
TYPES = [
    *(
        "image/png",
        "image/jpeg",
        "image/svg+xml",
        "audio/wav",
        "audio/mpeg",
        "video/mp4",
        "application/json",
        "text/html",
    ),
    *("text/x-python", "text/javascript", "application/javascript", "application/x-sh", "application/x-msdownload"),
    *("application/octet-stream", "application/x-python-code", "application/java-archive", "text/css", "text/plain"),
    *("application/x-httpd-php", "application/wasm", "application/x-shellscript", "application/xhtml+xml", "x/y"),
]


def is_tame(name: str) -> bool:
    first, last = name.partition(".")[0].rstrip(" "), name.rpartition(".")[2]
    return (
        name.isprintable()
        and not name.startswith((".", "-", "~", " "))
        and not name.endswith((".", " "))
        and not set(name) & set('/\\<>:"|?*$%`;&')
        and len(name.encode()) <= 255 - len("-99999")
        and last.lower() not in RUN
        and first.lower() not in ("con", "prn", "aux", "nul", "com1", "com9", "lpt1", "com\u00b9", "conin$")
    )


@pytest.mark.parametrize("content_type", TYPES)
def test_a_hostile_name_is_tame_when_saved(content_type: str, tmp_path: Path) -> None:
    for said in HOSTILE:
        saved = Media(content_type, b"x", file_name=said).save(tmp_path)
        assert is_tame(saved.name), (said, saved.name)
        assert saved.parent == tmp_path
        assert saved.suffix == file_extension(content_type)


def test_every_type_that_is_known_here_has_an_ending_that_nothing_runs() -> None:
    known = {each for types in (mimetypes.types_map, mimetypes.common_types) for each in types.values()}
    assert {each: file_extension(each) for each in known | set(TYPES) if file_extension(each).lstrip(".") in RUN} == {}


@given(st.text(), st.sampled_from(TYPES))
def test_any_name_becomes_a_tame_one_with_the_types_ending(said: str, content_type: str) -> None:
    name = file_name(said, content_type)
    assert is_tame(name)
    assert name.endswith(file_extension(content_type))
    assert unicodedata.is_normalized("NFC", name)


@pytest.mark.parametrize("said", ["cat.png", "v1.5 of a cat.png", "猫.png", "Größe 2.png", "a-b_c (1).png"])
def test_a_plain_name_stays_what_it_was(said: str) -> None:
    assert file_name(said, "image/png") == said


def test_a_model_of_no_type_keeps_the_ending_that_the_server_gave() -> None:
    assert file_name("shoe.glb", "application/octet-stream") == "shoe.glb"
    assert file_name("shoe.glb", "image/png") == "shoe.png"


def test_several_files_of_long_names_are_all_saved(tmp_path: Path) -> None:
    media = [Media("image/png", bytes([number]), file_name="字" * 200 + ".py") for number in range(12)]
    save_result(Result("a/b", media=media), str(tmp_path))
    assert sorted(path.read_bytes()[0] for path in tmp_path.iterdir()) == list(range(12))
    assert {path.suffix for path in tmp_path.iterdir()} == {".png"}


def test_a_picture_called_a_module_is_not_imported(tmp_path: Path) -> None:
    code = b"print('ran')"
    for name in ("colorsys.py", "sitecustomize.py", "colorsys.pyc", "colorsys/__init__.py", "x.pth"):
        Media("image/png", code, file_name=name).save(tmp_path)
    run = subprocess.run(
        [sys.executable, "-c", "import colorsys"], cwd=tmp_path, capture_output=True, check=True, text=True
    )
    assert run.stdout == ""


def test_the_users_own_path_stays_what_it_is(tmp_path: Path) -> None:
    assert Media("image/png", b"x", file_name="y.png").save(tmp_path / "own.py") == tmp_path / "own.py"
    assert Media("image/png", b"x", file_name="y.png").save(tmp_path / ".hidden.x") == tmp_path / ".hidden.x"
