"""Work beside the main thread, for what lets go of the interpreter's lock, as reading and hashing large files do."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Generic, TypeVar

T = TypeVar("T")


class Beside(Generic[T]):
    """Begins `work` at once, in a thread of its own; `result` waits for it."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._found: list[T] = []
        self._error: OSError | None = None
        self._thread = Thread(target=self._run, daemon=True)  # a run that ends early does not wait for it
        self._thread.start()

    def result(self) -> T:
        """What the work gave. Raises the OSError that ended it."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._found[0]

    def _run(self) -> None:
        try:
            self._found.append(self._work())
        except OSError as error:
            self._error = error
