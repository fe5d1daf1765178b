"""The hardware's limits. Each is a small function whose docstring is the sentence that the user reads.

A limit returns the numbers that break it, or "" where the node keeps it; `{bound}` in a docstring is that of
the YAML. `Target.refuses` calls limits only where all shapes are known.
Source: the public documents of Icraft 3.x.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_type_hints

from ..graph.nodes import Node, constant_values, is_constant
from .geometry import repeats_pixels, shape_of, windows


@dataclass(frozen=True, slots=True)
class Check:
    """A limit before its YAML gives the bound."""

    sentence: str
    bound_type: type[Any]
    numbers: Callable[[Node, Any], str]


LIMITS: dict[str, Check] = {}


def limit(numbers: Callable[[Node, Any], str]) -> Callable[[Node, Any], str]:
    """Register a limit under its function's name; the annotation of `bound` is what the YAML must hold."""
    sentence = " ".join((numbers.__doc__ or "").split()).rstrip(".")
    LIMITS[numbers.__name__] = Check(sentence, get_type_hints(numbers)["bound"], numbers)
    return numbers


@limit
def dimension(node: Node, bound: int) -> str:
    """Every dimension is at most {bound}."""
    sizes = [size for tensor in (*node.inputs, *node.outputs) if tensor.name for size in shape_of(tensor)]
    return f"{max(sizes)}" if max(sizes, default=0) > bound else ""


@limit
def spatial_axes(node: Node, bound: int) -> str:
    """The input is a feature map with {bound} spatial axes (NCHW)."""
    axes = len(shape_of(node.inputs[0])) - 2
    return "" if axes == bound else f"it has {axes}"


@limit
def exact_stride(node: Node, bound: bool) -> str:
    """(ifm - effective kernel + pads) is a multiple of the stride."""
    broken = dict.fromkeys(w for w in windows(node) if w.remainder)
    return ", ".join(f"({w.size} - {w.kernel} + {w.pads}) mod {w.stride} = {w.remainder}" for w in broken)


@limit
def one_group_or_depthwise(node: Node, bound: bool) -> str:
    """A convolution has one group or is depthwise."""
    groups, read, written = (
        node.attrs.get("group", 1),
        shape_of(node.inputs[0])[1],
        shape_of(node.inputs[1])[0],
    )
    return "" if groups == 1 or groups == read == written else f"{groups} groups, {read} channels to {written}"


@limit
def dilated_kernel_area(node: Node, bound: int) -> str:
    """The dilated kernel covers at most {bound} cells."""
    area = math.prod(w.kernel for w in windows(node))
    return f"{area}" if area > bound else ""


@limit
def constant_parameters(node: Node, bound: bool) -> str:
    """Every input but the first is stored in the model."""
    return ", ".join(f"{t.name} is computed" for t in node.inputs[1:] if t.name and not is_constant(t))


@limit
def constant_area(node: Node, bound: bool) -> str:
    """An average pool divides every window by the same area."""
    uncounted = not node.attrs.get("count_include_pad", 0)
    padded = [w.pads for w in windows(node) if w.pads]
    return f"padding of {padded[0]} cells is not counted" if uncounted and padded else ""


@limit
def nearest_factor(node: Node, bound: int) -> str:
    """Nearest up-sampling repeats each cell a whole number of times, at most {bound}, on H and W only."""
    return _whole_factor(node, bound, copies=True) if node.attrs.get("mode", "nearest") == "nearest" else ""


@limit
def bilinear_factor(node: Node, bound: int) -> str:
    """Bilinear up-sampling has whole factors, at most {bound}, on H and W only."""
    return _whole_factor(node, bound, copies=False) if node.attrs.get("mode", "nearest") == "linear" else ""


@limit
def resize_modes(node: Node, bound: tuple[str, ...]) -> str:
    """Up-sampling is one of: {bound}."""
    mode = node.attrs.get("mode", "nearest")
    return "" if mode in bound else f"the mode is {mode}"


