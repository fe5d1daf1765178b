"""Window and up-sampling geometry of a node, read from its attributes and shapes (NCHW)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from ..graph.nodes import Node, Tensor


@dataclass(frozen=True, slots=True)
class Window:
    """One spatial axis of a convolution or pool, in cells: map, dilated kernel, both pads, stride."""

    size: int
    kernel: int
    pads: int
    stride: int

    @property
    def remainder(self) -> int:
        """What is left of the padded map after the last whole step."""
        return (self.size - self.kernel + self.pads) % self.stride


def shape_of(tensor: Tensor) -> tuple[int, ...]:
    """The static shape; `Target.refuses` has made sure that there is one."""
    return tuple(tensor.shape or ())


def windows(node: Node) -> tuple[Window, ...]:
    """The spatial axes of a Conv, MaxPool or AveragePool, in NCHW order."""
    spatial = shape_of(node.inputs[0])[2:]
    kernels = node.attrs.get("kernel_shape") or shape_of(node.inputs[1])[2:]
    strides = node.attrs.get("strides") or [1] * len(spatial)
    dilations = node.attrs.get("dilations") or [1] * len(spatial)
    given = node.attrs.get("pads") or [0] * 2 * len(spatial)
    found = []
    for axis, size in enumerate(spatial):
        kernel = dilations[axis] * (kernels[axis] - 1) + 1
        pads = given[axis] + given[axis + len(spatial)]
        if str(node.attrs.get("auto_pad", "NOTSET")).startswith("SAME"):
            pads = max((math.ceil(size / strides[axis]) - 1) * strides[axis] + kernel - size, 0)
        found.append(Window(size, kernel, pads, strides[axis]))
    return tuple(found)


_POSITION: dict[str, Callable[[int, int, int], float]] = {  # ONNX Resize, coordinate_transformation_mode
    "asymmetric": lambda out, before, after: out * before / after,
    "half_pixel": lambda out, before, after: (out + 0.5) * before / after - 0.5,
    "pytorch_half_pixel": lambda out, before, after: (out + 0.5) * before / after - 0.5 if after > 1 else 0.0,
    "align_corners": lambda out, before, after: out * (before - 1) / (after - 1) if after > 1 else 0.0,
}
_ROUND: dict[str, Callable[[float], int]] = {  # ONNX Resize, nearest_mode
    "floor": math.floor,
    "ceil": math.ceil,
    "round_prefer_floor": lambda x: math.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: math.floor(x + 0.5),
}


def repeats_pixels(node: Node, before: int, after: int) -> bool:
    """True where a nearest Resize of one axis from `before` to `after` copies cell i // factor to cell i."""
    position = _POSITION.get(node.attrs.get("coordinate_transformation_mode", "half_pixel"))
    rounding = _ROUND.get(node.attrs.get("nearest_mode", "round_prefer_floor"))
    if position is None or rounding is None:
        return False
    factor = after // before
    source = (rounding(position(cell, before, after)) for cell in range(after))
    return all(min(max(cell, 0), before - 1) == index // factor for index, cell in enumerate(source))
