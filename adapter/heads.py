"""Original against adapted where it counts: at the heads, level by level and role by role."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..graph.reading import Reading
from .report.types import HeadError, Verification

_Array = NDArray[np.float32]
Heads = Mapping[str, _Array]


@dataclass(slots=True)
class _Sums:
    """Running sums over images of one head: constant memory however many images come.

    Where all values are equal, as on a map of one cell, their magnitude stands for the spread and for the deviation.
    """

    largest: float = 0.0
    square: float = 0.0
    count: int = 0
    total: float = 0.0
    total_square: float = 0.0
    low: float = field(default=float("inf"))
    high: float = field(default=float("-inf"))

    def add(self, original: _Array, adapted: _Array) -> None:
        truth = original.astype(np.float64)
        delta = adapted.astype(np.float64) - truth
        self.largest = max(self.largest, float(np.abs(delta).max()))
        self.square += float(np.square(delta).sum())
        self.count += delta.size
        self.total += float(truth.sum())
        self.total_square += float(np.square(truth).sum())
        self.low, self.high = min(self.low, float(truth.min())), max(self.high, float(truth.max()))

    def error(self, head: str, role: str) -> HeadError:
        variance = max(self.total_square / self.count - (self.total / self.count) ** 2, 0.0)
        rms = float(np.sqrt(self.square / self.count))
        spread, deviation = self.high - self.low, float(np.sqrt(variance))
        if not spread:
            spread = deviation = abs(self.high)
        return HeadError(head, role, self.largest, self.largest / max(spread, 1e-30), rms / max(deviation, 1e-30))


def compare_heads(reading: Reading, pairs: Sequence[tuple[Heads, Heads]], seen: str) -> Verification:
    """Compare (original, adapted) heads, by the adapted model's output names, over all images; `seen` says which."""
    errors = []
    for level in reading.levels:
        for role, _ in level.roles:
            sums, name = _Sums(), level.output(role)
            for original, adapted in pairs:
                sums.add(original[name], adapted[name])
            errors.append(sums.error(name, role))
    worst_abs = max(error.max_abs for error in errors)
    return Verification(seen, worst_abs, max(error.max_rel for error in errors), tuple(errors))


def damage_by_role(verification: Verification) -> dict[str, float]:
    """The worst root mean square relative error of each role over its levels."""
    damage: dict[str, float] = {}
    for error in verification.per_head:
        damage[error.role] = max(damage.get(error.role, 0.0), error.rms_rel)
    return damage
