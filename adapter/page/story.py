"""What the page may tell of: everything that one run found out, its verdict, and the files it wrote."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..facts import Facts
from ..heads import Heads
from ..outcome import Outcome
from ..report.types import ArtifactInfo, Report


@dataclass(frozen=True, slots=True)
class Story:
    """`pairs` are the (original, adapted) heads of each compared input; `files` gives the written files, all but the
    page itself and those that list it, and `sizes` their bytes' numbers by path.
    """

    facts: Facts
    outcome: Outcome
    pairs: tuple[tuple[Heads, Heads], ...]
    files: Callable[[], tuple[ArtifactInfo, ...]]
    sizes: Mapping[str, int]

    @property
    def report(self) -> Report:
        """What report.json says."""
        return self.outcome.report
