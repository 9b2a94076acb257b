"""Measures what schemas add: the check before a request is sent, and Tab, with nothing in memory and with everything.

Each round is a process of its own, whose disk has the document of an endpoint with 40 arguments and a list of 1,400
endpoints, so that no network is measured. The baseline of the check is the same call with the check switched off; that
of Tab is what IPython itself offers.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from fal_notebook.client import schema_disk
from fal_notebook.schema.endpoint_summary import EndpointSummary, stored
from fal_notebook.wire.schema_addresses import schema_address

from ..schema.documents import fal_document
from .rows import OURS, Row

ROUNDS = 5
ENDPOINT = "studio/picture"
ENDPOINTS = 1_400
ARGUMENTS = 40
_CODE = """
import json, statistics, sys, time

from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

import fal_notebook as fal

endpoint, way = sys.argv[1:]
arguments = {"prompt": "x" * 10_000, "number3": 3, "choice4": "two", "tempo": 1}
told = {}


def seconds(work):
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def middle(work, rounds):
    return statistics.median(seconds(work) for _ in range(rounds))


if way == "check":
    session = fal.session()  # what a request needs anyway
    from fal_notebook.client.argument_check import doubts_of

    def check(how="warn"):
        return doubts_of(endpoint, [arguments], how)

    told["first"] = seconds(check)
    deadline = time.monotonic() + 20
    while not check() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert check() == ["tempo is no argument of this endpoint"]
    told["warm"] = middle(check, 300)
    told["off"] = middle(lambda: check("off"), 300)
else:
    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "fal_notebook")
    text = {"endpoints": "%falstream flux", "arguments": f"%falstream {endpoint} numb"}[way]

    def tab(text=text):
        with provisionalcompleter():
            return [each.text for each in shell.Completer.completions(text, len(text))]

    told["ipython first"] = seconds(lambda: tab("x = shel"))
    told["first"] = seconds(tab)
    assert len(tab()) > 10, tab()
    told["warm"] = middle(tab, 30)
    told["ipython"] = middle(lambda: tab("x = shel"), 10)
print(json.dumps(told))
"""


def _put_on_the_disk(folder: Path) -> None:
    """A document and a list of endpoints, as an earlier session leaves them."""
    members: dict[str, object] = {"prompt": {"type": "string"}}
    for number in range(0, ARGUMENTS, 2):
        members[f"number{number + 1}"] = {"type": "number", "minimum": 0, "maximum": 100, "default": 1}
        members[f"choice{number + 2}"] = {"type": "string", "enum": ["one", "two", "three"], "description": "x" * 300}
    document = json.dumps(fal_document(ENDPOINT, members, required=["prompt"])).encode()
    names = [f"fal-ai/{'flux' if number % 7 == 0 else 'model'}/{number}" for number in range(ENDPOINTS)]
    summaries = stored(EndpointSummary(each, "A title", "text-to-image", "x" * 200) for each in names)
    place = folder / "fal_notebook" / "schemas"
    place.mkdir(parents=True)
    for url, data in ((schema_address(ENDPOINT).url, document), ("endpoints", json.dumps(summaries).encode())):
        (place / schema_disk._name(url)).write_bytes(data)


def _round(way: str, folder: str) -> dict[str, float]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FAL_")}
    command = [sys.executable, "-c", _CODE, ENDPOINT, way]
    done = subprocess.run(
        command, env={**environment, "XDG_CACHE_HOME": folder}, capture_output=True, text=True, check=True
    )
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


def measure() -> list[Row]:
    """Rounds of the check, and of Tab on endpoints and on arguments."""
    with tempfile.TemporaryDirectory() as folder:
        _put_on_the_disk(Path(folder))
        rounds = [{way: _round(way, folder) for way in ("check", "endpoints", "arguments")} for _ in range(ROUNDS)]

    def values(way: str, which: str) -> tuple[float, ...]:
        return tuple(each[way][which] * 1000 for each in rounds)

    rows = [
        Row("check of a request, the schema in memory", OURS, "ms", values("check", "warm"), "≤ 1"),
        Row("check of a request, the schema in memory", "switched off", "ms", values("check", "off")),
        Row("check of a first request, which waits for no schema", OURS, "ms", values("check", "first"), "≤ 50"),
    ]
    for way, words in (("endpoints", f"endpoints, of {ENDPOINTS:,}"), ("arguments", f"arguments, of {ARGUMENTS}")):
        rows += [
            Row(f"Tab on {words}", OURS, "ms", values(way, "warm"), "≤ 50"),
            Row(f"Tab on {words}", "IPython, on a name", "ms", values(way, "ipython")),
            Row(f"a kernel's first Tab on {words}", OURS, "ms", values(way, "first"), "≤ 600"),
            Row(f"a kernel's first Tab on {words}", "IPython, on a name", "ms", values(way, "ipython first")),
        ]
    return rows
