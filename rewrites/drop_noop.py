"""Drop a node that passes its input on unchanged.

Before:   y = Identity(x), inference Dropout, Cast to x's own type, Concat of one, x + 0, x - 0, x * 1, x / 1,
          Pad by 0, Reshape, Flatten, Squeeze, Unsqueeze, Expand to x's own shape, Tile by 1, Transpose that
          moves no data, Slice of everything, Resize or Upsample by 1, a 1x1 pool of stride 1
After:    the readers of y read x
Declines: y has to stay: it is a graph output, and x is a graph input, another output or a constant; a second
          output (a Dropout's mask, a MaxPool's indices) is read.
Numerics: nothing is computed (EXACT).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from onnx import helper

from ..graph.edit import Editor
from ..graph.nodes import Node, Tensor, constant_values, is_constant
from ..graph.walk import need, optional
from .core.rule import Context, Rule


@dataclass(frozen=True, slots=True)
class Match:
    """`output` always holds what `source` holds."""

    output: Tensor
    source: Tensor


def match(node: Node, context: Context) -> Match | None:
    """Look for an operator that, with these parameters, returns one of its inputs."""
    source = _PASSED[node.op](node)
    if source is None:
        return None
    model, output = context.model, node.outputs[0]
    for other in node.outputs[1:]:
        need(not other.outputs and not model.is_output(other), f"its output {other.name} is read")
    if model.is_output(output):
        need(not model.is_input(source), "it stands between a graph input and a graph output")
        need(not model.is_output(source), "both of its sides are graph outputs")
        need(not is_constant(source), "it gives a graph output a constant")
        maker = source.inputs[0]
        need(len(maker.outputs) == 1, "a node of several outputs would compute the graph output", at=maker)
    return Match(output, source)


def rewrite(edit: Editor, found: Match) -> None:
    """Let the readers read the source."""
    edit.forward(found.output, found.source)


def _always(node: Node) -> Tensor | None:
    return node.inputs[0]


def _dropout(node: Node) -> Tensor | None:
    training = optional(node, 2)
    return node.inputs[0] if training is None or _holds_only(training, 0) else None


def _cast(node: Node) -> Tensor | None:
    kind = node.inputs[0].dtype
    same = kind is not None and helper.np_dtype_to_tensor_dtype(np.dtype(kind)) == node.attrs["to"]
    return node.inputs[0] if same else None


def _concat(node: Node) -> Tensor | None:
    return node.inputs[0] if len(node.inputs) == 1 else None


def _neutral(node: Node) -> Tensor | None:
    """The operand beside a constant that changes nothing: 0 in a sum, 1 in a product."""
    neutral = 0 if node.op in ("Add", "Sub") else 1
    first, second = node.inputs
    if _holds_only(second, neutral) and _keeps_shape(node, first):
        return first
    commutes = node.op in ("Add", "Mul")
    return second if commutes and _holds_only(first, neutral) and _keeps_shape(node, second) else None


def _reshaped(node: Node) -> Tensor | None:
    return node.inputs[0] if _keeps_shape(node, node.inputs[0]) else None


def _squeeze(node: Node) -> Tensor | None:
    """An empty list of axes means none to ONNX's shape inference, all to ONNX Runtime: size 1 stays."""
    return None if 1 in (node.inputs[0].shape or ()) else _reshaped(node)


def _transpose(node: Node) -> Tensor | None:
    """Axes of size 1 may go anywhere: what counts is that the others keep their order."""
    shape = node.inputs[0].shape
    if shape is None or not _keeps_shape(node, node.inputs[0]):
        return None
    order = node.attrs.get("perm") or list(reversed(range(len(shape))))
    moved = [axis for axis in order if shape[axis] != 1]
    return node.inputs[0] if moved == sorted(moved) else None


def _slice(node: Node) -> Tensor | None:
    """A Slice that keeps the shape takes everything, but with step -1 in reverse."""
    steps = optional(node, 4)
    forward = steps is None or _holds_only(steps, 1)
    return node.inputs[0] if forward and _keeps_shape(node, node.inputs[0]) else None


def _pad(node: Node) -> Tensor | None:
    pads = constant_values(node.inputs[1]) if len(node.inputs) > 1 else np.asarray(node.attrs["pads"])
    return node.inputs[0] if pads is not None and not pads.any() else None


def _resize(node: Node) -> Tensor | None:
    """Sizes that stay mean a scale of 1; scales must be 1 themselves, for the sizes are rounded down."""
    if node.attrs.get("coordinate_transformation_mode") in ("tf_crop_and_resize", "tf_half_pixel_for_nn"):
        return None
    if "scales" in node.attrs:
        stays = all(scale == 1 for scale in node.attrs["scales"])
    else:
        scales = optional(node, 2 if len(node.inputs) > 2 else 1)
        stays = optional(node, 3) is not None if scales is None else _holds_only(scales, 1)
    return node.inputs[0] if stays and _keeps_shape(node, node.inputs[0]) else None


def _pool(node: Node) -> Tensor | None:
    ones = all(size == 1 for key in ("kernel_shape", "strides") for size in node.attrs.get(key, []))
    return node.inputs[0] if ones and _keeps_shape(node, node.inputs[0]) else None


def _holds_only(tensor: Tensor, value: float) -> bool:
    values = constant_values(tensor)
    return values is not None and bool((values == value).all())


def _keeps_shape(node: Node, source: Tensor) -> bool:
    before, after = source.shape, node.outputs[0].shape
    if before is None or after is None or not all(isinstance(size, int) for size in before):
        return False
    return list(before) == list(after)


_PASSED: Mapping[str, Callable[[Node], Tensor | None]] = MappingProxyType(
    {
        "Identity": _always,
        "Dropout": _dropout,
        "Cast": _cast,
        "Concat": _concat,
        **dict.fromkeys(("Add", "Sub", "Mul", "Div"), _neutral),
        **dict.fromkeys(("Reshape", "Flatten", "Unsqueeze", "Expand", "Tile"), _reshaped),
        "Squeeze": _squeeze,
        "Transpose": _transpose,
        "Slice": _slice,
        "Pad": _pad,
        **dict.fromkeys(("Resize", "Upsample"), _resize),
        **dict.fromkeys(("AveragePool", "MaxPool"), _pool),
    }
)

RULE = Rule("drop_noop", frozenset(_PASSED), match, rewrite, after=frozenset({"fold_constants"}))
