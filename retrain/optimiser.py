"""Steps that move each channel of each map by a share of its own deviation, whatever its inputs look like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from .least_squares import pack, unpack
from .metric import Metric

_MOMENTUM, _MEMORY = 0.9, 0.98


class Optimiser:
    """Adam in the metric of each convolution: running means of the gradient, and of its length in the metric.

    `constants` hold leaf tensors, which the steps change in place.
    """

    def __init__(self, constants: Mapping[str, Tensor], metrics: Sequence[Metric]) -> None:
        self._constants = constants
        self._metrics = metrics
        self._steps = 0
        self._means = [m.inverse.new_zeros(*m.inverse.shape[:2], self._outputs(m)) for m in metrics]
        self._lengths = [m.inverse.new_zeros(m.inverse.shape[0], self._outputs(m)) for m in metrics]

    def _outputs(self, metric: Metric) -> int:
        return len(self._constants[metric.weight]) // len(metric.inverse)

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def step(self, rate: float) -> None:
        """Follow the gradients: a channel moves by about `rate` of its deviation."""
        self._steps += 1
        first, second = 1 - _MOMENTUM**self._steps, 1 - _MEMORY**self._steps
        for metric, mean, length in zip(self._metrics, self._means, self._lengths, strict=True):
            weight, bias = self._constants[metric.weight], self._constants[metric.bias]
            if weight.grad is None or bias.grad is None:
                continue
            gradient = pack(weight.grad, bias.grad, len(metric.inverse))
            length.mul_(_MEMORY).add_((gradient * (metric.inverse @ gradient)).sum(1), alpha=1 - _MEMORY)
            mean.mul_(_MOMENTUM).add_(gradient, alpha=1 - _MOMENTUM)
            scale = metric.deviation.reshape(length.shape) / (length / second).sqrt().clamp_min(1e-20) / first
            moved, shift = unpack(metric.inverse @ mean * scale[:, None, :], weight)
            weight.sub_(moved, alpha=rate)
            if shift is not None:
                bias.sub_(shift, alpha=rate)

    def clear(self) -> None:
        """Forget the gradients of the last step."""
        for metric in self._metrics:
            for name in (metric.weight, metric.bias):
                self._constants[name].grad = None

    def state(self) -> dict[str, Any]:
        """What a later run needs to go on."""
        return {"steps": self._steps, "means": self._means, "lengths": self._lengths}

    def resume(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of the same network."""
        self._steps = int(state["steps"])
        for mine, old in zip((*self._means, *self._lengths), (*state["means"], *state["lengths"]), strict=True):
            mine.copy_(old)
