"""Fold BatchNormalization into the Conv before it.

Before:   y = BatchNormalization(Conv(x, W, b), scale, shift, mean, var)
After:    y = Conv(x, W * k, (b - mean) * k + shift)      k = scale / sqrt(var + epsilon)
Declines: no Conv computes its input; something else reads the Conv output; a parameter is not constant; it is
          in training mode; the variance is negative.
Numerics: float products are re-associated (ROUNDING, rtol 1e-4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..graph.edit import Editor
from ..graph.nodes import Node
from ..graph.walk import constant, need, optional, producer, sole_reader
from .core.rule import Certificate, Context, Rule


@dataclass(frozen=True, slots=True)
class Match:
    """The two nodes, and weight [O, I/group, ...] and bias [O] of the one Conv that replaces them."""

    bn: Node
    conv: Node
    weight: NDArray[Any]
    bias: NDArray[Any]


def match(bn: Node, context: Context) -> Match:
    """Look for a Conv whose output the normalisation alone reads."""
    conv = producer(bn.inputs[0], "Conv")
    need(sole_reader(conv.outputs[0], context.model) is bn, "the Conv output has other readers", at=conv)
    training = bn.attrs.get("training_mode", 0) or sum(bool(tensor.name) for tensor in bn.outputs) > 1
    need(not training, "it is in training mode")
    need(bool(bn.attrs.get("spatial", 1)), "it normalises each pixel on its own")
    weight = constant(conv.inputs[1])
    given = optional(conv, 2)
    bias = np.zeros(len(weight)) if given is None else constant(given).astype(np.float64)
    scale, shift, mean, variance = (constant(tensor).astype(np.float64) for tensor in bn.inputs[1:5])
    fits = all(values.shape == (len(weight),) for values in (bias, scale, shift, mean, variance))
    need(fits, "its parameters are not one number a channel")
    variance = variance + bn.attrs.get("epsilon", 1e-5)
    need(bool((variance > 0).all()), "the variance is negative")
    k = scale / np.sqrt(variance)
    scaled = weight * k.reshape(-1, *[1] * (weight.ndim - 1))
    return Match(bn, conv, scaled.astype(weight.dtype), ((bias - mean) * k + shift).astype(weight.dtype))


def rewrite(edit: Editor, found: Match) -> None:
    """Compute the normalised tensor by the Conv itself."""
    y = found.bn.outputs[0]
    weight = edit.constant(found.weight, f"{y.name}.weight")
    bias = edit.constant(found.bias, f"{y.name}.bias")
    edit.supersede(y, "Conv", [found.conv.inputs[0], weight, bias], found.conv.attrs)


RULE = Rule(
    "fold_batchnorm",
    frozenset({"BatchNormalization"}),
    match,
    rewrite,
    certificate=Certificate.ROUNDING,
    rtol=1e-4,
    after=frozenset({"fold_constants"}),
)
