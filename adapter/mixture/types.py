"""What a mixture of sums is chosen from, and what was chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ...rewrites.core.channel_sum import ChannelSum

Form = Literal["terms", "wide"]


@dataclass(frozen=True, slots=True)
class Price:
    """Multiply-accumulates, and operations of the vector unit, one a value, which cost `vector_macs` of them each."""

    macs: int
    vector: int
    vector_macs: int

    @property
    def total(self) -> int:
        """Both in multiply-accumulates."""
        return self.macs + self.vector_macs * self.vector


@dataclass(frozen=True, slots=True)
class Option:
    """One way to replace one activation: `error` is that of the fit (see ChannelSum), `price` what it adds."""

    hinges: int
    form: Form
    error: float
    price: Price


@dataclass(frozen=True, slots=True)
class Site:
    """One activation, by its input tensor, and the options for it, the cheapest first.

    `sensitivity` times an option's squared error is the damage that it causes at the heads, everything else being the
    original's. `leaky` is the squared error of a plain LeakyReLU in the same unit.
    """

    name: str
    output: str
    sensitivity: float
    leaky: float
    options: tuple[Option, ...]

    def damage(self, option: Option) -> float:
        """What this option does to the heads."""
        return self.sensitivity * option.error**2


@dataclass(frozen=True, slots=True)
class Point:
    """One mixture that was measured: what it adds to the whole network, and its agreement on the held-out images."""

    extra_macs: float
    vector_operations: int
    agreement: float


@dataclass(frozen=True, slots=True)
class Mixture:
    """`sums` by the activations' input tensors. `points` are all mixtures that were measured, by what they cost, and
    `chosen` is the place among them of the one that was taken: the cheapest that holds, else the one that agrees most.
    """

    sums: Mapping[str, ChannelSum]
    sites: tuple[Site, ...]
    picked: Mapping[str, Option]
    points: tuple[Point, ...]
    chosen: int
    held_out: int
    holds: bool

    @property
    def point(self) -> Point:
        """The one that was taken."""
        return self.points[self.chosen]
