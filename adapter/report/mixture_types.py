"""What --activation auto measured, as report.json says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class MixtureOption:
    """A way to replace one activation: `damage` is what it does alone to the heads, foretold from its fit."""

    hinges: int
    form: Literal["terms", "wide"]
    damage: float
    macs: int
    vector_operations: int


@dataclass(frozen=True, slots=True)
class MixtureSite:
    """One activation of the mixture: `chosen` is the place of its option; `leaky_damage` that of a plain LeakyReLU."""

    anchor: str
    chosen: int
    leaky_damage: float
    options: tuple[MixtureOption, ...]


@dataclass(frozen=True, slots=True)
class MixturePoint:
    """One mixture that was measured: what it adds to the network, and its agreement on the held-out images."""

    extra_macs: float
    vector_operations: int
    agreement: float


@dataclass(frozen=True, slots=True)
class MixtureReport:
    """What --activation auto found. `points` rise by what they cost, a vector operation counted as `vector_macs`
    multiply-accumulates; `chosen` is the place of the one that was taken.
    """

    held_out: int
    min_agreement: float
    max_extra_macs: float | None
    vector_macs: int
    chosen: int
    points: tuple[MixturePoint, ...]
    sites: tuple[MixtureSite, ...]
