"""From the original's activations to the target's, slowly: a blend of both that a training lives with."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from .network import Network, Operation
from .region import region


class Homotopy:
    """`share` of each replaced activation is the target's already, the rest still the original's: 0 to 1.

    `activations` names the map behind each activation by the map before it.
    """

    def __init__(self, teacher: Network, activations: Mapping[str, str], share: float = 0.0) -> None:
        self.share = share
        self._before = {behind: before for before, behind in activations.items()}
        self._original = {behind: region(teacher, before, behind) for before, behind in activations.items()}
        self._kept: dict[str, Tensor] = {}

    def __call__(self, operation: Operation, _: Tensor, value: Tensor) -> Tensor:
        """The value to go on with (a Revise); the student's maps come in the order of computation."""
        name = operation.output
        if name in self._before and self.share < 1:
            kept = self._kept.pop(self._before[name])
            return self.share * value + (1 - self.share) * self._original[name](kept)
        if name in self._before.values():
            self._kept[name] = value
        return value
