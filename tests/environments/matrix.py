"""The environments that people have: which packages are installed in each, and which tests run there."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build" / "environments"
CLIENT = (
    *("wire/test_websocket", "wire/test_connection", "wire/test_proxy", "test_faults"),
    *("client/test_sessions", "client/test_streaming", "client/test_pipeline"),
)
KERNEL = (
    *("magic/test_completion", "magic/test_magics", "test_kernel", "test_ipykernels", "client/test_interrupts"),
    *("prompt/test_widget", "prompt/test_widget_kernel", "render/test_markdown", "render/test_lossless_markdown"),
    *(f"display/test_{name}" for name in ("control_channel", "columns", "live_widgets", "stop_button")),
    *("client/test_streaming", "wire/test_connection", "test_faults"),
)
WHOLE = tuple(
    dict.fromkeys(
        (
            *(*CLIENT, *KERNEL, "test_kernel_faults", "test_terminal", "test_notebook_tools"),
            *("display/test_live", "display/test_player", "display/test_front_end"),
            *("render/test_bundles", "media/test_media"),
            *("client/test_catalogue", "client/test_uploads", "client/test_queue"),
        )
    )
)


@dataclass(frozen=True)
class Environment:
    """A virtual environment and the tests to run in it.

    Attributes:
        name: the name of its row and of its folder.
        python: its version of Python.
        pins: the packages that are installed before ours, as lines of a requirements file.
        resolution: which versions of our dependencies are chosen, as uv names it.
        extras: the extras of our package that are installed.
        tests: the test files, as paths within the folder of tests, without their suffix.
        page: a test file with a browser that is run instead, on the present Python; the Jupyter server runs in here.
        anywhere: whether the present Python may be used if this version is not installed.
    """

    name: str
    python: str
    pins: tuple[str, ...] = ()
    resolution: str = "highest"
    extras: tuple[str, ...] = ()
    tests: tuple[str, ...] = KERNEL
    page: str = ""
    anywhere: bool = False

    @property
    def folder(self) -> Path:
        return BUILD / self.name

    @property
    def interpreter(self) -> Path:
        return self.folder / "bin" / "python"


def _pins(name: str) -> tuple[str, ...]:
    lines = Path(__file__).with_name(f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return tuple(line for line in lines if not line.startswith("#"))


# Its page cannot show the Output widgets of widgetsnbextension 3.6.7 to 3.6.10, whichever package makes them.
NOTEBOOK6 = Environment(
    "notebook-6.5.7",
    "3.12",
    tuple(re.sub("^(widgetsnbextension)==.*", r"\1==3.6.6", pin) for pin in _pins("colab")),
    page="notebook6",
    anywhere=True,
)
# The slowest come first. Colab's environment and the lowest have websockets 15.0.1, the newest has the newest.
ENVIRONMENTS = (
    Environment("colab-3.12", "3.12", _pins("colab"), tests=WHOLE, anywhere=True),
    Environment("lowest", "3.11", resolution="lowest-direct", extras=("lab", "local"), tests=WHOLE),
    NOTEBOOK6,
    Environment("colab-3.13", "3.13", _pins("colab")),
    Environment("databricks", "3.12", _pins("databricks"), anywhere=True),
    Environment("newest-3.12", "3.12"),
    Environment("newest-3.13", "3.13"),
    Environment("newest-3.14", "3.14"),
    *(
        Environment(f"websockets-{version}", "3.11", (f"websockets=={version}",), tests=CLIENT, anywhere=True)
        for version in ("16.1", "17.0.1", "17.2")
    ),
)
