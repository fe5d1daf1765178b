"""What one ONNX node of the adapted network computes, as an operator of `network`; declines what has no arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ..graph.nodes import Node, Tensor, constant_values, is_constant
from ..graph.walk import constant, need, optional, static_shape
from .network import Bilinear, Border, Curve, FloatOperator, Linear, Mean, Product, Reals, Sum
from .program import (
    Concatenation,
    MaxPool,
    NearestUpsample,
    Pads,
    Pair,
    Rectify,
    Reshape,
    Slice,
    Transpose,
)


def operator_of(node: Node, slope: float) -> tuple[list[str], FloatOperator]:
    """The names of the maps that a node reads, and what it does with them."""
    if node.op in ARRAY:
        return [_only_map(node).name], ARRAY[node.op](node, slope)
    if node.op in ("Add", "Mul"):
        return _elementwise(node)
    make = _OTHERS.get(node.op)
    need(make is not None and node.domain in (None, "", "ai.onnx"), "no arithmetic of it is known here", node)
    assert make is not None
    maps = [tensor.name for tensor in node.inputs if tensor.name and not is_constant(tensor)]
    return maps, make(node)


def _only_map(node: Node) -> Tensor:
    maps = [tensor for tensor in node.inputs if tensor.name and not is_constant(tensor)]
    need(len(maps) == 1 and maps[0] is node.inputs[0], "its weights are not constant", node)
    return maps[0]


def _convolution(node: Node, slope: float) -> Linear:
    weight = constant(node.inputs[1]).astype(np.float64)
    bias_tensor = optional(node, 2)
    bias = constant(bias_tensor).astype(np.float64) if bias_tensor is not None else np.zeros(len(weight))
    groups = int(node.attrs.get("group", 1))
    channels = static_shape(node.inputs[0])[1]
    need(groups in (1, channels), f"{groups} groups of {channels} channels", node)
    depthwise = groups > 1
    return Linear(
        weight,
        bias,
        _pair(node, "strides"),
        _pads(node),
        _pair(node, "dilations"),
        groups,
        slope,
        not depthwise,
    )


def fully_connected(node: Node) -> tuple[Tensor, Linear]:
    """The [1, k] map that a Gemm or MatMul reads, and its product as a convolution over one cell."""
    x, weight = node.inputs[0], constant(node.inputs[1]).astype(np.float64)
    need(static_shape(x)[:-1] == [1] and weight.ndim == 2, f"it multiplies a map of shape {static_shape(x)}", node)
    need(not node.attrs.get("transA", 0), "transA", node)
    if not node.attrs.get("transB", 0):
        weight = weight.T
    weight = weight * float(node.attrs.get("alpha", 1.0))
    bias = np.zeros(len(weight))
    given = optional(node, 2)
    if given is not None:
        bias = bias + constant(given).astype(np.float64).ravel() * float(node.attrs.get("beta", 1.0))
    return x, Linear(weight[:, :, None, None], bias, (1, 1), (0, 0, 0, 0), (1, 1), 1, 1.0, True)


def _batchnorm(node: Node, slope: float) -> Linear:
    scale, shift, mean, variance = (constant(tensor).astype(np.float64) for tensor in node.inputs[1:5])
    factor = scale / np.sqrt(variance + float(node.attrs.get("epsilon", 1e-5)))
    return _per_channel(factor, shift - mean * factor, slope)


def _per_channel(factor: Reals, bias: Reals, slope: float = 1.0) -> Linear:
    """factor[c] * x + bias[c], as a depthwise 1x1 convolution."""
    weight = factor.reshape(-1, 1, 1, 1)
    return Linear(weight, bias, (1, 1), (0, 0, 0, 0), (1, 1), len(weight), slope, False)


def _elementwise(node: Node) -> tuple[list[str], FloatOperator]:
    """A sum or product of two maps, or of a map and a constant a channel."""
    maps = [tensor for tensor in node.inputs if not is_constant(tensor)]
    if len(maps) == 2:
        need(static_shape(maps[0]) == static_shape(maps[1]), "its inputs differ in shape", node)
        return [tensor.name for tensor in maps], Sum() if node.op == "Add" else Product()
    need(len(maps) == 1, "nothing in it is computed", node)
    values = next(constant_values(tensor) for tensor in node.inputs if is_constant(tensor))
    shape = static_shape(maps[0])
    need(len(shape) == 4, f"a constant on a map of shape {shape}", node)
    vector = np.broadcast_to(np.asarray(values, np.float64), (1, shape[1], 1, 1)).ravel()
    ones, zeros = np.ones(shape[1]), np.zeros(shape[1])
    return [maps[0].name], _per_channel(ones, vector) if node.op == "Add" else _per_channel(vector, zeros)


def _max_pool(node: Node) -> MaxPool:
    need(not node.attrs.get("ceil_mode", 0), "ceil_mode", node)
    need(_pair(node, "dilations") == (1, 1), "dilated windows", node)
    return MaxPool(_pair(node, "kernel_shape"), _pair(node, "strides"), _pads(node))


def _average_pool(node: Node) -> Mean:
    need(not node.attrs.get("ceil_mode", 0) and _pads(node) == (0, 0, 0, 0), "padding inside its windows", node)
    return Mean(_pair(node, "kernel_shape"), _pair(node, "strides"))


def _global_average(node: Node) -> Mean:
    _, _, h, w = static_shape(node.inputs[0])
    return Mean((h, w), (1, 1))


def _resize(node: Node) -> NearestUpsample | Bilinear:
    before, after = static_shape(node.inputs[0]), static_shape(node.outputs[0])
    need(before[:2] == after[:2], "it resizes more than height and width", node)
    need(all(b and a % b == 0 for a, b in zip(after, before, strict=True)), "its factors are not whole", node)
    factors = (after[2] // before[2], after[3] // before[3])
    if node.attrs.get("mode", b"nearest") in ("nearest", b"nearest"):
        return NearestUpsample(factors)
    position = node.attrs.get("coordinate_transformation_mode", "half_pixel")
    need(position in ("half_pixel", "pytorch_half_pixel"), f"bilinear with {position}", node)
    return Bilinear(factors)


def _concat(node: Node) -> Concatenation:
    need(not any(is_constant(tensor) for tensor in node.inputs), "a constant part", node)
    axis = int(node.attrs["axis"])
    return Concatenation(axis % len(static_shape(node.outputs[0])))


def _slice(node: Node) -> Slice:
    shape = static_shape(node.inputs[0])
    starts, ends = (constant(tensor).ravel().tolist() for tensor in node.inputs[1:3])
    axes_tensor, steps_tensor = optional(node, 3), optional(node, 4)
    axes = constant(axes_tensor).ravel().tolist() if axes_tensor is not None else list(range(len(starts)))
    steps = constant(steps_tensor).ravel().tolist() if steps_tensor is not None else [1] * len(starts)
    need(all(step > 0 for step in steps), "a negative step", node)
    bounds = [(0, size, 1) for size in shape]
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        bounds[axis] = slice(start, end, step).indices(shape[axis])
    return Slice(tuple(b[0] for b in bounds), tuple(b[1] for b in bounds), tuple(b[2] for b in bounds))


def _pad(node: Node) -> Border:
    need(node.attrs.get("mode", "constant") in ("constant", b"constant"), "it pads with other than a constant", node)
    need(optional(node, 3) is None, "it names axes", node)
    value = optional(node, 2)
    amount = constant(node.inputs[1]).ravel().tolist()
    need(min(amount) >= 0, "it crops", node)
    return Border(tuple(amount), float(constant(value).ravel()[0]) if value is not None else 0.0)


def _leaky_table(node: Node) -> Curve:
    alpha = float(node.attrs.get("alpha", 0.01))
    return Curve("leaky", lambda x: np.where(x >= 0, x, alpha * x))


def _pair(node: Node, name: str) -> Pair:
    values = node.attrs.get(name)
    if values is None:
        values = static_shape(node.inputs[1])[2:] if name == "kernel_shape" else (1, 1)
    need(len(values) == 2, f"{len(values)} spatial axes", node)
    return int(values[0]), int(values[1])


def _pads(node: Node) -> Pads:
    need(node.attrs.get("auto_pad", "NOTSET") in ("NOTSET", b"NOTSET", "VALID", b"VALID"), "auto_pad", node)
    top, left, bottom, right = (int(side) for side in node.attrs.get("pads", (0, 0, 0, 0)))
    return top, left, bottom, right


ARRAY: Mapping[str, Callable[[Node, float], Linear]] = {"Conv": _convolution, "BatchNormalization": _batchnorm}
_OTHERS: Mapping[str, Callable[[Node], FloatOperator]] = {
    "MaxPool": _max_pool,
    "AveragePool": _average_pool,
    "GlobalAveragePool": _global_average,
    "Resize": _resize,
    "Concat": _concat,
    "Slice": _slice,
    "Pad": _pad,
    "Reshape": lambda node: Reshape(tuple(static_shape(node.outputs[0]))),
    "Flatten": lambda node: Reshape(tuple(static_shape(node.outputs[0]))),
    "Transpose": lambda node: Transpose(tuple(node.attrs["perm"])),
    "Relu": lambda node: Rectify(),
    "LeakyRelu": _leaky_table,
}
