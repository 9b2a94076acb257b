"""The live view in a notebook of an answer whose sound plays while it arrives."""

from collections.abc import Sequence

from ..client.result import Format, Result
from ..render.bundles import Bundle
from ..response.updates import Piece, Update
from .live_widgets import Place
from .notebook_live import NotebookLive
from .player import PagePlayer, has_player, with_player_name
from .reloaded_page import RecentAnswers


class SoundingLive(NotebookLive):
    """The live view in a notebook with sound that plays while it arrives, for ``--play``."""

    def __init__(self, recent: RecentAnswers, *, formatted: bool = False) -> None:
        super().__init__(recent, formatted=formatted)
        self._player = PagePlayer()
        self._is_shown = False

    def take(self, updates: Sequence[Update]) -> None:
        super().take(updates)
        for update in updates:
            if isinstance(update, Piece):
                self._player.feed(update.data, update.content_type)
        if self._player.has_sound and not self._is_shown:
            self._is_shown = True
            self._box.put(Place.SOUND, self._player.widget)

    def _final(self, body: list[Bundle]) -> list[Bundle]:
        """The first player is that of the streamed recording: it gets the name by which the page finds it."""
        if not self._player.has_sound:
            return body
        first = next(filter(has_player, body), None)
        return [with_player_name(bundle, self._player.name) if bundle is first else bundle for bundle in body]

    def discard(self) -> None:
        self._player.close()

    def finish(self, result: Result, style: Format, *, autoplay: bool) -> None:
        try:
            (self._player.stop if result.stopped else self._player.end)()
            super().finish(result, style, autoplay=autoplay and not self._player.has_sound)
        finally:
            self._player.close()
