"""How a change of a convolution's constants changes its map: the second moments of what it reads.

Convolutions that were solved for by least squares lie in narrow valleys: their inputs are strongly correlated, and a
step that takes each weight for itself leaves the valley at once. Steps are therefore measured by what they do to the
map (as in Benzing, Gradient descent on neurons and its link to approximate second-order optimization, 2022).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from .least_squares import Geometry, rows_at
from .network import Network, Operation

_DAMPING = 1e-2  # of the mean square of an input
_MOST_ROWS = 16_384
_MOST_NUMBERS = 1 << 25


@dataclass(frozen=True, slots=True)
class Metric:
    """Of one convolution: `inverse` [groups, d, d] of its inputs' second moments, the constant 1 last, and the
    `deviation` [o] of each channel of its map.
    """

    weight: str
    bias: str
    inverse: Tensor
    deviation: Tensor

    def on(self, device: torch.device) -> Metric:
        """The same on this device."""
        return replace(self, inverse=self.inverse.to(device), deviation=self.deviation.to(device))


@torch.no_grad()  # type: ignore[untyped-decorator]
def measure(network: Network, pictures: Sequence[Tensor], seed: int = 0) -> list[Metric]:
    """The metric of every convolution that has a bias, from inputs [1, c, h, w]; one without, as a Focus, stays."""
    random = torch.Generator().manual_seed(seed)
    rows: dict[str, list[Tensor]] = {}
    square: dict[str, Tensor] = {}
    convolutions = {each.output: each for each in network.convolutions if len(each.inputs) > 2}

    def watch(operation: Operation, source: Tensor, value: Tensor) -> Tensor:
        if operation.output in convolutions:
            weight = network.constants[operation.inputs[1]]
            geometry = Geometry.of(operation, weight)
            most = min(_MOST_ROWS, _MOST_NUMBERS // (geometry.groups * (weight[0].numel() + 1)))
            count = min(value.shape[2] * value.shape[3], max(1, most // len(pictures)))
            places = torch.randperm(value.shape[2] * value.shape[3], generator=random)[:count]
            seen = rows_at(source, places, geometry)
            gram = seen @ seen.transpose(1, 2) / count
            rows.setdefault(operation.output, []).append(gram)
            variance = value.var((0, 2, 3), correction=0)
            square[operation.output] = square.get(operation.output, torch.zeros_like(variance)) + variance
        return value

    for picture in pictures:
        network.run(picture, revise=watch)
    return [
        _metric(each, torch.stack(rows.pop(name)).mean(0), square[name] / len(pictures))
        for name, each in convolutions.items()
    ]


def _metric(conv: Operation, gram: Tensor, variance: Tensor) -> Metric:
    damping = _DAMPING * gram.diagonal(dim1=1, dim2=2).mean(1) + 1e-9
    damped = gram.double() + damping[:, None, None] * torch.eye(gram.shape[1], dtype=torch.float64)
    return Metric(conv.inputs[1], conv.inputs[2], torch.linalg.inv(damped).float(), variance.sqrt().clamp_min(1e-4))
