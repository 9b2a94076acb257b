"""Fuzz harnesses: what has to hold for any input. Only our own errors are raised, and cuts do not change the meaning.

Hypothesis (``test_hostile``), atheris (``fuzz``) and the corpus of earlier findings all use these functions. Each of
`HARNESSES` takes bytes. Where the input is cut into pieces, the first byte is the number of cuts, and as many bytes
after it are the places of the cuts.
"""

import codecs
import json
import re
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any, get_args

from IPython.core.error import UsageError

from fal_notebook.client.arguments import encode
from fal_notebook.client.result import Format
from fal_notebook.errors import FalNotebookError
from fal_notebook.magic.cell_arguments import from_cell, from_line
from fal_notebook.magic.line import split_line
from fal_notebook.magic.options import parse
from fal_notebook.magic.template import fill, slots
from fal_notebook.media.data_uris import is_data_uri, media_from_data_uri
from fal_notebook.media.media import media_from_bytes, needs_more, sniff
from fal_notebook.media.partial_audio import Playable, parameter
from fal_notebook.media.picture_size import pixels
from fal_notebook.media.wav import wav_seconds
from fal_notebook.render.bundles import text_bundle
from fal_notebook.response.content import Content
from fal_notebook.response.files_in_json import files_in
from fal_notebook.response.sse import EventStreamDecoder, ServerSentEvent
from fal_notebook.wire.frames import FrameSplitter, Kind
from fal_notebook.wire.protocol import End, Protocol, Start, State
from fal_notebook.wire.target import endpoint_name

from .magic.test_options import PARSER
from .response.wholes import result_of

WORDS = (
    *("type", "request_id", "status", "headers", "start", "end", "error", "node_id", "submit", "completion"),
    *("output", "partial", "reasoning", "text", "choices", "delta", "content", "message", "progress", "event"),
    *("image", "images", "url", "content_type", "file_name", "width", "height", "duration", "seed", "data"),
    *("audio", "video", "file", "usage", "model", "prompt_tokens", "completion_tokens", "cost"),
    *("detail", "loc", "msg", "has_nsfw_concepts", "response.output_text.delta", "sample_rate"),
    *("index", "finish_reason", "refusal", "tool_calls", "function", "name", "arguments", "function_call", "thinking"),
    *("annotations", "citations", "url_citation", "title", "reasoning_details", "transcript", "b64_json", "done"),
    *("response", "object", "response.completed", "output_index", "incomplete_details", "reason", "item", "summary"),
    *("content_block_delta", "text_delta", "message_delta", "stop_reason", "candidates", "parts", "finishReason"),
    *("<think>", "</think>"),
)
"""The names and tags that have a meaning in the protocol or in an answer."""
TYPES = (
    *("text/event-stream", "application/json", "text/plain", "audio/wav", "audio/pcm", "audio/mpeg", "image/png"),
    *("text/plain; charset=utf-16", "text/plain; charset=utf-7", "text/plain; charset=gb18030", "audio/pcm;rate=8000"),
)
_HARMLESS = re.compile(r"\s*[\w. ]{0,20}\s*")  # only such expressions are evaluated: names and numbers


def only_our_errors(work: Callable[[], object]) -> bool:
    """Do the work, and return whether it succeeded. It may raise only our own errors, with messages of one line."""
    try:
        work()
    except (FalNotebookError, UsageError) as exc:
        assert "\n" not in str(exc)  # noqa: PT017 - the test is that the message is one line
        str(exc).encode()
        return False
    return True


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    """The bytes, cut into pieces at these places."""
    ends = [0, *sorted(place for place in places if place < len(data)), len(data)]
    return [data[begin:end] for begin, end in pairwise(ends)]


def read_any_start(metadata: Any) -> None:
    protocol = Protocol()
    protocol.send("{}")
    message = json.dumps({"type": "start", **metadata} if isinstance(metadata, dict) else metadata)

    def work() -> None:
        event = protocol.receive(message)
        if isinstance(event, Start):
            repr((event, dict(event.headers), event.headers.get("content-type"), protocol.request_id))
            protocol.receive(json.dumps(metadata))
            protocol.receive(json.dumps({"type": "end", "request_id": event.request_id, "status": []}))

    only_our_errors(work)


