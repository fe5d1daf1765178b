"""What a network costs: multiply-accumulates and parameters."""

from __future__ import annotations

import math
from collections import Counter

from onnx import ModelProto


def count_macs(proto: ModelProto) -> int:
    """Multiply-accumulates of every Conv, ConvTranspose, Gemm and MatMul on static shapes; others count nothing."""
    return sum(macs_by_output(proto).values())


def macs_by_output(proto: ModelProto) -> dict[str, int]:
    """Multiply-accumulates of each node that has any, by the name of its first output."""
    shapes = {t.name: list(t.dims) for t in proto.graph.initializer}
    for value in [*proto.graph.value_info, *proto.graph.input, *proto.graph.output]:
        shapes[value.name] = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
    found = {}
    for node in proto.graph.node:
        weight = shapes.get(node.input[1]) if len(node.input) > 1 else None
        if weight is None:
            continue
        if node.op_type == "Conv":
            found[node.output[0]] = math.prod(shapes.get(node.output[0], [0])) * math.prod(weight[1:])
        elif node.op_type == "ConvTranspose":
            found[node.output[0]] = math.prod(shapes.get(node.input[0], [0])) * math.prod(weight[1:])
        elif node.op_type in ("Gemm", "MatMul"):
            turned = any(attribute.name == "transA" and attribute.i for attribute in node.attribute)
            inner = shapes.get(node.input[0], [0])[0 if turned else -1]
            found[node.output[0]] = math.prod(shapes.get(node.output[0], [0])) * inner
    return found


def count_parameters(proto: ModelProto) -> int:
    """Elements of all constants that a Conv, ConvTranspose, Gemm, MatMul or BatchNormalization reads."""
    sizes = {tensor.name: math.prod(tensor.dims) for tensor in proto.graph.initializer}
    weighted = ("Conv", "ConvTranspose", "Gemm", "MatMul", "BatchNormalization")
    read = {name for node in proto.graph.node if node.op_type in weighted for name in node.input}
    return sum(size for name, size in sizes.items() if name in read)


def vector_operations(proto: ModelProto) -> int:
    """Operations of the unit beside the array: products of depthwise Convs, values of Adds, and of a LeakyRelu or Relu
    that stands behind no Conv of its own.
    """
    macs = macs_by_output(proto)
    shapes = {value.name: value for value in [*proto.graph.value_info, *proto.graph.input, *proto.graph.output]}
    makers = {name: node for node in proto.graph.node for name in node.output}
    readers = Counter(name for node in proto.graph.node for name in set(node.input))
    total = 0
    for node in proto.graph.node:
        name = node.output[0]
        values = math.prod(dim.dim_value for dim in shapes[name].type.tensor_type.shape.dim) if name in shapes else 0
        if node.op_type == "Conv":
            groups = next((attribute.i for attribute in node.attribute if attribute.name == "group"), 1)
            total += macs.get(name, 0) if groups > 1 else 0
        elif node.op_type == "Add":
            total += values
        elif node.op_type in ("LeakyRelu", "Relu"):
            maker = makers.get(node.input[0])
            fused = maker is not None and maker.op_type == "Conv" and readers[node.input[0]] == 1
            total += 0 if fused else values
    return total
