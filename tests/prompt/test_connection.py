"""What a widget tells of its connection when several threads report."""

import threading
from concurrent.futures import Future

from fal_notebook.prompt.connection import Connection


def test_an_attempt_that_begins_while_an_answer_ends_is_what_is_told_last() -> None:
    told: list[str] = []

    def tell(state: str, _: str) -> None:
        told.append(state)
        if state == "ready" and connection.known.attempt is None:
            connection.known.attempt = Future()  # another thread has begun it, after the end was looked at

    connection = Connection(
        threading.RLock(), None, is_streaming=lambda: False, tell=tell, note=lambda state, reason: None
    )
    connection.report_attempt()
    assert told == ["ready", "reconnecting"]
    assert connection.reported == ("reconnecting", "")
