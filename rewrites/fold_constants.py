"""Compute what depends on constants alone.

Before:   y = Op(constant, ...), the Shape / Size of a tensor whose shape is static, or CastLike(constant, x)
After:    y is a constant
Declines: nothing; a random operator is left alone.
Numerics: the runtime itself computes the value (EXACT).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..graph.edit import Editor
from ..graph.nodes import Node, constant_values, is_constant
from ..graph.session import evaluate_node
from ..graph.walk import constant
from .core.rule import Context, Rule

# A tensor larger than this is computed, not stored: folding an Expand must not blow the file up.
MOST_ELEMENTS = 1 << 22

_FOLDABLE = frozenset(
    "Shape Size Slice Concat Gather Unsqueeze Squeeze Cast Add Sub Mul Div Mod Range Expand Reshape Transpose Tile "
    "ConstantOfShape Floor Ceil Round Sqrt Pow Neg Abs Min Max Equal Where Greater Less GreaterOrEqual LessOrEqual Not "
    "And Or Identity ReduceProd ReduceSum ReduceMax ReduceMin Flatten Split GatherND ScatterND ScatterElements Exp Log "
    "Reciprocal Sigmoid CumSum OneHot NonZero Trilu EyeLike Pad Stack Sign MatMul Dropout CastLike".split()
)


@dataclass(frozen=True, slots=True)
class Match:
    """A node of one output and the value it always gives."""

    node: Node
    value: NDArray[Any]


def match(node: Node, context: Context) -> Match | None:
    """Look for a node that needs nothing but constants."""
    if len(node.outputs) != 1 or context.model.is_output(node.outputs[0]):
        return None
    if node.op in ("Shape", "Size"):
        shape = node.inputs[0].shape
        if shape is None or not all(isinstance(dim, int) for dim in shape):
            return None
        window = slice(node.attrs.get("start", 0), node.attrs.get("end"))
        value = np.asarray(shape[window] if node.op == "Shape" else int(np.prod(shape)), np.int64)
        return Match(node, value)
    if node.op == "CastLike" and is_constant(node.inputs[0]) and not is_constant(node.inputs[1]):
        kind = node.inputs[1].dtype
        return Match(node, constant(node.inputs[0]).astype(kind)) if isinstance(kind, type | np.dtype) else None
    if not all(is_constant(tensor) for tensor in node.inputs) or _is_large(node):
        return None
    values = [np.asarray(constant_values(tensor)) for tensor in node.inputs]
    return Match(node, evaluate_node(node.op, node.domain or "", context.model.opset, node.attrs, values))


def _is_large(node: Node) -> bool:
    shape = node.outputs[0].shape
    return shape is not None and all(isinstance(dim, int) for dim in shape) and int(np.prod(shape)) > MOST_ELEMENTS


def rewrite(edit: Editor, found: Match) -> None:
    """Store the value."""
    edit.freeze(found.node.outputs[0], found.value)


RULE = Rule("fold_constants", _FOLDABLE, match, rewrite)
