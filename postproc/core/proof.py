"""Proof, role by role: what a model's output shows, held against what a reading expects of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...graph.reading import Level

TOLERANCE = 1e-4  # of the role's spread
_LEAST_SPREAD = 1e-2  # below it anything seems equal, and nothing is proven
_Array = NDArray[np.float32]
Forms = tuple[_Array, _Array]  # a role as the network computes it, and as a tail may give it: [draws, cells, channels]


@dataclass(frozen=True, slots=True)
class Shown:
    """How a role appears in the output: as the tail works on it (`inside`) or raw, whichever is closer, how far off
    that is over the role's spread, and in absolute terms.
    """

    inside: bool
    relative: float
    largest: float

    @property
    def holds(self) -> bool:
        """True where the output shows the role."""
        return self.relative <= TOLERANCE


@dataclass(frozen=True, slots=True)
class Trial:
    """One candidate for a level, and how each of its roles appears in the output."""

    level: Level
    shown: Mapping[str, Shown]

    @property
    def missing(self) -> tuple[str, ...]:
        """The roles that the output does not show."""
        return tuple(role for role, shown in self.shown.items() if not shown.holds)

    @property
    def worst(self) -> float:
        """The error of the role that fits least, over its spread."""
        return max(shown.relative for shown in self.shown.values())


def shown_as(actual: _Array | None, forms: Forms) -> Shown:
    """The closer of the two forms; infinitely far where the output has no place for the role (None)."""
    candidates = [_compare(actual, form, inside=bool(index)) for index, form in enumerate(forms)]
    return min(candidates, key=lambda shown: shown.relative)


def _compare(actual: _Array | None, expected: _Array, *, inside: bool) -> Shown:
    spread = float(np.ptp(expected))
    if actual is None or actual.shape != expected.shape or not spread >= _LEAST_SPREAD:
        return Shown(inside, np.inf, np.inf)
    largest = float(np.nan_to_num(np.abs(actual - expected), nan=np.inf).max())
    return Shown(inside, largest / spread, largest)


def is_rearranged(actual: Sequence[_Array], expected: Sequence[_Array]) -> bool:
    """True where the levels together show the expected values, but in other cells."""
    found, wanted = (np.sort(np.concatenate([x.ravel() for x in arrays])) for arrays in (actual, expected))
    return found.shape == wanted.shape and bool(np.allclose(found, wanted, atol=TOLERANCE, rtol=0))
