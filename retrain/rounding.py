"""A network on the codes of an integer one, gradients going straight through the rounding (the straight-through
estimator of Bengio, Leonard and Courville, 2013, as quantisation-aware training uses it).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from .network import Operation


@dataclass(frozen=True, slots=True)
class Grid:
    """The values that can be held: codes in -most..most times `step`, float [c], one for each channel."""

    step: Tensor
    most: int

    def rounded(self, value: Tensor, axis: int) -> Tensor:
        """The nearest of them, channels along `axis`; the gradient is that of `value` where it is within the range."""
        shape = [1] * value.ndim
        shape[axis] = -1
        step = self.step.to(value.device).reshape(shape)
        held = value.clamp(-self.most * step, self.most * step)
        return held + (torch.round(held / step) * step - held).detach()


@dataclass(frozen=True, slots=True)
class Rounding:
    """The grids of maps by name, [n, c, h, w], and those of weights by their constants, [o, i, kh, kw]."""

    maps: Mapping[str, Grid]
    weights: Mapping[str, Grid]

    def __call__(self, operation: Operation, _: Tensor, value: Tensor) -> Tensor:
        """The map on its codes (a Revise)."""
        grid = self.maps.get(operation.output)
        return value if grid is None else grid.rounded(value, 1)

    def constants(self, constants: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The same with the weights on their codes."""
        return {
            name: self.weights[name].rounded(value, 0) if name in self.weights else value
            for name, value in constants.items()
        }
