"""What the ways to replace one activation add to the network, its neighbours left as they are."""

from __future__ import annotations

import math

from ...graph.model import Model
from ...graph.nodes import Node
from ...graph.walk import static_shape
from ...rewrites.core.activation import Activation
from ...rewrites.core.pointwise import affine
from .types import Form, Price


def price_of(found: Activation, model: Model, form: Form, hinges: int, vector_macs: int) -> Price:
    """One term behind a convolution is free: it goes into its weights. Else terms cost the vector unit a depthwise
    product each and an addition between each two; a wide map costs the array products before and behind it.
    """
    _, channels, h, w = static_shape(found.input)
    values = channels * h * w
    before = _convolution_before(found, model)
    if form == "wide":
        dense = hinges * channels * values
        ahead = behind = dense
        if before is not None and (made := affine(before)) is not None and made.groups == 1:
            ahead = min(dense, (hinges - 1) * made.inputs * values)
        folded = _into_readers(found, model, hinges)
        return Price(ahead + (dense if folded is None else min(behind, folded)), 0, vector_macs)
    if hinges == 1:
        return Price(0, 0, vector_macs) if before is not None else Price(values, values, vector_macs)
    return Price(hinges * values, (2 * hinges - 1) * values, vector_macs)


def _convolution_before(found: Activation, model: Model) -> Node | None:
    """The convolution whose output the activation alone reads."""
    x = found.input
    members = {id(node) for node in found.nodes}
    alone = all(id(reader) in members for reader in x.outputs) and not model.is_output(x)
    node = x.inputs[0] if x.inputs else None
    return node if alone and node is not None and affine(node) is not None else None


def _into_readers(found: Activation, model: Model, hinges: int) -> int | None:
    """What wider weights add to all that read the activation; None where one of them can't have them."""
    y, total = found.output, 0
    if model.is_output(y):
        return None
    for reader in {id(each): each for each in y.outputs}.values():
        made = affine(reader)
        if made is None or made.groups > 1 or any(reader.attrs.get("pads", ())) or reader.inputs[0] is not y:
            return None
        area = math.prod(static_shape(reader.outputs[0])[2:])
        total += (hinges - 1) * int(made.weight.size) * area
    return total
