"""Elementwise regions: what may be judged on a few rows of the map, and how these are cut out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper

# An elementwise region is judged on about this many rows of the map: more show nothing new.
ROWS = 8
_POINTWISE = frozenset({"Add", "LeakyRelu", "Relu", "Mul", "Sigmoid", "Clip", "HardSwish"})


def is_elementwise(region: Sequence[NodeProto], weights: Mapping[str, TensorProto]) -> bool:
    """True where every row of the result is the same function of the same row of what the region reads."""
    return all(_is_same_in_every_row(node, weights) for node in region)


def _is_same_in_every_row(node: NodeProto, weights: Mapping[str, TensorProto]) -> bool:
    if node.domain not in ("", "ai.onnx"):
        return False
    if node.op_type == "Conv":
        return _is_1x1(node)
    stored = (list(weights[name].dims) for name in node.input if name in weights)
    return node.op_type in _POINTWISE and all(len(dims) < 2 or dims[-2] == 1 for dims in stored)


def _is_1x1(conv: NodeProto) -> bool:
    """A scale and shift per channel, or a mixing of channels, written as a convolution."""
    attrs = {attribute.name: helper.get_attribute_value(attribute) for attribute in conv.attribute}
    return (
        set(attrs.get("kernel_shape", [0])) == {1}
        and set(attrs.get("strides", [1])) == {1}
        and not any(attrs.get("pads", []))
    )


def cut(name: str, result: str, height: int, mark: str) -> tuple[NodeProto, list[TensorProto]]:
    """A Slice that spreads about ROWS rows evenly over a map [1, c, height, w], and its constants (opset 10 on)."""
    numbers = {"from": 0, "to": height, "axis": 2, "step": height // ROWS}
    stored = [numpy_helper.from_array(np.array([n], np.int64), f"{mark}{key}{n}") for key, n in numbers.items()]
    return helper.make_node("Slice", [name, *(tensor.name for tensor in stored)], [result]), stored
