"""Progress that also measures how long each stage took."""

from __future__ import annotations

import time

from .progress import Progress


class Stopwatch:
    """Passes everything on to another progress; `durations` holds the seconds of each finished stage by name."""

    def __init__(self, shown: Progress) -> None:
        self._shown = shown
        self._name, self._since = "", time.perf_counter()
        self.durations: dict[str, float] = {}

    def stage(self, name: str, total: int | None = None) -> None:
        """Close the running stage and open the next."""
        self.stop()
        self._name = name
        self._shown.stage(name, total)

    def advance(self, n: int = 1) -> None:
        """`n` more steps of this stage are done."""
        self._shown.advance(n)

    def stop(self) -> None:
        """Close the running stage."""
        now = time.perf_counter()
        if self._name:
            self.durations[self._name] = self.durations.get(self._name, 0.0) + now - self._since
        self._name, self._since = "", now
