"""What ``%%falstream --queue`` and ``%falstream attach`` do beyond other runs: what is left can be found again.

To stop such a run leaves the request in fal's queue. The output then says how to come back to it, and the variable
holds the `Submitted` in place of a result.
"""

from argparse import Namespace
from dataclasses import replace

from ..client.queue import QueuedRequests, Submitted, attach_request
from ..client.queue_stream import QueueStream
from ..client.result import Result
from ..client.sessions import session
from ..client.streaming import Stream
from ..errors import ConnectError, InvalidRequest, RequestTimeout

_SHOWN_OF_ID = 8  # characters, which this kernel knows again: the whole would not fit on a line
_USAGE = "as in %falstream attach fal-ai/veo3 764cabcf-b745-4b3e-ae38-1200304cf45b"


def find_request(options: Namespace) -> Submitted:
    """The request that ``%falstream attach`` names: by endpoint and id, or by an id that this kernel remembers.

    Raises:
        InvalidRequest: none is named, or none is known.
        CredentialsError: no key was found.
    """
    words = options.arguments
    if len(words) == 1 and "/" in words[0]:
        raise InvalidRequest("attach needs the id of a request, too", hint=_USAGE)
    if len(words) == 1:
        return session().companion(QueuedRequests).find(words[0])
    if len(words) != 2:
        raise InvalidRequest("attach takes an endpoint and the id of a request", hint=_USAGE)
    return attach_request(words[0], words[1], base_url=options.base_url or None)


def left_in_queue(result: Result, stream: Stream) -> Submitted | None:
    """The request, if the queue may still work on it: its stream was stopped, or has given up."""
    if not isinstance(stream, QueueStream) or stream.request_id is None:
        return None
    if not result.stopped and not isinstance(result.error, RequestTimeout | ConnectError):
        return None
    return session().companion(QueuedRequests).known.get(stream.request_id)


def note_of_queue(result: Result, stream: Stream) -> Result:
    """The result, with a note of how to come back if its request was left in the queue."""
    left = left_in_queue(result, stream)
    if left is None:
        is_open = isinstance(stream, QueueStream) and result.stopped and result.metrics.connect is not None
        note = "it may have been taken by the queue; fal.ai lists the requests of an account"
        return replace(result, note=note) if is_open else result
    if result.error is not None:
        result.error.hint = f"it is still in the queue: {left.how_to_come_back}"
        return result
    return replace(result, note=f"left in the queue. {left.how_to_come_back}")


def left_words(stream: Stream) -> str:
    """How to come back to a request that an interrupt has left; empty where the stream is no queued request's."""
    if not isinstance(stream, QueueStream):
        return ""
    if stream.request_id is None:
        is_sent = stream.so_far().metrics.connect is not None
        return "the queue may have taken the request" if is_sent else "nothing was sent"
    return f"left in the queue: %falstream attach {stream.request_id[:_SHOWN_OF_ID]}"
