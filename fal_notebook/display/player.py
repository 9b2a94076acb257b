"""Plays sound in the page while it is still being generated; the page's part is player.js.

The sound is sent as binary buffers of the widget's custom messages. It is not part of the widget's state, so that
neither a reload nor a saved notebook carries it. Pieces that follow each other quickly are sent together, since
Jupyter's server silently drops messages beyond a number a second. At the end a static player with the whole recording
replaces the widget. It has a name, by which the widget's script finds it and lets it take over at the same second.
"""

import threading
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from IPython.display import display

from ..client.interrupts import Interrupts
from ..client.result import with_show_error
from ..media.media import Media
from ..media.partial_audio import Playable
from ..render.bundles import Bundle, merged, small_bundle
from ..render.cards import media_bundle
from ..render.file_words import media_words
from ..response.bodies import MediaBody
from ..response.updates import Piece, Update
from .outputs import EMPTY, UNFINISHED, ReplaceableOutput, replaceable_output, widget_bundle

if TYPE_CHECKING:
    from anywidget import AnyWidget

    from ..client.result import Result
    from ..client.streaming import Stream

DEFAULT_TYPE = "audio/pcm;rate=16000;channels=1"
_PAUSE = 1 / 20  # seconds between two messages
_SCRIPTS = [
    Path(__file__).with_name(name)
    for name in ("sound_tracks.js", "sound_controls.js", "sound_takeover.js", "player.js")
]
_STATIC_PLAYER = "<audio "  # is never in the words of a model, in which every < is escaped


class Outbox:
    """Sends bytes at a limited pace: the first at once, those that follow within a pause together.

    Usable from any thread. A timer sends what is held when the pause is over, so that no bytes wait for the next call.
    """

    def __init__(self, send: Callable[[bytes], object], pause: float = _PAUSE) -> None:
        self._send = send
        self._pause = pause
        self._held: list[bytes] = []
        self._due = 0.0
        self._timer: threading.Timer | None = None
        self._lock = threading.Lock()

    def put(self, data: bytes) -> None:
        """Send bytes, now or with those that follow."""
        with self._lock:
            self._held.append(data)
            wait = self._due - time.monotonic()
            if wait <= 0:
                self._send_held()
            elif self._timer is None:
                self._timer = threading.Timer(wait, self.flush)
                self._timer.daemon = True
                self._timer.start()

    def flush(self) -> None:
        """Send what is held, at once."""
        with self._lock:
            self._send_held()

    def drop(self) -> None:
        """Forget what is held."""
        with self._lock:
            self._take()

    def _send_held(self) -> None:
        held = self._take()
        if held:
            self._due = time.monotonic() + self._pause
            self._send(b"".join(held))

    def _take(self) -> list[bytes]:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        held, self._held = self._held, []
        return held


class PagePlayer:
    """The player in the page, and the channel by which one recording gets there.

    The page loads the widget's script when this is made, so make it before the first sound arrives.

    Attributes:
        widget: the widget to display.
        name: the name of the static player, which nobody can guess.
        has_sound: whether any sound has arrived that can be played before the recording is complete.
    """

    def __init__(self) -> None:
        self.name = uuid4().hex
        self.has_sound = False
        self._sent = 0  # bytes
        self._playable: Playable | None = None
        self._outbox = Outbox(self._send)
        self.widget: AnyWidget = _widget_class()()

    def feed(self, data: bytes, content_type: str) -> None:
        """Play the next bytes. Only the content type of the first bytes counts."""
        if self._playable is None:
            self._playable = Playable(content_type)
        if sound := self._playable.feed(data):
            self.has_sound = True
            self._outbox.put(sound)

    def end(self) -> None:
        """Tell the page that nothing more will come. It plays what it has received, until the static player does."""
        self._outbox.flush()
        self.widget.send({"kind": "end", "name": self.name})

    def stop(self) -> None:
        """Stop the sound at once."""
        self._outbox.drop()
        self.widget.send({"kind": "stop", "name": self.name})

    def close(self) -> None:
        """Close the widget. Call `end` or `stop` first, and display something else in its place."""
        self.widget.layout.close()
        self.widget.close()

    def _send(self, data: bytes) -> None:
        self.widget.send(self._message(), [data])
        self._sent += len(data)

    def _message(self) -> dict[str, Any]:
        """The message that goes with bytes. It always says the format and the place, for pages that were reloaded."""
        samples = self._playable.format if self._playable else None
        if samples is None:
            return {"kind": "file", "type": self._playable.file_type if self._playable else None, "at": self._sent}
        about = {"encoding": samples.name, "rate": samples.rate, "channels": samples.channels}
        return {"kind": "samples", **about, "at": self._sent}


