"""How the rows of a run are sent, and the engine that does it."""

from dataclasses import dataclass

from ..client.sessions import session
from .engine import Engine, EngineName
from .queue_engine import QueueEngine
from .sockets_engine import SocketsEngine


@dataclass(frozen=True)
class Setup:
    """How the rows of a run are sent.

    Attributes:
        engine: the engine's name.
        base_url: another host, as for `stream`; None for that of the environment.
        timeout: seconds for each request; None for as long as it takes.
        budget: US dollars; None for no limit.
        price: US dollars that each request costs, where fal says so; None where that is not known.
    """

    engine: EngineName
    base_url: str | None = None
    timeout: float | None = None
    budget: float | None = None
    price: float | None = None

    def make_engine(self, endpoint: str) -> Engine:
        """The engine; it looks up the key.

        Raises:
            InvalidRequest: a setting cannot be used.
            CredentialsError: no key was found.
        """
        engine = QueueEngine if self.engine == "queue" else SocketsEngine
        return engine(endpoint, self.base_url, self.timeout, session().limits)