@limit
def constant_parts(node: Node, bound: int) -> str:
    """At most {bound} part of a Concat is stored in the model."""
    stored = sum(is_constant(tensor) for tensor in node.inputs)
    return f"{stored} are" if stored > bound else ""


@limit
def equal_or_channel_vector(node: Node, bound: bool) -> str:
    """Both operands have the same shape, or one is a vector on C."""
    first, second = (shape_of(tensor) for tensor in node.inputs[:2])
    rank = max(len(first), len(second))
    small, large = sorted(((1,) * (rank - len(s)) + s for s in (first, second)), key=math.prod)
    vector = (1, *large[1:2], *(1,) * (rank - 2))
    return "" if small in (large, vector) else f"{list(first)} and {list(second)}"


@limit
def swaps_two_axes(node: Node, bound: bool) -> str:
    """Transpose swaps any two axes but the last, or the last two."""
    rank = len(shape_of(node.inputs[0]))
    order = list(node.attrs.get("perm") or reversed(range(rank)))
    moved = [axis for axis in range(rank) if order[axis] != axis]
    swap = len(moved) in (0, 2) and (rank - 1 not in moved or moved == [rank - 2, rank - 1])
    return "" if swap else f"the order is {order}"


@limit
def pads_with_constant(node: Node, bound: bool) -> str:
    """Pad adds cells of one constant value."""
    mode = node.attrs.get("mode", "constant")
    pads = constant_values(node.inputs[1])
    if mode != "constant":
        return f"the mode is {mode}"
    return f"pads are {pads.tolist()}" if pads is not None and (pads < 0).any() else ""


@limit
def channel_unit(node: Node, bound: int) -> str:
    """Slice cuts the channels only at multiples of {bound}, the innermost unit of the hardware layout."""
    starts, ends, *rest = (constant_values(tensor) for tensor in node.inputs[1:])
    if starts is None or ends is None:
        return ""  # constant_parameters has the better sentence
    shape = shape_of(node.inputs[0])
    axes = range(len(starts)) if not rest or rest[0] is None else rest[0] % len(shape)
    steps = [1] * len(starts) if len(rest) < 2 or rest[1] is None else rest[1]
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        begin, stop, stride = slice(int(start), int(end), int(step)).indices(shape[axis])
        if axis == 1 and (stride != 1 or begin % bound or (stop % bound and stop != shape[1])):
            return f"channels {begin} to {stop}, step {stride}"
    return ""


@limit
def plain_product(node: Node, bound: bool) -> str:
    """A fully connected layer is x * W + b: alpha and beta are 1, x is not transposed."""
    alpha, beta, turned = (node.attrs.get(k, d) for k, d in (("alpha", 1.0), ("beta", 1.0), ("transA", 0)))
    return "" if (alpha, beta, turned) == (1.0, 1.0, 0) else f"alpha {alpha:g}, beta {beta:g}, transA {turned}"


@limit
def steepest_slope(node: Node, bound: int) -> str:
    """A LeakyReLU's slope below zero is between 0 and {bound}: its second multiplier is unsigned and short."""
    slope = node.attrs.get("alpha", 0.01)
    return "" if 0 <= slope <= bound else f"{slope:g}"


@limit
def fused_behind(node: Node, bound: tuple[str, ...]) -> str:
    """The activation stands right behind one of {bound}, whose output nothing else reads."""
    read = node.inputs[0]
    producer = read.inputs[0].op if len(read.inputs) else "the network's input"
    if producer not in bound:
        return f"it stands behind {producer}"
    return f"{len(read.outputs)} nodes read {read.name}" if len(read.outputs) > 1 else ""


def _whole_factor(node: Node, bound: int, *, copies: bool) -> str:
    before, after = shape_of(node.inputs[0]), shape_of(node.outputs[0])
    for axis, (old, new) in enumerate(zip(before, after, strict=True)):
        most = 1 if axis < 2 else bound
        if new % old or not 1 <= new // old <= most:
            return f"axis {axis} goes from {old} to {new}"
        if copies and new != old and not repeats_pixels(node, old, new):
            return f"axis {axis} does not repeat its cells ({old} to {new})"
    return ""
