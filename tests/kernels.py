"""A real kernel in a process of its own, driven in the way of a front end."""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TextIO

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

SECONDS = 60
OLDER_IPYKERNELS = ("6.31.0", "7.1.0", "7.3.0")
"""The versions on which tests run besides the installed one."""
IPYKERNEL = version("ipykernel")


@dataclass
class Execution:
    """One executed cell: all messages that it caused, and the outputs that a front end would keep."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    outputs: list[dict[str, Any]] = field(default_factory=list)
    reply: dict[str, Any] = field(default_factory=dict)
    _by_display_id: dict[str, dict[str, Any]] = field(default_factory=dict)
    _captured: bool = False

    @property
    def status(self) -> str:
        return str(self.reply["status"])

    @property
    def error(self) -> str:
        """The traceback that the front end shows, without its colours."""
        lines = (line for each in self.outputs if each["type"] == "error" for line in each["traceback"])
        return re.sub(r"\x1b\[[\d;]*m", "", "\n".join(lines))

    @property
    def printed(self) -> str:
        """The text that was printed into the cell, outside of any widget."""
        return "".join(each["text"] for each in self.outputs if each["type"] == "stream")

    @property
    def plain(self) -> str:
        """The text/plain of everything that was displayed."""
        return "\n".join(each["data"]["text/plain"] for each in self.outputs if "data" in each)

    def types(self) -> list[set[str]]:
        """The MIME types of each output; Markdown, which only ever stands beside HTML, is left out."""
        types = [set(each["data"]) for each in self.outputs if "data" in each]
        assert all("text/html" in each for each in types if "text/markdown" in each)
        return [each - {"text/markdown"} for each in types]

    def take(self, message: dict[str, Any]) -> None:
        """Record a message, and update the outputs as a front end with Output widgets does."""
        self.messages.append(message)
        kind, content = message["header"]["msg_type"], message["content"]
        if kind == "comm_msg" and "msg_id" in content["data"].get("state", {}):
            self._captured = bool(content["data"]["state"]["msg_id"])
        elif kind in ("display_data", "execute_result", "stream", "error") and not self._captured:
            output = {"type": kind, **content}
            self.outputs.append(output)
            if display_id := content.get("transient", {}).get("display_id"):
                self._by_display_id[display_id] = output
        elif kind == "update_display_data":
            shown = self._by_display_id.get(content["transient"]["display_id"])
            if shown is not None:  # if it is None, the output is one of an earlier cell
                shown["data"] = content["data"]


class Kernel:
    """A running kernel and its client, with or without a history of the cells."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient, *, keeps_history: bool = True) -> None:
        self.manager, self.client, self.keeps_history = manager, client, keeps_history
        self.displayed: dict[str, dict[str, Any]] = {}
        """The present content of every output with a display id, whichever cell ran when it changed."""

    def send(self, code: str, *, stop_on_error: bool = True) -> str:
        """Queue a cell as a notebook page does, with the cell's id, and return the id of the request."""
        content = {
            "code": code,
            "silent": False,
            "store_history": self.keeps_history,
            "user_expressions": {},
            "allow_stdin": True,
            "stop_on_error": stop_on_error,
        }
        request = self.client.session.msg("execute_request", content, metadata={"cellId": "cell"})
        self.client.shell_channel.send(request)
        return str(request["header"]["msg_id"])

    def read(self, request: str, until: str | None = None) -> Execution:
        """The messages of a queued cell, up to its end, or to the first that contains the text ``until``."""
        execution = Execution()
        self._read_on(request, execution, until)
        return execution

    def read_on(self, request: str, execution: Execution) -> Execution:
        """The rest of a cell's messages."""
        self._read_on(request, execution, None)
        return execution

    def run(self, code: str) -> Execution:
        return self.read(self.send(code, stop_on_error=False))

    def run_interrupted(self, code: str, after: str) -> Execution:
        """Run a cell, and interrupt it when its output has this text."""
        request = self.send(code, stop_on_error=False)
        execution = self.read(request, until=after)
        self.interrupt()
        return self.read_on(request, execution)

    def value(self, expression: str) -> str:
        """The ``repr`` of an expression in the kernel."""
        execution = self.run(f"print(repr(({expression})))")
        assert execution.status == "ok", execution.error
        return execution.printed.strip()

    def interrupt(self) -> None:
        self.manager.interrupt_kernel()

    def restart(self, *, now: bool) -> None:
        """Restart the kernel as the page's button does; with ``now``, kill the old process without waiting for it."""
        self.manager.restart_kernel(now=now)
        self.load()

    def load(self) -> None:
        """Wait until the kernel runs, and load the extension."""
        self.client.wait_for_ready(timeout=SECONDS)
        assert self.run("%load_ext fal_notebook").status == "ok"

    def _read_on(self, request: str, execution: Execution, until: str | None) -> None:
        while True:
            message = self.client.get_iopub_msg(timeout=SECONDS)
            self._note(message)
            if message["parent_header"].get("msg_id") != request:
                continue
            if message["header"]["msg_type"] == "status":
                if message["content"]["execution_state"] == "idle":
                    execution.reply = self._reply(request)
                    return
                continue
            execution.take(message)
            if until is not None and until in str(message["content"]):
                return

    def wait_for(self, *words: str) -> str:
        """Wait until an output with a display id shows all these words, and return its text/plain."""
        while True:
            for data in self.displayed.values():
                if all(each in data["text/plain"] for each in words):
                    return str(data["text/plain"])
            self._note(self.client.get_iopub_msg(timeout=SECONDS))

    def _note(self, message: dict[str, Any]) -> None:
        display_id = message["content"].get("transient", {}).get("display_id")
        if display_id:
            self.displayed[display_id] = message["content"]["data"]

    def _reply(self, request: str) -> dict[str, Any]:
        while True:
            message = self.client.get_shell_msg(timeout=SECONDS)
            if message["parent_header"].get("msg_id") == request:
                content: dict[str, Any] = message["content"]
                return content


