"""The sound of the newest answer, which plays in the page while it is made and may go on after the answer's end."""

from ..display.player import PagePlayer
from ..response.updates import Piece


class AnswerSound:
    """At most one player: each answer has its own, and silences the one before it.

    Not safe from several threads: the widget's lock is held around every call.
    """

    def __init__(self) -> None:
        self._player: PagePlayer | None = None

    @property
    def player(self) -> str | None:
        """The id of the player's widget, once there is something to hear."""
        return self._player.widget.model_id if self._player is not None and self._player.has_sound else None

    def begin(self, *, play: bool) -> None:
        """Make ready for the next answer, which is played or not."""
        self.silence()
        self._player = PagePlayer() if play else None

    def feed(self, piece: Piece) -> bool:
        """Play new bytes; returns whether they are the first that can be heard."""
        player = self._player
        if player is None:
            return False
        was_silent = not player.has_sound
        player.feed(piece.data, piece.content_type)
        return was_silent and player.has_sound

    def end(self, *, stopped: bool) -> None:
        """Nothing more will come; the page plays what it has, unless the answer was stopped."""
        if self._player is not None:
            (self._player.stop if stopped else self._player.end)()

    def silence(self) -> None:
        """Take the player away."""
        player, self._player = self._player, None
        if player is not None:
            try:
                player.stop()
            finally:
                player.close()
