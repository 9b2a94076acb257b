"""The driver of the browser tests shuts down a notebook's kernel with it, and no other kernel."""

import json
import urllib.request

from playwright.sync_api import Browser

from .lab import Server, notebook


def _kernels(server: Server) -> int:
    with urllib.request.urlopen(f"{server.url}/api/kernels") as answer:
        return len(json.load(answer))


def test_the_kernel_of_a_notebook_ends_with_it_and_others_go_on(browser: Browser, jupyter_server: Server) -> None:
    before = _kernels(jupyter_server)
    with notebook(browser, jupyter_server, ["1"], "outer.ipynb"):
        with notebook(browser, jupyter_server, ["1"], "inner.ipynb"):
            assert _kernels(jupyter_server) == before + 2
        assert _kernels(jupyter_server) == before + 1
    assert _kernels(jupyter_server) == before
