"""A real IPython shell with the extension, connected to the tests' gateway."""

from collections.abc import Iterator

import pytest
from IPython.core.interactiveshell import InteractiveShell


@pytest.fixture
def shell(gateway: str) -> Iterator[InteractiveShell]:
    running = InteractiveShell.instance()
    running.user_ns.clear()
    running.run_line_magic("load_ext", "fal_notebook")
    yield running
    running.run_line_magic("unload_ext", "fal_notebook")
    InteractiveShell.clear_instance()
