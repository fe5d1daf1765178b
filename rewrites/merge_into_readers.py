"""Merge a 1x1 convolution into the convolutions that read it, where that takes no more multiplications.

Before:   y = Conv1x1(x, V, c); z = Conv(y, W, b), without padding, for each reader of y
After:    z = Conv(x, W V, W c + b)
Declines: nothing: it acts on what activation_to_channel_sum wrote, once that is certified; a reader that is no
          convolution, is depthwise or pads, and products that cost more leave it as it is.
Numerics: float products are re-associated (ROUNDING, rtol 1e-4).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..graph.edit import Editor
from ..graph.nodes import Node
from ..graph.walk import static_shape
from .core.pointwise import Affine, affine, is_pointwise
from .core.rule import Certificate, Context, Rule


@dataclass(frozen=True, slots=True)
class Match:
    """The 1x1 convolution, its readers, and the parameters that each of them gets."""

    node: Node
    readers: tuple[Node, ...]
    merged: tuple[Affine, ...]


def match(node: Node, context: Context) -> Match | None:
    """Look for a mixing of channels that only convolutions read."""
    if context.activation is None or not context.activation.merge or not is_pointwise(node):
        return None
    y, second = node.outputs[0], affine(node)
    readers = tuple({id(reader): reader for reader in y.outputs}.values())
    if second is None or second.groups > 1 or context.model.is_output(y) or not readers:
        return None
    found = [affine(reader) for reader in readers]
    plain = [each for each in found if each is not None and each.groups == 1]
    padded = any(any(reader.attrs.get("pads", ())) for reader in readers)
    if padded or len(plain) < len(readers) or any(reader.inputs[0] is not y for reader in readers):
        return None
    areas = [math.prod(static_shape(reader.outputs[0])[2:]) for reader in readers]
    before = second.weight.size * math.prod(static_shape(y)[2:])
    before += sum(each.weight.size * area for each, area in zip(plain, areas, strict=True))
    merged = tuple(_merged(each, second) for each in plain)
    after = sum(each.weight.size * area for each, area in zip(merged, areas, strict=True))
    return Match(node, readers, merged) if after <= before else None


def _merged(reader: Affine, before: Affine) -> Affine:
    weight = np.einsum("ochw,ci->oihw", reader.weight, before.weight[:, :, 0, 0])
    return Affine(weight, reader.bias + reader.weight.sum(axis=(2, 3)) @ before.bias, 1)


def rewrite(edit: Editor, found: Match) -> None:
    """Let every reader read what the 1x1 convolution read."""
    x = found.node.inputs[0]
    for reader, merged in zip(found.readers, found.merged, strict=True):
        z = reader.outputs[0]
        weight = edit.constant(merged.weight.astype(np.float32), f"{z.name}.merged.weight")
        bias = edit.constant(merged.bias.astype(np.float32), f"{z.name}.merged.bias")
        edit.supersede(z, "Conv", [x, weight, bias], reader.attrs)


RULE = Rule(
    "merge_into_readers",
    frozenset({"Conv"}),
    match,
    rewrite,
    certificate=Certificate.ROUNDING,
    rtol=1e-4,
    after=frozenset({"merge_into_producer"}),
)
