"""How a long job says where it stands. The command line draws it; a library caller stays silent."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """`stage` opens the next stage, with its number of steps where that is known; `advance` counts them."""

    def stage(self, name: str, total: int | None = None) -> None:
        """Begin the stage `name`; `total` steps are to come (None: unknown)."""

    def advance(self, n: int = 1) -> None:
        """`n` more steps of this stage are done."""


class Silent:
    """Progress that nobody watches."""

    def stage(self, name: str, total: int | None = None) -> None:
        """Say nothing."""

    def advance(self, n: int = 1) -> None:
        """Say nothing."""
