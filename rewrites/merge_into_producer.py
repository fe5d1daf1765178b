"""Merge a 1x1 convolution into the convolution before it, where that takes no more multiplications.

Before:   y = Conv1x1(Conv(x, W, b), V, c)
After:    y = Conv(x, V W, V b + c)
Declines: nothing: it acts on what activation_to_channel_sum wrote, once that is certified; a first convolution that
          something else reads, that is depthwise while the 1x1 is not, or a product that costs more stay as they are.
Numerics: float products are re-associated (ROUNDING, rtol 1e-4).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..graph.edit import Editor
from ..graph.nodes import Node
from ..graph.walk import sole_reader
from .core.pointwise import Affine, affine, is_pointwise
from .core.rule import Certificate, Context, Rule


@dataclass(frozen=True, slots=True)
class Match:
    """The 1x1 convolution, the one before it, and the parameters of the one that replaces both."""

    node: Node
    before: Node
    merged: Affine


def match(node: Node, context: Context) -> Match | None:
    """Look for two convolutions in a row."""
    if context.activation is None or not context.activation.merge or not is_pointwise(node):
        return None
    x = node.inputs[0]
    if not x.inputs or sole_reader(x, context.model) is not node:
        return None
    before = x.inputs[0]
    first, second = affine(before), affine(node)
    if first is None or second is None:
        return None
    merged = _merged(first, second)
    return None if merged is None else Match(node, before, merged)


def _merged(first: Affine, second: Affine) -> Affine | None:
    """The product of both; None where it has no place in one convolution, or costs more."""
    if second.groups > 1:
        factor = second.weight.reshape(-1)
        scaled = first.weight * factor.reshape(-1, 1, 1, 1)
        return Affine(scaled, first.bias * factor + second.bias, first.groups)
    if first.groups > 1:
        return None
    mixing: NDArray[np.float64] = second.weight[:, :, 0, 0]
    if len(mixing) * first.inputs > len(first.weight) * first.inputs + mixing.size:
        return None
    return Affine(np.tensordot(mixing, first.weight, axes=1), mixing @ first.bias + second.bias, 1)


def rewrite(edit: Editor, found: Match) -> None:
    """Compute the 1x1 convolution's tensor by the one before it."""
    y = found.node.outputs[0]
    weight = edit.constant(found.merged.weight.astype(np.float32), f"{y.name}.merged.weight")
    bias = edit.constant(found.merged.bias.astype(np.float32), f"{y.name}.merged.bias")
    edit.supersede(y, "Conv", [found.before.inputs[0], weight, bias], found.before.attrs)


RULE = Rule(
    "merge_into_producer",
    frozenset({"Conv"}),
    match,
    rewrite,
    certificate=Certificate.ROUNDING,
    rtol=1e-4,
    after=frozenset({"activation_to_channel_sum"}),
)