def has_player(bundle: Bundle) -> bool:
    """Whether the bundle has a static player of sound."""
    return _STATIC_PLAYER in bundle.get("text/html", "")


def with_player_name(bundle: Bundle, name: str) -> Bundle:
    """The bundle, whose first static player of sound gets a name. In an answer, that is the streamed recording's.

    Args:
        bundle: a static bundle.
        name: the name of a `PagePlayer`; without one, nothing changes.
    """
    if not name or not has_player(bundle):
        return bundle
    named = f'{_STATIC_PLAYER}data-fal-sound="{name}" '
    return {**bundle, "text/html": bundle["text/html"].replace(_STATIC_PLAYER, named, 1)}


class AudioPlayer:
    """Plays a recording while it is fed with bytes, and becomes a static player of the whole at the end.

    For example::

        player = AudioPlayer()
        display(player)
        for data in pieces:
            player.feed(data)
        player.end()

    Raw samples, WAV and MP3 play at once, every other type when the recording is complete. Feed it from any thread.
    """

    def __init__(self) -> None:
        self._player = PagePlayer()
        self._body: MediaBody | None = None
        self._outputs: list[ReplaceableOutput] = []
        self._is_over = False

    @classmethod
    def play(cls, stream: "Stream") -> "Result":
        """Show a player, play the sound of a stream in it, and return the stream's result.

        Raises:
            FalNotebookError: the request failed; what had come by then is shown.
        """
        with Interrupts() as interrupts:
            player = cls()
            failure: Exception | None = None
            try:
                display(player)
                while not stream.is_done:
                    with interrupts.let_through():
                        stream.wait()
                    try:
                        player._take(stream.take())
                    except Exception as exc:  # noqa: BLE001 - no failure to play it may stop the answer
                        failure = failure or exc
            except BaseException:
                stream.cancel()
                player.stop()
                raise
            finally:
                player.end()
        result = with_show_error(stream.outcome(), failure)
        if result.error is not None:
            raise result.error
        return result

    @property
    def media(self) -> Media | None:
        """The recording, once it has ended."""
        return self._body.media[0] if self._is_over and self._body and self._body.media else None

    def feed(self, data: bytes, content_type: str = DEFAULT_TYPE) -> None:
        """Play the next bytes.

        Args:
            data: the bytes, cut anywhere.
            content_type: their type, as in ``Content-Type``. Only the type of the first bytes counts.

        Raises:
            RuntimeError: the recording has ended.
        """
        if self._is_over:
            raise RuntimeError("the recording has ended; make a new AudioPlayer")
        if self._body is None:
            self._body = MediaBody(content_type)
        self._body.feed(data)
        self._player.feed(data, content_type)

    def end(self) -> None:
        """End the recording: the display becomes the static player, which plays on where the page was."""
        self._finish(self._player.end)

    def stop(self) -> None:
        """Stop the sound at once; the display becomes the static player of what has been fed."""
        self._finish(self._player.stop)

    def _take(self, updates: Sequence[Update]) -> None:
        for update in updates:
            if isinstance(update, Piece):
                self.feed(update.data, update.content_type)

    def _finish(self, last: Callable[[], None]) -> None:
        if self._is_over:
            return
        self._is_over = True
        try:
            if self._body is not None:
                self._body.finish()
            last()
            for output, bundle in zip(self._outputs, self._bundles(), strict=False):
                output.replace(bundle)
        finally:
            self._player.close()

    def _bundles(self) -> list[Bundle]:
        """The recording, and a line that describes it."""
        if self.media is None:
            return [small_bundle("no sound came"), EMPTY]
        recording = with_player_name(media_bundle(self.media), self._player.name)
        return [recording, small_bundle(media_words(self.media))]

    def _ipython_display_(self) -> None:
        if self._is_over:
            display(merged(self._bundles())[0], raw=True)
        elif not self._outputs:  # a saved notebook has no widget: the first output says what there was
            bundles = [small_bundle(UNFINISHED), widget_bundle(self._player.widget)]
            self._outputs = [replaceable_output(bundle) for bundle in bundles]
        else:
            display({"text/plain": "the player is displayed above"}, raw=True)

    def __repr__(self) -> str:
        return f"<AudioPlayer, {'ended' if self._is_over else 'open'}>"


@cache
def _widget_class() -> "type[AnyWidget]":
    from anywidget import AnyWidget  # imported with the first player: loading the extension stays quick

    class SoundWidget(AnyWidget):
        """The page's part is player.js, with the scripts that it uses before it."""

        _esm = "".join(path.read_text(encoding="utf-8") for path in _SCRIPTS)

    return SoundWidget
