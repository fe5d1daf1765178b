"""Shapes and types of every tensor, inferred without carrying the weights through the inference."""

from __future__ import annotations

import math
import re

import onnx
from onnx import ModelProto, TensorProto

from ..errors import AdaptError

# Shape arithmetic reads small integer tensors only; a larger initialiser is known by its shape alone.
_SMALL_ELEMENTS = 1024


def shaped(model: ModelProto) -> ModelProto:
    """A copy with the shapes that `infer_shapes` finds."""
    made = ModelProto()
    made.CopyFrom(model)
    infer_shapes(made)
    return made


def infer_shapes(proto: ModelProto, *, check: bool = False) -> None:
    """Fill `value_info` in place. With `check`, also raise AdaptError (exit 2) for a graph that contradicts itself."""
    bones = skeleton(proto)
    try:
        if check:
            onnx.checker.check_model(_with_some_output_shapes(bones))
        inferred = onnx.shape_inference.infer_shapes(bones, check_type=check, strict_mode=check, data_prop=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError, ValueError) as error:
        raise AdaptError(f"the graph contradicts itself: {_gist(error)}", hint="export it again") from error
    outputs = {value.name for value in proto.graph.output}
    del proto.graph.value_info[:]
    proto.graph.value_info.extend(value for value in inferred.graph.value_info if value.name not in outputs)
    for mine, theirs in zip(proto.graph.output, inferred.graph.output, strict=True):
        mine.CopyFrom(theirs)


def skeleton(proto: ModelProto) -> ModelProto:
    """The model with each large initialiser replaced by an input of its type and shape."""
    bones = ModelProto(ir_version=max(proto.ir_version, 4), opset_import=proto.opset_import)
    graph, source = bones.graph, proto.graph
    graph.name = source.name or "graph"
    graph.node.extend(source.node)
    graph.input.extend(source.input)
    graph.output.extend(source.output)
    declared = {value.name for value in source.input}
    for tensor in source.initializer:
        if is_small(tensor):
            graph.initializer.append(tensor)
        elif tensor.name not in declared:
            graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    return bones


def is_small(tensor: TensorProto) -> bool:
    """True for an initialiser that shape arithmetic might read, and that is cheap to copy; asking copies nothing."""
    return bool(math.prod(tensor.dims) <= _SMALL_ELEMENTS)


def _with_some_output_shapes(bones: ModelProto) -> ModelProto:
    """The same, with some shape for each output that the file leaves open: the checker asks for one, the runtime does
    not, and where constants decide it, it is known only once they are stored.
    """
    shown = ModelProto()
    shown.CopyFrom(bones)
    for value in shown.graph.output:
        kind = value.type.tensor_type
        if value.type.WhichOneof("value") in (None, "tensor_type") and not kind.HasField("shape"):
            value.CopyFrom(onnx.helper.make_tensor_value_info(value.name, kind.elem_type or TensorProto.FLOAT, []))
    return shown


def _gist(error: BaseException) -> str:
    """The sentence of a library's error that names the node and what is wrong with it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and not line.startswith("==>")]
    said = re.sub(r"\[\w+Error\]|Inference error\(s\):", "", (lines or [type(error).__name__])[0])
    said = re.sub(
        r"\(op_type:(\w+)(?:, node name: ([^)]*))?\)", lambda found: " ".join(filter(None, found.groups())), said
    )
    return " ".join(said.split())[:300]
