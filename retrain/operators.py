"""ONNX operators in torch: those of the graphs that the adapter emits, and the elementwise ones of activations.

Each takes the node's attributes and its inputs (None where one is left out) and gives the first output. Maps are NCHW.
What an attribute may say beyond this is not read here: a network is compared with ONNX Runtime before it is used.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

Attributes = Mapping[str, Any]
Inputs = Sequence[Tensor | None]
Operator = Callable[[Attributes, Inputs], Tensor]


def _given(inputs: Inputs, index: int) -> Tensor | None:
    return inputs[index] if index < len(inputs) else None


def _needed(inputs: Inputs, index: int) -> Tensor:
    value = _given(inputs, index)
    if value is None:
        raise ValueError(f"input {index} is left out")
    return value


def _conv(attrs: Attributes, inputs: Inputs) -> Tensor:
    x, weight, bias = _needed(inputs, 0), _needed(inputs, 1), _given(inputs, 2)
    groups, strides = attrs.get("group", 1), attrs.get("strides", [1, 1])
    pads = attrs.get("pads", [0, 0, 0, 0])
    if groups == x.shape[1] == len(weight) and weight.shape[1:] == (1, 1, 1) and strides == [1, 1] and not any(pads):
        scaled = x * weight.reshape(1, -1, 1, 1)  # a convolution kernel would be many times slower
        return scaled if bias is None else scaled + bias.reshape(1, -1, 1, 1)
    if groups == 1 and weight.shape[2:] == (1, 1) and strides == [1, 1] and not any(pads):
        product = functional.linear(x.permute(0, 2, 3, 1), weight.flatten(1), bias)  # one product of matrices
        return product.permute(0, 3, 1, 2)
    x, even = _padded(x, pads, 0.0)
    return functional.conv2d(x, weight, bias, strides, even, attrs.get("dilations", [1, 1]), groups)


def _padded(x: Tensor, pads: Sequence[int], value: float) -> tuple[Tensor, list[int]]:
    """The map, padded where the two ends differ, and the padding that is left for the kernel to do."""
    top, left, bottom, right = pads
    if (top, left) == (bottom, right):
        return x, [top, left]
    return functional.pad(x, (left, right, top, bottom), value=value), [0, 0]


def _max_pool(attrs: Attributes, inputs: Inputs) -> Tensor:
    kernel = attrs["kernel_shape"]
    top, left, bottom, right = attrs.get("pads", [0, 0, 0, 0])
    x = functional.pad(_needed(inputs, 0), (left, right, top, bottom), value=-math.inf)
    return functional.max_pool2d(x, kernel, attrs.get("strides", [1, 1]), 0, attrs.get("dilations", [1, 1]))


def _average_pool(attrs: Attributes, inputs: Inputs) -> Tensor:
    x, even = _padded(_needed(inputs, 0), attrs.get("pads", [0, 0, 0, 0]), 0.0)
    counted = bool(attrs.get("count_include_pad", 0))
    kernel, strides = attrs["kernel_shape"], attrs.get("strides", [1, 1])
    return functional.avg_pool2d(x, kernel, strides, even, count_include_pad=counted)


def _resize(attrs: Attributes, inputs: Inputs) -> Tensor:
    x, scales, sizes = _needed(inputs, 0), _given(inputs, 2), _given(inputs, 3)
    if sizes is not None and sizes.numel():
        size = [int(side) for side in sizes[2:]]
    elif scales is not None:
        size = [math.floor(side * scale) for side, scale in zip(x.shape[2:], scales[2:].tolist(), strict=True)]
    else:
        raise ValueError("neither scales nor sizes are given")
    if attrs.get("mode", "nearest") != "linear":
        return functional.interpolate(x, size, mode="nearest")
    aligned = attrs.get("coordinate_transformation_mode", "half_pixel") == "align_corners"
    return functional.interpolate(x, size, mode="bilinear", align_corners=aligned)


def _pad(attrs: Attributes, inputs: Inputs) -> Tensor:
    x, pads, value = _needed(inputs, 0), _needed(inputs, 1).tolist(), _given(inputs, 2)
    before, after = pads[: x.ndim], pads[x.ndim :]
    sides = [side for ends in reversed(list(zip(before, after, strict=True))) for side in ends]
    return functional.pad(x, sides, value=float(value) if value is not None and value.numel() else 0.0)


def _batch_normalization(attrs: Attributes, inputs: Inputs) -> Tensor:
    x, scale, shift, mean, variance = (_needed(inputs, index) for index in range(5))
    return functional.batch_norm(x, mean, variance, scale, shift, eps=attrs.get("epsilon", 1e-5))


def _clip(attrs: Attributes, inputs: Inputs) -> Tensor:
    low, high = (
        attrs.get(name) if _given(inputs, index) is None else float(_needed(inputs, index))
        for index, name in ((1, "min"), (2, "max"))
    )
    return torch.clamp(_needed(inputs, 0), low, high)


def _gemm(attrs: Attributes, inputs: Inputs) -> Tensor:
    a, b, c = _needed(inputs, 0), _needed(inputs, 1), _given(inputs, 2)
    a, b = (a.T if attrs.get("transA", 0) else a), (b.T if attrs.get("transB", 0) else b)
    product = attrs.get("alpha", 1.0) * (a @ b)
    return product if c is None else product + attrs.get("beta", 1.0) * c


def _reshape(attrs: Attributes, inputs: Inputs) -> Tensor:
    x, shape = _needed(inputs, 0), _needed(inputs, 1).tolist()
    sizes = [x.shape[i] if size == 0 and not attrs.get("allowzero", 0) else size for i, size in enumerate(shape)]
    if sizes and sizes[0] == 1:  # a graph of batch 1, run on several pictures
        sizes[0] = x.shape[0]
    return x.reshape(sizes)


def _p_relu(attrs: Attributes, inputs: Inputs) -> Tensor:
    x = _needed(inputs, 0)
    return torch.where(x > 0, x, x * _needed(inputs, 1))


def _folded(fold: Callable[[Tensor, Tensor], Tensor]) -> Operator:
    def operator(_: Attributes, inputs: Inputs) -> Tensor:
        total = _needed(inputs, 0)
        for index in range(1, len(inputs)):
            total = fold(total, _needed(inputs, index))
        return total

    return operator


def _curve(function: Callable[[Tensor], Tensor]) -> Operator:
    return lambda attrs, inputs: function(_needed(inputs, 0))


OPERATORS: Mapping[str, Operator] = MappingProxyType(
    {
        "Conv": _conv,
        "MaxPool": _max_pool,
        "AveragePool": _average_pool,
        "GlobalAveragePool": _curve(lambda x: x.mean((2, 3), keepdim=True)),
        "Resize": _resize,
        "Pad": _pad,
        "BatchNormalization": _batch_normalization,
        "Gemm": _gemm,
        "MatMul": _folded(torch.matmul),
        "Concat": lambda attrs, inputs: torch.cat([x for x in inputs if x is not None], attrs["axis"]),
        "Reshape": _reshape,
        "Flatten": lambda attrs, inputs: _needed(inputs, 0).flatten(attrs.get("axis", 1)),
        "Transpose": lambda attrs, inputs: _needed(inputs, 0).permute(*attrs["perm"]),
        "Add": _folded(torch.add),
        "Sub": _folded(torch.sub),
        "Mul": _folded(torch.mul),
        "Div": _folded(torch.div),
        "Pow": _folded(torch.pow),
        "Max": _folded(torch.maximum),
        "Min": _folded(torch.minimum),
        "Clip": _clip,
        "PRelu": _p_relu,
        "Relu": _curve(functional.relu),
        "LeakyRelu": lambda attrs, inputs: functional.leaky_relu(_needed(inputs, 0), attrs.get("alpha", 0.01)),
        "Elu": lambda attrs, inputs: functional.elu(_needed(inputs, 0), attrs.get("alpha", 1.0)),
        "HardSigmoid": lambda attrs, inputs: torch.clamp(
            attrs.get("alpha", 0.2) * _needed(inputs, 0) + attrs.get("beta", 0.5), 0, 1
        ),
        "HardSwish": _curve(functional.hardswish),
        "Mish": _curve(functional.mish),
        "Sigmoid": _curve(torch.sigmoid),
        "Tanh": _curve(torch.tanh),
        "Softplus": _curve(functional.softplus),
        "Exp": _curve(torch.exp),
        "Log": _curve(torch.log),
        "Erf": _curve(torch.erf),
        "Abs": _curve(torch.abs),
        "Neg": _curve(torch.neg),
        "Sqrt": _curve(torch.sqrt),
        "Reciprocal": _curve(torch.reciprocal),
        "Identity": _curve(lambda x: x),
    }
)
