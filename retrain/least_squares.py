"""A convolution that makes of these inputs those outputs, as well as any can: least squares over sampled places.

Rows are [groups, inputs a group, samples]: the patch under the kernel at each place, a constant 1 last where there is a
bias. Coefficients are [groups, inputs a group, outputs a group].
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from .network import Operation

# Of the mean square of an input: how strongly the weights are held where they were. It settles what the samples leave
# open; the second is for as many samples as coefficients, and falls with the square of their number.
_RIDGE, _FEW_SAMPLES_RIDGE = 1e-3, 0.1


@dataclass(frozen=True, slots=True)
class Geometry:
    """What a convolution reads: as in ONNX, all attributes given; `with_bias` says whether it has one."""

    kernel: tuple[int, int]
    strides: tuple[int, int]
    pads: tuple[int, int, int, int]
    dilations: tuple[int, int]
    groups: int
    with_bias: bool

    @classmethod
    def of(cls, conv: Operation, weight: Tensor) -> Geometry:
        """That of an operation with this weight [o, i, kh, kw]."""
        get = conv.attrs.get
        return cls(
            (weight.shape[2], weight.shape[3]),
            tuple(get("strides", [1, 1])),
            tuple(get("pads", [0, 0, 0, 0])),
            tuple(get("dilations", [1, 1])),
            get("group", 1),
            len(conv.inputs) > 2 and bool(conv.inputs[2]),
        )


def rows_at(x: Tensor, places: Tensor, geometry: Geometry) -> Tensor:
    """What the convolution reads of x [1, c, h, w] at these places of its output map, in reading order."""
    top, left, bottom, right = geometry.pads
    padded = functional.pad(x, (left, right, top, bottom))
    patches = functional.unfold(padded, geometry.kernel, dilation=geometry.dilations, stride=geometry.strides)
    rows = patches[0][:, places].reshape(geometry.groups, -1, len(places))
    if not geometry.with_bias:
        return rows
    return torch.cat([rows, rows.new_ones(geometry.groups, 1, len(places))], 1)


def pack(weight: Tensor, bias: Tensor | None, groups: int) -> Tensor:
    """Weights [o, i, kh, kw] and bias [o] as coefficients."""
    packed = weight.reshape(groups, len(weight) // groups, -1)
    if bias is not None:
        packed = torch.cat([packed, bias.reshape(groups, -1, 1)], 2)
    return packed.transpose(1, 2)


def unpack(coefficients: Tensor, weight: Tensor) -> tuple[Tensor, Tensor | None]:
    """Coefficients as weights of the shape of `weight`, and as bias where they hold one."""
    flat = coefficients.transpose(1, 2).reshape(len(weight), -1)
    inputs = weight[0].numel()
    return flat[:, :inputs].reshape(weight.shape), flat[:, inputs] if flat.shape[1] > inputs else None


class LeastSquares:
    """The normal equations of these rows, with a ridge towards where the weights were."""

    def __init__(self, rows: Tensor, with_bias: bool) -> None:
        self.rows = rows
        self._samples = rows.shape[2]
        gram = (rows @ rows.transpose(1, 2)).double() / self._samples
        diagonal = gram.diagonal(dim1=1, dim2=2)
        ridge = _RIDGE + _FEW_SAMPLES_RIDGE * (gram.shape[1] / self._samples) ** 2
        self._ridge = (ridge * diagonal.mean(1) + 1e-9)[:, None].repeat(1, gram.shape[1])
        if with_bias:
            self._ridge[:, -1] = 1e-9
        self._factor = torch.linalg.cholesky(gram + torch.diag_embed(self._ridge))

    def predict(self, coefficients: Tensor) -> Tensor:
        """The outputs [channels, samples]."""
        return (coefficients.transpose(1, 2) @ self.rows).flatten(0, 1)

    def solve(self, target: Tensor, start: Tensor) -> Tensor:
        """The coefficients nearest to `target` [channels, samples], held towards `start`."""
        split = target.reshape(len(self.rows), -1, self._samples)
        right = (self.rows @ split.transpose(1, 2)).double() / self._samples + self._ridge[..., None] * start.double()
        return torch.cholesky_solve(right, self._factor).float()

    def refine(self, target: Tensor, start: Tensor, activation: Callable[[Tensor], Tensor], steps: int) -> Tensor:
        """Bring activation(outputs) near to `target`, from `start` on, by Gauss-Newton with a bound for the curvature.

        No slope of the activation is above the steepest that occurs, so each step with the equations of that slope
        lessens the error. The best coefficients are given.
        """
        factor = self._factor.float()
        best, least = start, torch.inf
        for _ in range(steps + 1):
            z = self.predict(start).requires_grad_()
            with torch.enable_grad():
                y = activation(z)
                total = y.sum()
            (slopes,) = torch.autograd.grad(total, z)
            missing = target - y.detach()
            error = float(missing.square().mean())
            if error < least:
                best, least = start, error
            steepest = max(1.0, float(slopes.abs().max())) ** 2
            pull = (missing * slopes).reshape(len(self.rows), -1, self._samples)
            right = self.rows @ pull.transpose(1, 2) / (self._samples * steepest)
            start = start + torch.cholesky_solve(right, factor)
        return best
