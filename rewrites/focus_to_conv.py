"""Turn Focus (space to depth by slicing) into a strided convolution.

Before:   z = Focus(image), in any spelling: strided Slices and Concat, SpaceToDepth, Reshape and Transpose, Gather ...
After:    z = Conv(image, one-hot b x b kernel, stride b), the default (b is the block, 2 in YOLOX); or, where the
          target prefers it, Focus and the k x k convolution behind it in one Conv of kernel b*k, stride b*s, pad b*p
Declines: the nodes between the input and the first convolution move data, but not as a space to depth does.
Numerics: the nodes are run once on an index ramp and the permutation is read off the result, whatever its phase order
          and channel count; a one-hot kernel multiplies by 1 and adds zeros (EXACT).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import Decline
from ..graph.edit import Editor
from ..graph.nodes import Node, Tensor, is_constant
from ..graph.region import run_region
from ..graph.walk import constant, need, node_name, optional, sole_reader, static_shape
from .core.rule import Context, Rule

_MOVES = frozenset(
    "Slice Concat SpaceToDepth Reshape Transpose Gather Split Identity Squeeze Unsqueeze Flatten Expand".split()
)
_MOST_EXACT = 1 << 24  # float32 counts up to here without gaps


@dataclass(frozen=True, slots=True)
class Match:
    """The proven permutation: output channel o is input channel `channels[o]` at phase (`rows[o]`, `columns[o]`)."""

    image: Tensor
    focused: Tensor
    conv: Node
    block: int
    channels: NDArray[np.int64]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    fuse: bool


def match(conv: Node, context: Context) -> Match | None:
    """Look at what stands between a graph input and a convolution."""
    focused = conv.inputs[0]
    between = _moving_nodes(focused)
    if not between:
        return None
    sources = {t.name: t for n in between for t in n.inputs if context.model.is_input(t)}
    if len(sources) != 1:
        return None
    image = next(iter(sources.values()))
    need(image.dtype == np.float32, f"the input {image.name} is no float32", between[0])
    _, channels, height, width = _need_rank_4(static_shape(image), between[0])
    shape = _need_rank_4(static_shape(focused), between[0])
    block = height // max(shape[2], 1)
    need(
        block > 1 and shape[2] * block == height and shape[3] * block == width,
        f"{node_name(between[0])} gives {shape}, no space to depth of {[1, channels, height, width]}",
        between[0],
    )
    need(channels * height * width < _MOST_EXACT, "the input is too large to count its pixels", between[0])
    where = _read_permutation(between, image, focused, block, context.model.opset)
    fuse = context.target.focus == "fused6x6" and _is_fusible(conv, focused, context)
    return Match(image, focused, conv, block, *where, fuse)


def _moving_nodes(focused: Tensor) -> list[Node]:
    """The nodes that compute a tensor, if all of them only move data; nearest first."""
    found: dict[int, Node] = {}
    stack = list(focused.inputs)
    while stack:
        node = stack.pop()
        if node.op not in _MOVES:
            return []
        if id(node) not in found:
            found[id(node)] = node
            stack += [p for t in node.inputs if not is_constant(t) for p in t.inputs]
    return list(found.values())


def _need_rank_4(shape: list[int], at: Node) -> list[int]:
    need(len(shape) == 4 and shape[0] == 1, f"the shape {shape} is no single image", at)
    return shape


def _read_permutation(
    nodes: list[Node], image: Tensor, focused: Tensor, block: int, opset: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Which input channel and phase each output channel shows; declines at the first channel that shows none."""
    _, channels, height, width = static_shape(image)
    ramp = np.arange(channels * height * width, dtype=np.float32).reshape(1, channels, height, width)
    result = run_region(nodes, {image.name: ramp}, [focused], opset)[focused.name][0]
    first = result[:, 0, 0].astype(np.int64)
    channel, rest = np.divmod(first, height * width)
    row, column = np.divmod(rest, width)
    for o in range(len(result)):
        inside = 0 <= channel[o] < channels and row[o] < block and column[o] < block
        expected = ramp[0, channel[o], row[o] :: block, column[o] :: block] if inside else None
        if expected is None or not np.array_equal(result[o], expected):
            raise Decline(f"channel {o} of {focused.name} is no phase of the image", at=nodes[0])
    return channel, row, column


def _is_fusible(conv: Node, focused: Tensor, context: Context) -> bool:
    """One convolution may take Focus in: it alone reads the result, ungrouped, undilated, explicitly padded."""
    attrs = conv.attrs
    return (
        sole_reader(focused, context.model) is conv
        and attrs.get("group", 1) == 1
        and set(attrs.get("dilations", [1])) == {1}
        and attrs.get("auto_pad", "NOTSET") == "NOTSET"
        and is_constant(conv.inputs[1])
    )


def rewrite(edit: Editor, found: Match) -> None:
    """Write the one-hot convolution, or the fused one."""
    if found.fuse:
        _write_fused(edit, found)
        return
    b = found.block
    kernel = np.zeros((len(found.channels), static_shape(found.image)[1], b, b), np.float32)
    kernel[np.arange(len(kernel)), found.channels, found.rows, found.columns] = 1.0
    weight = edit.constant(kernel, f"{found.focused.name}.weight")
    edit.supersede(found.focused, "Conv", [found.image, weight], _attributes([b, b], [b, b], [0, 0, 0, 0]))


def _write_fused(edit: Editor, found: Match) -> None:
    b, conv = found.block, found.conv
    small = constant(conv.inputs[1])
    outputs, _, kh, kw = small.shape
    kernel = np.zeros((outputs, static_shape(found.image)[1], b * kh, b * kw), np.float32)
    for o, (c, y, x) in enumerate(zip(found.channels, found.rows, found.columns, strict=True)):
        kernel[:, c, y::b, x::b] += small[:, o]
    strides = [b * s for s in conv.attrs.get("strides", [1, 1])]
    pads = [b * p for p in conv.attrs.get("pads", [0, 0, 0, 0])]
    output = conv.outputs[0]
    bias = optional(conv, 2)
    inputs = [
        found.image,
        edit.constant(kernel, f"{output.name}.weight"),
        *([bias] if bias is not None else []),
    ]
    edit.supersede(output, "Conv", inputs, _attributes([b * kh, b * kw], strides, pads))


def _attributes(kernel: list[int], strides: list[int], pads: list[int]) -> dict[str, Any]:
    return {"kernel_shape": kernel, "strides": strides, "pads": pads, "dilations": [1, 1], "group": 1}


RULE = Rule("focus_to_conv", frozenset({"Conv"}), match, rewrite, after=frozenset({"fold_constants"}))
