"""Spellings brought to one form before the graph is taken in hand; none of this changes what it computes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, TensorShapeProto, numpy_helper

from ..errors import AdaptError, Exit
from .nodes import distinct
from .refuse import refuse_input

_HALF = (TensorProto.FLOAT16, TensorProto.BFLOAT16)
_NO_AXES = "export without dynamic axes"


def inline_functions(proto: ModelProto) -> None:
    """Replace calls of the model's own functions by their bodies."""
    if not proto.functions:
        return
    from onnx import inliner

    proto.CopyFrom(inliner.inline_local_functions(proto))


def name_apart(proto: ModelProto) -> None:
    """Name the graph, as the standard asks, and give nodes of one name different ones, as the runtime asks."""
    proto.graph.name = proto.graph.name or "graph"
    nodes = proto.graph.node
    for node, name in zip(nodes, distinct(node.name for node in nodes), strict=True):
        if node.name != name:
            node.name = name


def pin_input_shape(proto: ModelProto, shape: tuple[int, ...] | None) -> None:
    """Give the image input its static shape. Raises AdaptError where an axis stays open or contradicts `shape`."""
    weights = {tensor.name for tensor in proto.graph.initializer}
    inputs = [value for value in proto.graph.input if value.name not in weights]
    if shape is not None and len(inputs) != 1:
        raise AdaptError(f"--input-shape needs a model with one input, this one has {len(inputs)}", hint=_NO_AXES)
    changed = False
    for value in inputs:
        dims, has_rank = value.type.tensor_type.shape.dim, value.type.tensor_type.HasField("shape")
        if shape is not None and not has_rank:
            dims.extend([TensorShapeProto.Dimension()] * len(shape))
        known = [d.dim_value if d.HasField("dim_value") and d.dim_value > 0 else None for d in dims]
        wanted = list(shape) if shape is not None else known
        if len(wanted) != len(known) or any(k not in (None, w) for k, w in zip(known, wanted, strict=True)):
            raise AdaptError(
                f"--input-shape {_say(wanted)} contradicts the model's {_say(known)}",
                where=f"input {value.name!r}",
            )
        if None in wanted or not (has_rank or wanted):
            raise AdaptError(
                f"dynamic axes {_say(known)}" if known else "not even the number of axes is known",
                where=f"input {value.name!r}",
                hint=f"add --input-shape {_example(known)}" if len(inputs) == 1 else _NO_AXES,
            )
        for dim, size in zip(dims, wanted, strict=True):
            changed = changed or dim.dim_value != size
            dim.dim_value = size or 0
    if changed:
        del proto.graph.value_info[:]  # recorded for the open axes
        for value in proto.graph.output:  # the number of axes stays: the checker asks for it, inference may not find it
            for dim in value.type.tensor_type.shape.dim:
                dim.Clear()
    refuse_input(proto.graph)


def _say(dims: Sequence[int | None]) -> str:
    return "x".join("?" if d is None else str(d) for d in dims)


def _example(known: Sequence[int | None]) -> str:
    known = known or [None] * 4
    usual = [1, 3, 640, 640] if len(known) == 4 else [1] * len(known)
    return "x".join(str(k or u) for k, u in zip(known, usual, strict=True))


def constants_to_initialisers(proto: ModelProto) -> None:
    """Turn Constant nodes into initialisers, whatever attribute holds the value."""
    kept = [node for node in proto.graph.node if node.op_type != "Constant"]
    if len(kept) == len(proto.graph.node):
        return
    for node in proto.graph.node:
        if node.op_type == "Constant":
            tensor = _constant_tensor(node)
            tensor.name = node.output[0]
            proto.graph.initializer.append(tensor)
    del proto.graph.node[:]
    proto.graph.node.extend(kept)


def _constant_tensor(node: NodeProto) -> TensorProto:
    for attribute in node.attribute:
        if attribute.type == AttributeProto.TENSOR:
            tensor: TensorProto = TensorProto.FromString(attribute.t.SerializeToString())
            return tensor
        if attribute.type in (AttributeProto.FLOAT, AttributeProto.FLOATS):
            return numpy_helper.from_array(np.asarray(onnx.helper.get_attribute_value(attribute), np.float32))
        if attribute.type in (AttributeProto.INT, AttributeProto.INTS):
            return numpy_helper.from_array(np.asarray(onnx.helper.get_attribute_value(attribute), np.int64))
    raise AdaptError("a Constant of text or sparse values", where=f"node {node.output[0]!r}", code=Exit.UNSUPPORTED)


def widen_half(proto: ModelProto) -> None:
    """Widen float16 / bfloat16 weights, inputs and casts to float32; every half value is a float32 value too."""
    graph = proto.graph
    for value in [*graph.input, *graph.output, *graph.value_info]:
        if value.type.tensor_type.elem_type in _HALF:
            value.type.tensor_type.elem_type = TensorProto.FLOAT
    tensors = list(graph.initializer)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == AttributeProto.TENSOR:
                tensors.append(attribute.t)
            if attribute.name in ("to", "dtype") and attribute.i in _HALF:
                attribute.i = TensorProto.FLOAT
    for tensor in tensors:
        if tensor.data_type in _HALF:
            name = tensor.name
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), name))
