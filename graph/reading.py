"""What the head outputs of a network mean: the value that a family's proof gives and the head rewrite takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Level:
    """One detection level: its stride in pixels, its grid (h, w) in cells, and the raw head tensors of each role.

    `extra` holds further roles in order as (role, tensor), e.g. key points.
    """

    stride: int
    grid: tuple[int, int]
    obj: str
    reg: str
    cls: str
    extra: tuple[tuple[str, str], ...] = ()

    @property
    def roles(self) -> tuple[tuple[str, str], ...]:
        """(role, tensor name) in the order of the adapted model's outputs: obj, reg, cls, then the others."""
        return (("obj", self.obj), ("reg", self.reg), ("cls", self.cls), *self.extra)

    def output(self, role: str) -> str:
        """The adapted model's name for a role of this level, e.g. "obj_s8"."""
        return f"{role}_s{self.stride}"


@dataclass(frozen=True, slots=True)
class Reading:
    """A family's proven reading: levels by ascending stride, class count, and where sigmoid and decode happened.

    `proof_max_abs` is the largest difference between the model's own tail and the family's reference.
    """

    family: str
    levels: tuple[Level, ...]
    classes: int
    sigmoid_inside: bool
    decoded_inside: bool
    proof_max_abs: float

    def outputs(self) -> tuple[tuple[str, str], ...]:
        """(tensor name in the original, output name in the adapted model), in output order."""
        return tuple((name, level.output(role)) for level in self.levels for role, name in level.roles)

    def by_tensor(self, heads: Mapping[str, _T]) -> dict[str, _T]:
        """What is keyed by the adapted model's output names, keyed by the tensors of the original."""
        return {tensor: heads[output] for tensor, output in self.outputs()}
