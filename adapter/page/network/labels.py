"""How a block names its operator, and how its window is told in full."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

from ....graph.nodes import Node


def _window(node: Node) -> list[int]:
    weight = node.inputs[1].shape if node.op.startswith("Conv") and len(node.inputs) > 1 else None
    return [int(size) for size in node.attrs.get("kernel_shape") or (weight or [])[2:]]


def _times(sizes: Iterable[int]) -> str:
    return "×".join(map(str, sizes))


def _is_depthwise(node: Node) -> bool:
    shape = node.inputs[0].shape or [0, 0]
    return node.op == "Conv" and node.attrs.get("group", 1) > 1 and node.attrs["group"] == shape[1]


def label(node: Node) -> str:
    """What stands in the block: operator, window and stride, as short as they can be told."""
    op = "DW" if _is_depthwise(node) else node.op
    if op == "Resize":
        before, after = (prod((t.shape or [1])[2:]) for t in (node.inputs[0], node.outputs[0]))
        scale = round((after / max(before, 1)) ** 0.5)
        return f"Upsample ×{scale}" if scale > 1 else op
    strides = set(node.attrs.get("strides", [1]))
    return " ".join([op, *filter(None, [_times(_window(node))]), *(f"/{s}" for s in sorted(strides - {1}))])


def kernel(node: Node) -> str:
    """Window, stride, dilation and groups in full."""
    window = _window(node)
    if not window:
        return ""
    said = [_times(window)]
    for key, word in (("strides", "stride"), ("dilations", "dilation")):
        sizes = node.attrs.get(key, [1])
        if set(sizes) != {1}:
            said.append(f"{word} {sizes[0] if len(set(sizes)) == 1 else _times(sizes)}")
    groups = node.attrs.get("group", 1)
    if groups > 1:
        said.append("depthwise" if _is_depthwise(node) else f"{groups} groups")
    return ", ".join(said)
