"""Structural anchors: names for places in the network that survive a re-export.

A convolution is known by its number in a walk that depends on the network alone: depth first from the heads (strides
ascending, obj, reg, cls), inputs left to right. So `s16.conv31.act` is the same layer whatever the exporter called it,
listed it after, or simplified around it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from .model import Model
from .nodes import Node, Tensor, is_constant
from .reading import Reading

_KINDS = {
    "Conv": "conv",
    "MaxPool": "pool",
    "AveragePool": "pool",
    "Concat": "concat",
    "Resize": "upsample",
    "Add": "add",
}


def anchors(model: Model, reading: Reading | None) -> dict[str, str]:
    """An anchor for every computed tensor, by tensor name, and for the heads by their names in the original, too.

    Call it on the normalised model with its heads exposed.
    """
    height = (model.inputs[0].shape or [0, 0, 0])[2] if model.inputs and len(model.inputs[0].shape or []) == 4 else 0
    heads = _head_anchors(reading)
    found: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for node in model.nodes:
        for tensor in node.outputs:
            found[tensor.name] = heads.get(tensor.name) or _anchor(node, tensor, found, counts, height)
    return {**heads, **found}


def _head_anchors(reading: Reading | None) -> Mapping[str, str]:
    if reading is None:
        return {}
    named = {}
    for level in reading.levels:
        for role, tensor in level.roles:
            named[tensor] = named[level.output(role)] = f"head[s{level.stride}].{role}"
    return named


def _anchor(node: Node, tensor: Tensor, found: Mapping[str, str], counts: Counter[str], height: int) -> str:
    sources = {found[t.name].removesuffix(".act") for t in node.inputs if not is_constant(t) and t.name in found}
    if node.op != "Conv" and not counts["conv"]:
        return "stem.focus"  # what moves data before the first convolution
    if node.op == "Conv" or len(sources) != 1 or node.op in _KINDS:
        kind = _KINDS.get(node.op, node.op.lower())
        if kind == "conv" and _is_focus(node):
            return "stem.focus"
        counts[kind] += 1
        return f"{_stride(tensor, height)}{kind}{counts[kind]}"
    return f"{sources.pop()}.act"


def _is_focus(node: Node) -> bool:
    """A space to depth written as a convolution: one-hot, as wide as its stride, on the image itself."""
    return node.attrs.get("kernel_shape") == node.attrs.get("strides") == [2, 2] and not node.inputs[0].inputs


def _stride(tensor: Tensor, height: int) -> str:
    shape = tensor.shape
    if not shape or len(shape) != 4 or not height or not shape[2] or height % shape[2]:
        return ""
    return f"s{height // shape[2]}."
