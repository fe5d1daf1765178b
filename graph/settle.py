"""Shapes that ONNX's inference leaves open although constants alone decide them.

The inference reads the operands of a Slice or a Resize only where they are stored; exporters that fold no constants
compute them from constants by Unsqueeze, Concat, Cast and the like.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, ValueInfoProto, helper, numpy_helper

from .session import evaluate_node
from .shapes import infer_shapes, is_small
from .versions import opset_of

_ARITHMETIC = frozenset(
    "Unsqueeze Squeeze Concat Gather Slice Cast Add Sub Mul Div Mod Floor Ceil Neg Min Max Sqrt Reshape ReduceProd "
    "Identity".split()
)
_Values = Mapping[str, NDArray[Any]]


def settle_shapes(proto: ModelProto) -> None:
    """Infer all shapes in place; while some stay open, store what constants alone decide, and infer again.

    Raises AdaptError (exit 2) for a graph that contradicts itself.
    """
    infer_shapes(proto, check=True)
    while not _is_settled(proto) and _store_constants(proto):
        infer_shapes(proto, check=True)


def _is_settled(proto: ModelProto) -> bool:
    return all(_static_dims(value) is not None for value in (*proto.graph.value_info, *proto.graph.output))


def _static_dims(value: ValueInfoProto) -> list[int] | None:
    kind = value.type.tensor_type
    known = kind.HasField("shape") and all(dim.HasField("dim_value") for dim in kind.shape.dim)
    return [dim.dim_value for dim in kind.shape.dim] if known else None


def _store_constants(proto: ModelProto) -> bool:
    """Store the shapes of static tensors and the results of arithmetic on small constants. False: there are none."""
    graph, opset = proto.graph, opset_of(proto)
    dims = {value.name: _static_dims(value) for value in (*graph.value_info, *graph.input)}
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer if is_small(tensor)}
    outputs, others = {value.name for value in graph.output}, []
    for node in graph.node:
        found = _value(node, dims, values, opset) if outputs.isdisjoint(node.output) else None
        if found is None:
            others.append(node)
        else:
            values[node.output[0]] = found
            graph.initializer.append(numpy_helper.from_array(found, node.output[0]))
    if len(others) == len(graph.node):
        return False
    del graph.node[:]
    graph.node.extend(others)
    return True


def _value(node: NodeProto, dims: Mapping[str, list[int] | None], values: _Values, opset: int) -> NDArray[Any] | None:
    """What the node always gives, None where that hangs on the image or on more than small numbers."""
    attrs = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    if node.op_type == "Shape" and (known := dims.get(node.input[0])) is not None:
        return np.asarray(known[attrs.get("start", 0) : attrs.get("end")], np.int64)
    if node.op_type in _ARITHMETIC and all(name in values for name in node.input):
        return evaluate_node(node.op_type, node.domain, opset, attrs, [values[name] for name in node.input])
    return None
