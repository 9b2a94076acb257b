"""The language model in the shapes of fal's endpoints: any-llm, its successor, and OpenAI's chat completions."""

import time
import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass

from starlette.responses import JSONResponse, Response

from fal_notebook.local import language
from fal_notebook.local.arguments import Arguments, InvalidArgumentsError, Mistake
from fal_notebook.local.language import Delta, Finish, Message
from fal_notebook.local.responses import event, event_stream, fal_event, primed
from fal_notebook.local.threads import Outlet, stream_from_thread

MODEL = f"{language.NAME} (local)"

_ROLES = ("user", "assistant", "system")

Pieces = AsyncGenerator[Delta | Finish, None]


@dataclass(frozen=True)
class _Answer:
    """A whole answer, and its end if it was reached."""

    text: str
    finish: Finish


async def any_llm(arguments: Arguments) -> Response:
    """Answer a prompt at once."""
    answer = await _whole(await _generate(_prompt(arguments), arguments, place="prompt"))
    return JSONResponse(_snapshot(answer.text, answer.finish))


async def any_llm_stream(arguments: Arguments) -> Response:
    """Answer a prompt by snapshots, each holding the whole text so far."""
    return event_stream(_snapshots(await _generate(_prompt(arguments), arguments, place="prompt")))


async def router(arguments: Arguments) -> Response:
    """Answer a prompt at once, as the endpoint that takes the place of any-llm: it asks for a model's name."""
    arguments.text("model")
    return await any_llm(arguments)


async def router_stream(arguments: Arguments) -> Response:
    """Answer as `router` does, by snapshots."""
    arguments.text("model")
    return await any_llm_stream(arguments)


async def chat_completions(arguments: Arguments) -> Response:
    """Answer a conversation in OpenAI's form, whole or by deltas."""
    messages = [
        Message(entry.choice("role", _ROLES), entry.words("content")) for entry in arguments.objects("messages")
    ]
    streamed = arguments.flag("stream")
    pieces = await _generate(messages, arguments, place="messages")
    if streamed:
        return event_stream(_chunks(pieces))
    answer = await _whole(pieces)
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": answer.text},
        "finish_reason": answer.finish.reason,
    }
    return JSONResponse(_envelope("chat.completion", choice) | {"usage": asdict(answer.finish.usage)})


def _prompt(arguments: Arguments) -> list[Message]:
    system = arguments.optional_text("system_prompt")
    messages = [Message("system", system)] if system else []
    return [*messages, Message("user", arguments.text("prompt"))]


async def _generate(messages: Sequence[Message], arguments: Arguments, *, place: str) -> Pieces:
    """Start the model and wait for its first word: whatever can be refused has been refused by then."""
    arguments.optional_text("model")
    max_tokens = arguments.integer("max_tokens", default=512, low=1, high=2048)
    temperature = arguments.number("temperature", default=0.4, low=0.0, high=2.0)
    arguments.check()

    def produce(outlet: Outlet[Delta | Finish]) -> None:
        language.generate(
            messages,
            max_tokens=max_tokens,
            temperature=temperature,
            emit=outlet.put,
            stopped=outlet.is_closed,
        )

    try:
        return await primed(stream_from_thread(produce))
    except language.PromptTooLongError as error:
        mistake = Mistake(("body", place), str(error), "prompt_too_long")
        raise InvalidArgumentsError(mistake) from error


async def _whole(pieces: Pieces) -> _Answer:
    texts: list[str] = []
    async with aclosing(pieces):
        async for piece in pieces:
            if isinstance(piece, Finish):
                return _Answer("".join(texts), piece)
            texts.append(piece.text)
    raise language.GenerationError("The model stopped before its answer was complete")


async def _snapshots(pieces: Pieces) -> AsyncGenerator[bytes, None]:
    text = ""
    async with aclosing(pieces):
        async for piece in pieces:
            if isinstance(piece, Finish):
                yield fal_event(_snapshot(text, piece))
            else:
                text += piece.text
                yield fal_event(_snapshot(text, None))


def _snapshot(text: str, finish: Finish | None) -> dict[str, object]:
    snapshot: dict[str, object] = {
        "output": text,
        "reasoning": None,
        "partial": finish is None,
        "error": None,
        "model": MODEL,
    }
    return snapshot | {"usage": asdict(finish.usage)} if finish else snapshot


async def _chunks(pieces: Pieces) -> AsyncGenerator[bytes, None]:
    envelope = _envelope("chat.completion.chunk", _choice({"role": "assistant", "content": ""}))
    yield event(envelope)
    async with aclosing(pieces):
        async for piece in pieces:
            if isinstance(piece, Finish):
                end = {"choices": [_choice({}, piece.reason)], "usage": asdict(piece.usage)}
                yield event(envelope | end)
            else:
                yield event(envelope | {"choices": [_choice({"content": piece.text})]})
    yield b"data: [DONE]\n\n"


def _choice(delta: dict[str, str], reason: str | None = None) -> dict[str, object]:
    return {"index": 0, "delta": delta, "finish_reason": reason}


def _envelope(kind: str, choice: dict[str, object]) -> dict[str, object]:
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": kind,
        "created": int(time.time()),
        "model": MODEL,
        "choices": [choice],
    }
