"""Fold the scaling and shifting of a Conv output, by one constant or one per channel, into the Conv.

Before:   y = Conv(x, W, b) * c, / c, + c, - c, or c - Conv(x, W, b)      c of shape [], [1], [C, 1, 1], [1,
          C, 1, 1]
After:    y = Conv(x, W * k, b * k + s)
Declines: the constant is not one value per channel; the Conv parameters are computed; c / Conv; a division by
          0; the node is the first of a known activation, e.g. of Clip(Conv + 3, 0, 6) / 6.
Numerics: float products are re-associated (ROUNDING, rtol 1e-4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..graph.edit import Editor
from ..graph.model import Model
from ..graph.nodes import Node, is_constant
from ..graph.walk import constant, need, optional, sole_reader
from .core.activation import ELEMENTWISE, activation_at
from .core.rule import Certificate, Context, Rule


@dataclass(frozen=True, slots=True)
class Match:
    """The two nodes, and weight [O, I/group, ...] and bias [O] of the one Conv that replaces them."""

    node: Node
    conv: Node
    weight: NDArray[Any]
    bias: NDArray[Any]


def match(node: Node, context: Context) -> Match | None:
    """Look for a Conv whose output this node alone reads, with a constant as the other operand."""
    stored = [is_constant(tensor) for tensor in node.inputs]
    if stored.count(True) != 1:
        return None
    value, operand = node.inputs[stored.index(False)], node.inputs[stored.index(True)]
    if not value.inputs or value.inputs[0].op != "Conv" or sole_reader(value, context.model) is not node:
        return None
    conv = value.inputs[0]
    weight = constant(conv.inputs[1])
    given = optional(conv, 2)
    bias = np.zeros(len(weight)) if given is None else constant(given).astype(np.float64)
    c = _per_channel(constant(operand), len(weight), weight.ndim)
    factor, shift = _affine(node.op, c, constant_first=stored[0])
    activation = _activation_from(node, context.model)
    need(activation is None, f"it is the first node of a {activation}")
    scaled = weight * factor.reshape(-1, *[1] * (weight.ndim - 1))
    return Match(node, conv, scaled.astype(weight.dtype), (bias * factor + shift).astype(weight.dtype))


def _per_channel(values: NDArray[Any], channels: int, rank: int) -> NDArray[np.float64]:
    """The constant as one float64 per channel [C]; declines any other broadcast."""
    aligned = (1,) * (rank - values.ndim) + values.shape
    fits = len(aligned) == rank and aligned[1] in (1, channels) and values.size == aligned[1]
    need(fits, f"the constant of shape {list(values.shape)} is not one value per channel")
    return np.broadcast_to(values.astype(np.float64).ravel(), (channels,))


def _affine(
    op: str, c: NDArray[np.float64], *, constant_first: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(factor, shift), each [C], so that the node computes value * factor + shift."""
    one, zero = np.ones_like(c), np.zeros_like(c)
    if op == "Add":
        return one, c
    if op == "Sub":
        return (-one, c) if constant_first else (one, -c)
    if op == "Mul":
        return c, zero
    need(not constant_first, "it divides the constant by the Conv output")
    need(bool((c != 0).all()), "it divides by 0")
    return 1 / c, zero


def _activation_from(node: Node, model: Model) -> str | None:
    """The name of the known activation that this node is the first of; folding the node would hide it."""
    last = node
    while last.op in ELEMENTWISE:
        found = activation_at(last, model)
        if found is not None and any(member is node for member in found.nodes):
            return None if found.name in ("identity", "elementwise") else found.name
        if not last.outputs[0].outputs:
            return None
        last = last.outputs[0].outputs[0]
    return None


def rewrite(edit: Editor, found: Match) -> None:
    """Compute the node's tensor by the Conv itself."""
    y = found.node.outputs[0]
    weight = edit.constant(found.weight, f"{y.name}.weight")
    bias = edit.constant(found.bias, f"{y.name}.bias")
    edit.supersede(y, "Conv", [found.conv.inputs[0], weight, bias], found.conv.attrs)


RULE = Rule(
    "fold_affine",
    frozenset({"Add", "Sub", "Mul", "Div"}),
    match,
    rewrite,
    certificate=Certificate.ROUNDING,
    rtol=1e-4,
    after=frozenset({"drop_noop", "fold_batchnorm", "fold_constants"}),
)
