"""Convolutions as the affine maps that they are: what merging two of them needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...graph.nodes import Node, constant_values
from ...graph.walk import optional


@dataclass(frozen=True, slots=True, eq=False)
class Affine:
    """Weight float64 [o, i / groups, h, w] and bias [o] of a convolution with 1 group, or depthwise (o = groups)."""

    weight: NDArray[np.float64]
    bias: NDArray[np.float64]
    groups: int

    @property
    def inputs(self) -> int:
        """Products for each value of an output channel."""
        return int(np.prod(self.weight.shape[1:]))


def affine(node: Node) -> Affine | None:
    """The parameters of a Conv in two axes whose weights are stored; None for anything else."""
    if node.op != "Conv" or len(node.inputs) < 2:
        return None
    weight, bias = constant_values(node.inputs[1]), optional(node, 2)
    shift = np.zeros(0) if bias is None else constant_values(bias)
    if weight is None or shift is None or weight.ndim != 4:
        return None
    groups = int(node.attrs.get("group", 1))
    if groups not in (1, len(weight)) or (groups > 1 and weight.shape[1] != 1):
        return None
    values = np.zeros(len(weight)) if bias is None else shift.astype(np.float64)
    return Affine(weight.astype(np.float64), values, groups)


def is_pointwise(node: Node) -> bool:
    """True for a 1x1 convolution of stride 1 without padding."""
    found = affine(node)
    return (
        found is not None
        and found.weight.shape[2:] == (1, 1)
        and set(node.attrs.get("strides", (1,))) == {1}
        and not any(node.attrs.get("pads", ()))
        and node.attrs.get("auto_pad", "NOTSET") in ("NOTSET", "VALID")
    )
