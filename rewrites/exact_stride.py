"""Make the stride divide the padded map, where the target's convolutions or pools want that.

Before:   (size - effective kernel + pads) is no multiple of the stride: the last padded rows are never read,
          or a pool rounds up (ceil_mode) and reads rows that no pad names
After:    end pad = (output - 1) * stride + effective kernel - size - begin pad, so that all of the map is
          read, no more
Declines: the last rows of the map itself are never read; a pool would pad as much as its kernel; an average
          would count the new cells; a MaxPool's indices are computed; a shape is not known.
Numerics: the same windows over the same cells (EXACT).
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
    """Look for a stride that does not divide the padded map."""
    if not context.target.exact_stride(node.op) or node.attrs.get("auto_pad", "NOTSET") != "NOTSET":
        return None
    static_shape(node.inputs[0])
    found = windows(node)
    if not any(window.remainder for window in found):
        return None
    old = list(node.attrs.get("pads") or [0] * 2 * len(found))
    begins, ends = old[: len(found)], []
    for window, begin, output in zip(found, begins, static_shape(node.outputs[0])[2:], strict=True):
        end = (output - 1) * window.stride + window.kernel - window.size - begin
        need(end >= 0, f"the last {-end} of {window.size} rows or columns are never read")
        ends.append(end)
    if node.op != "Conv":
        _need_poolable(node, old, begins + ends)
    return Match(node, tuple(begins + ends))


def _need_poolable(pool: Node, old: list[int], pads: list[int]) -> None:
    kernel = pool.attrs["kernel_shape"]
    small = all(size < kernel[axis % len(kernel)] for axis, size in enumerate(pads))
    need(small, f"a pool of kernel {kernel} cannot pad by {pads}")
    need(not any(tensor.name for tensor in pool.outputs[1:]), "its indices are computed")
    counts = pool.op == "AveragePool" and pool.attrs.get("count_include_pad", 0)
    grows = any(new > size for new, size in zip(pads, old, strict=True))
    need(not (counts and grows), "the average would count the cells that ceil_mode adds")


def rewrite(edit: Editor, found: Match) -> None:
    """The same node with pads that come out even; nothing is left to round."""
    node = found.node
    attrs = {key: value for key, value in node.attrs.items() if key != "ceil_mode"}
    edit.supersede(node.outputs[0], node.op, node.inputs, {**attrs, "pads": list(found.pads)})


RULE = Rule(
    "exact_stride",
    frozenset({"Conv", "MaxPool", "AveragePool"}),
    match,
    rewrite,
    after=frozenset({"explicit_pads", "fold_pad"}),
)
