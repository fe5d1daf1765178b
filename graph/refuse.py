"""Graphs that cannot be adapted, told apart before any work is done, each with the hint what to do."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, defs

from ..errors import AdaptError, Exit

CONTROL_FLOW = frozenset({"If", "Loop", "Scan"})
# Parts of operator names, in lower case; com.microsoft's are among them.
QUANTISED_MARKS = ("quantize", "qlinear", "qordered", "qgemm", "qattention", "matmulinteger", "convinteger", "nbits")
_LISTS = (AttributeProto.INTS, AttributeProto.FLOATS, AttributeProto.STRINGS)
_MOST_VALUES = 1 << 25  # 3 x 3344 x 3344
KNOWN_DOMAINS = frozenset({"", "ai.onnx", "com.microsoft"})


def refuse_unsupported(proto: ModelProto) -> None:
    """Raise AdaptError (exit 3) at the first node that no rewrite could ever take."""
    for node in proto.graph.node:
        reason, hint = _why_not(node)
        if reason:
            raise AdaptError(reason, where=f"node {label(node)}", hint=hint, code=Exit.UNSUPPORTED)
    _refuse_opset(proto)


def label(node: NodeProto) -> str:
    """The node's name, or its first output's where the exporter gave none."""
    return node.name or next(iter(node.output), node.op_type)


def _why_not(node: NodeProto) -> tuple[str, str]:
    op = node.op_type
    if op in CONTROL_FLOW:
        return (
            f"{op} makes the graph depend on data",
            "export with torch.jit.trace or torch.export, not with scripting",
        )
    if any(mark in op.lower() for mark in QUANTISED_MARKS):
        return f"{op}: the model is already quantised", "give the float model; the compiler quantises it"
    if "NMS" in op or op == "NonMaxSuppression":
        return (
            f"{op}: non-maximum suppression is inside the graph",
            "export without post-processing (no NMS, no end2end)",
        )
    if node.domain not in KNOWN_DOMAINS:
        return f"{op}: the operator domain {node.domain!r} is unknown", "export with standard ONNX operators"
    if node.domain != "com.microsoft" and not defs.has(op):
        return f"{op}: ONNX has no operator of this name", "export with standard ONNX operators"
    if any(a.HasField("g") or a.graphs for a in node.attribute):
        return f"{op} carries a subgraph", "export the model without control flow"
    for a in node.attribute:
        if a.type in _LISTS and not (a.ints or a.floats or a.strings):  # the runtime and the checker disagree on them
            return f"{op}: its attribute {a.name!r} is an empty list", "leave the attribute out"
    return "", ""


def _refuse_opset(proto: ModelProto) -> None:
    from .session import newest_opset

    for opset in proto.opset_import:
        if opset.domain in ("", "ai.onnx") and opset.version > newest_opset():
            raise AdaptError(
                f"opset {opset.version} is newer than the runtime knows ({newest_opset()})",
                hint="export with opset 17",
                code=Exit.UNSUPPORTED,
            )


def refuse_input(graph: GraphProto) -> None:
    """Raise AdaptError (exit 3) for an image input with a batch above one, or larger than any picture in use."""
    weights = {tensor.name for tensor in graph.initializer}
    for value in graph.input:
        dims = [d.dim_value for d in value.type.tensor_type.shape.dim]
        if value.name in weights or len(dims) != 4:
            continue
        where = f"input {value.name!r}"
        if dims[0] > 1:
            what = f"batch {dims[0]}: the NPU runs one image at a time"
            raise AdaptError(what, where=where, hint="export with batch 1", code=Exit.UNSUPPORTED)
        if math.prod(dims) > _MOST_VALUES:
            what = f"{'x'.join(map(str, dims))} is too large: more than {_MOST_VALUES} values"
            raise AdaptError(what, where=where, hint="export with a smaller input", code=Exit.UNSUPPORTED)


def refuse_misfits(graph: GraphProto) -> None:
    """Raise AdaptError (exit 2) at a Conv whose kernel does not fit its input, which onnx's inference does not look at.

    The graph's shapes are inferred.
    """
    shapes = {value.name: [d.dim_value for d in value.type.tensor_type.shape.dim] for value in graph.value_info}
    shapes |= {value.name: [d.dim_value for d in value.type.tensor_type.shape.dim] for value in graph.input}
    shapes |= {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    for node in graph.node:
        reason = _misfit(node, shapes) if node.op_type == "Conv" else ""
        if reason:
            what = f"the graph contradicts itself: {reason}"
            raise AdaptError(what, where=f"node {label(node)}", hint="export it again")


def _misfit(conv: NodeProto, shapes: Mapping[str, Sequence[int]]) -> str:
    image, kernel = (shapes.get(name) or () for name in conv.input[:2])
    if len(image) < 2 or len(kernel) < 2:
        return ""
    group = next((a.i for a in conv.attribute if a.name == "group"), 1)
    if image[1] and image[1] != kernel[1] * group:  # 0: not known
        return f"its input has {image[1]} channels, its kernel takes {group} x {kernel[1]}"
    bias = shapes.get(conv.input[2]) if len(conv.input) > 2 else None
    if bias and all(bias) and list(bias) != [kernel[0]]:  # 0: not known
        return f"its kernel gives {kernel[0]} channels, its bias has {'x'.join(map(str, bias))}"
    return ""