def read_any_messages(messages: Iterable[str | bytes]) -> None:
    """Give messages to the protocol. Each is a start, a piece of a body or an end, after which a request begins."""
    protocol = Protocol()
    identity: Any = None

    def take(message: str | bytes) -> None:
        nonlocal identity
        if protocol.state is State.IDLE:
            protocol.send("{}")
        was_streaming = protocol.state is State.STREAMING
        event = protocol.receive(message)
        assert isinstance(event, Start) is not was_streaming
        if isinstance(event, Start):
            identity = json.loads(message).get("request_id")
            repr((event, dict(event.headers), protocol.request_id))
        elif isinstance(event, End):
            value = json.loads(message)
            assert (value["type"], json.dumps(value.get("request_id"))) == ("end", json.dumps(identity))
            assert event.time_to_first_byte is None or event.time_to_first_byte >= 0
        else:
            assert event.data == (message.encode() if isinstance(message, str) else message)

    def take_all() -> None:
        for message in messages:
            take(message)

    only_our_errors(take_all)


def read_any_body(label: str, body: bytes, cuts: Iterable[int]) -> None:
    """Read a body. It means the same in one piece, in these pieces and byte by byte, and it can be shown."""
    whole = _content(label, [body])
    for pieces in [] if _is_iso_2022(label) else [cut(body, cuts), cut(body, range(1, len(body)))]:
        assert _meaning(_content(label, pieces)) == _meaning(whole)
    result = result_of(whole)
    for style in get_args(Format):
        for output in result.outputs(style):
            json.dumps(output, ensure_ascii=False, allow_nan=False).encode()  # as it goes to the page
    assert "\n" not in result.status_line + repr(result)
    for media in whole.media:
        assert (wav_seconds(media.data or b"") or 0) >= 0


def _is_iso_2022(label: str) -> bool:
    """Whether Python decodes broken escape sequences of this charset differently if they are cut."""
    try:
        return codecs.lookup(str(parameter(label, "charset"))).name.startswith("iso2022")
    except (LookupError, ValueError):
        return False


def _content(label: str, pieces: Iterable[bytes]) -> Content:
    content = Content(label)
    for piece in pieces:
        content.feed(piece)
    only_our_errors(content.finish)
    return content


def _meaning(content: Content) -> str:
    """Everything that was read, as text, because a NaN does not equal itself."""
    said = (content.text, content.reasoning, content.data, content.usage, content.error, content.model)
    beside = (content.finish_reason, content.sources, content.choices, content.note)
    return repr((said, beside, content.media, [media.data for media in content.media], content.events))


def play_any_sound(label: str, body: bytes, cuts: Iterable[int]) -> None:
    played = [
        b"".join(map(Playable(label).feed, pieces)) for pieces in ([body], cut(body, cuts), cut(body, range(len(body))))
    ]
    assert played[0] in body
    assert played[1:] == played[:1] * 2


def read_any_events(body: bytes, cuts: Iterable[int]) -> None:
    """Read server-sent events. They are the same in one piece, in these pieces and byte by byte."""
    whole = _events([body])
    assert _events(cut(body, cuts)) == whole
    assert _events(cut(body, range(1, len(body)))) == whole


def _events(pieces: Iterable[bytes]) -> list[ServerSentEvent]:
    decoder = EventStreamDecoder()
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return events + list(decoder.close())


def split_any_frames(stream: bytes, cuts: Iterable[int]) -> None:
    """Split frames. The messages, and the bytes that are left to websockets, are the same however the input is cut."""
    whole = _frames([stream])
    assert _frames(cut(stream, cuts)) == whole
    assert _frames(cut(stream, range(1, len(stream)))) == whole


