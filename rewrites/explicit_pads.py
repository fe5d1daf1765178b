"""Write auto_pad out as pads.

Before:   y = Conv(x, W, b) of auto_pad SAME_UPPER, SAME_LOWER or VALID; likewise MaxPool, AveragePool
After:    the same with pads; SAME pads by max((ceil(size / stride) - 1) * stride + effective kernel - size,
          0), half of it at each end, an odd cell at the end for SAME_UPPER, at the begin for SAME_LOWER
Declines: a shape is not known; auto_pad together with ceil_mode.
Numerics: the definition of auto_pad (ONNX Conv) itself (EXACT).
"""

from __future__ import annotations

from dataclasses import dataclass

from ..graph.edit import Editor
from ..graph.nodes import Node
from ..graph.walk import need, static_shape
from ..targets.geometry import windows
from .core.rule import Context, Rule


@dataclass(frozen=True, slots=True)
class Match:
    """The node and its pads (all begins, then all ends)."""

    node: Node
    pads: tuple[int, ...]


def match(node: Node, context: Context) -> Match | None:
    """Look for an automatic padding."""
    auto_pad = node.attrs.get("auto_pad", "NOTSET")
    if auto_pad == "NOTSET":
        return None
    need(not node.attrs.get("ceil_mode", 0), f"auto_pad is {auto_pad} and ceil_mode is set")
    static_shape(node.inputs[0])
    totals = [0 if auto_pad == "VALID" else window.pads for window in windows(node)]
    less, more = [total // 2 for total in totals], [(total + 1) // 2 for total in totals]
    return Match(node, tuple(more + less if auto_pad == "SAME_LOWER" else less + more))


def rewrite(edit: Editor, found: Match) -> None:
    """The same node with pads."""
    node = found.node
    attrs = {key: value for key, value in node.attrs.items() if key != "auto_pad"}
    edit.supersede(node.outputs[0], node.op, node.inputs, {**attrs, "pads": list(found.pads)})


RULE = Rule("explicit_pads", frozenset({"Conv", "MaxPool", "AveragePool"}), match, rewrite)