@contextmanager
def kernel(
    environment: Mapping[str, str], stderr: int | TextIO | None = None, cwd: Path | None = None
) -> Iterator[Kernel]:
    """A kernel with the extension loaded.

    Args:
        environment: environment variables besides those of the tests.
        stderr: where the standard error of the process goes.
        cwd: the folder in which the kernel starts; None for that of the tests.
    """
    with TemporaryDirectory() as folder:
        # Kernels that start at the same time would choose the same names for their sockets.
        manager = KernelManager(transport="ipc", ip=f"{folder}/kernel")
        manager.start_kernel(env={**os.environ, **environment}, stderr=stderr, cwd=cwd)
        client = manager.blocking_client()
        client.start_channels()
        try:
            running = Kernel(manager, client)
            running.load()
            yield running
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
            manager.cleanup_resources()


def ipykernel(wanted: str) -> dict[str, str]:
    """The environment variables with which a kernel, or the kernels of a Jupyter server, use this ipykernel version."""
    if wanted == IPYKERNEL:
        return {}
    folder = Path(sys.prefix) / f"ipykernel-{wanted.removesuffix('.0')}"
    assert (folder / "ipykernel").is_dir(), f"there is no {folder}: `make front-ends` prepares it"
    return {"PYTHONPATH": os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))}


def left_open(cell: Execution) -> set[str]:
    """The widgets that a cell has left open, apart from the messenger that waits for reloaded pages."""
    states = {
        str(each["content"]["comm_id"]): each["content"]["data"]["state"]
        for each in cell.messages
        if each["header"]["msg_type"] == "comm_open"
    }
    closed = {str(each["content"]["comm_id"]) for each in cell.messages if each["header"]["msg_type"] == "comm_close"}
    waiting: set[str] = set()
    for name, state in states.items():
        if "answer" in state and name not in closed:
            waiting |= {name, str(state["box"])}
    layouts = {str(states[name].get("layout")).removeprefix("IPY_MODEL_") for name in waiting if name in states}
    return states.keys() - closed - waiting - layouts