def _frames(pieces: Iterable[bytes]) -> list[tuple[Kind, bytes]]:
    splitter = FrameSplitter(max_size=300)
    found: list[tuple[Kind, bytes]] = []
    for kind, piece in (each for data in pieces for each in splitter.feed(data)):
        if found and kind is found[-1][0] is not Kind.TEXT:  # pieces other than text are joined if they arrive together
            found[-1] = kind, found[-1][1] + piece
        else:
            found.append((kind, bytes(piece)))
    return found


def read_any_file(label: str, data: bytes) -> None:
    """Read a file. Its type and size, if any, can be told, and a data URI keeps it unchanged."""
    settled = next((length for length in range(1, len(data)) if not needs_more(data[:length])), len(data))
    assert sniff(data[:settled]) == sniff(data[:12])
    media = media_from_bytes(data, label)
    assert media_from_data_uri(media.data_uri()).data == data
    assert all(size > 0 for size in (media.pixels or ()) + (pixels(data) or ()))
    assert (wav_seconds(data) or 0) >= 0
    repr((media, media.kind, media.extension))


def read_any_words(words: str) -> None:
    only_our_errors(lambda: parse(PARSER, words.replace("{", "").replace("}", "")))
    only_our_errors(lambda: endpoint_name(words))
    if only_our_errors(lambda: media_from_data_uri(words)):
        assert is_data_uri(words)
    files_in({"image": words, "words": [words]})
    text_bundle(words)
    only_our_errors(lambda: encode(from_line(split_line(words), None)))
    only_our_errors(lambda: encode(from_cell(words, "prompt", None, as_text=False)))
    read_any_template(words)


def read_any_template(words: str) -> None:
    """Read a template. Its slots are in order, each between braces, and filling them leaves the rest unchanged."""
    end, between = 0, []
    found = list(slots(words))
    for slot in found:
        assert end <= slot.start < slot.end <= len(words)
        assert words[slot.start : slot.end][:2] == "{{"
        assert words[slot.start : slot.end][-2:] == "}}"
        between.append(words[end : slot.start])
        end = slot.end
    if not all(_HARMLESS.fullmatch(slot.expression) for slot in found):
        return
    filled: list[Any] = []
    if only_our_errors(lambda: filled.append(fill(words, {"__builtins__": {}, "x": 1}))) and len(found) != 1:
        assert filled[0].startswith("".join(between[:1]))
        assert filled[0].endswith(words[end:])
    if not found:
        assert filled == [words]


def _cuts(data: bytes) -> tuple[list[int], bytes]:
    """The places of the cuts, and the bytes to be cut."""
    count = data[0] % 8 if data else 0
    return list(data[1 : 1 + count]), data[1 + count :]


def _labelled(data: bytes) -> tuple[str, bytes]:
    """The first line, as a content type, and the rest."""
    line, _, rest = data.partition(b"\n")
    return line.decode("utf-8", "replace")[:100], rest


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _messages(data: bytes) -> None:
    """Read each line as a message; a line that begins with ``>`` is a binary one."""
    read_any_messages(line[1:] if line.startswith(b">") else _text(line) for line in data.split(b"\n"))


def _event_stream(data: bytes) -> None:
    cuts, body = _cuts(data)
    read_any_events(body, cuts)


def _frame_stream(data: bytes) -> None:
    cuts, stream = _cuts(data)
    split_any_frames(stream, cuts)


def _bodies(data: bytes) -> None:
    cuts, rest = _cuts(data)
    label, body = _labelled(rest)
    read_any_body(label, body, cuts)


def _sound(data: bytes) -> None:
    cuts, rest = _cuts(data)
    label, body = _labelled(rest)
    play_any_sound(label, body, cuts)


def _files(data: bytes) -> None:
    read_any_file(*_labelled(data))


def _words(data: bytes) -> None:
    read_any_words(_text(data))


HARNESSES: dict[str, Callable[[bytes], None]] = {
    "frames": _frame_stream,
    "messages": _messages,
    "events": _event_stream,
    "bodies": _bodies,
    "sound": _sound,
    "files": _files,
    "words": _words,
}
"""The harnesses by the names of their folders in the corpus."""
