"""How the rows of a run are sent, and the engine that does it."""

import math
from dataclasses import dataclass

from ..client.payloads import UploadChoice
from ..client.sessions import session
from ..errors import InvalidRequest
from .engine import Engine, EngineName
from .queue_engine import QueueEngine
from .sockets_engine import SocketsEngine


def checked(name: str, value: float | None, least: float, most: float = math.inf) -> float | None:
    """A setting that is a number of at least so much, or None.

    Raises:
        InvalidRequest: it is something else.
    """
    is_one = isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most
    if value is not None and not is_one:
        raise InvalidRequest(f"{name} is a number of at least {least:g}, not {value!r:.80}")
    return value


@dataclass(frozen=True)
class Setup:
    """How the rows of a run are sent.

    Attributes:
        engine: the engine's name.
        base_url: another host, as for `stream`; None for that of the environment.
        timeout: seconds for each request; None for as long as it takes.
        budget: US dollars; None for no limit.
        price: US dollars that each request costs, where fal says so; None where that is not known.
        upload: what the user wishes for uploads.
    """

    engine: EngineName
    base_url: str | None = None
    timeout: float | None = None
    budget: float | None = None
    price: float | None = None
    upload: UploadChoice = "auto"

    def make_engine(self, endpoint: str) -> Engine:
        """The engine; it looks up the key.

        Raises:
            InvalidRequest: a setting cannot be used.
            CredentialsError: no key was found.
        """
        engine = QueueEngine if self.engine == "queue" else SocketsEngine
        return engine(endpoint, self.base_url, self.timeout, session().limits)
