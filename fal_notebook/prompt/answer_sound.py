"""The sound of the newest answer. The page plays it while it arrives; then the answer's static player takes over."""

from ..display.player import PagePlayer
from ..response.updates import Piece


class AnswerSound:
    """Has at most one player. Each answer gets a new one, which replaces the player of the answer before it.

    It has no lock of its own: hold the widget's lock around every call.
    """

    def __init__(self) -> None:
        self._player: PagePlayer | None = None

    @property
    def player_id(self) -> str | None:
        """The id of the player's widget, once it has sound to play."""
        return self._player.widget.model_id if self._player is not None and self._player.has_sound else None

    @property
    def static_name(self) -> str:
        """The name that the static player of the answer gets, by which the page's player finds it."""
        return self._player.name if self._player is not None and self._player.has_sound else ""

    def begin(self, *, play: bool) -> None:
        """Prepare for the next answer, and make a player for it if it is to be played."""
        self.silence()
        self._player = PagePlayer() if play else None

    def feed(self, piece: Piece) -> bool:
        """Play new bytes; return whether they are the first that can be heard."""
        player = self._player
        if player is None:
            return False
        was_silent = not player.has_sound
        player.feed(piece.data, piece.content_type)
        return was_silent and player.has_sound

    def end(self, *, stopped: bool) -> None:
        """Tell the page that the answer has ended. The sound goes on, unless the answer was stopped."""
        if self._player is not None:
            (self._player.stop if stopped else self._player.end)()

    def silence(self) -> None:
        """Stop the sound and close the player."""
        player, self._player = self._player, None
        if player is not None:
            try:
                player.stop()
            finally:
                player.close()
