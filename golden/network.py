"""The adapted network before it is quantised: float operators as the chip groups them, one a map.

A convolution holds the LeakyReLU or ReLU fused behind it; an activation that is not fused is a `Curve`. Operators that
only move codes about are those of `program`. Values are float64; maps are [1, c, h, w].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

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

Reals = NDArray[np.float64]
Function = Callable[[Reals], Reals]


@dataclass(frozen=True, slots=True)
class Linear:
    """leaky(conv(x, weight) + bias): `weight` [o, i / groups, h, w], groups 1 or depthwise.

    `slope` is that of the fused activation below zero: 1 for none, 0 for ReLU. `two_cuts` tells an ordinary
    convolution (shift, bias, scale) from a depthwise one or a BatchNormalization (bias, scale).
    """

    weight: Reals
    bias: Reals
    stride: Pair
    pads: Pads
    dilation: Pair
    groups: int
    slope: float
    two_cuts: bool

    @property
    def is_pointwise(self) -> bool:
        """True where each cell of a channel is a function of the same cell of the same channel."""
        return self.groups == self.weight.shape[0] > 0 and self.weight.shape[1:] == (1, 1, 1) and self.stride == (1, 1)


@dataclass(frozen=True, slots=True)
class Sum:
    """X + Y of equal shapes."""


@dataclass(frozen=True, slots=True)
class Product:
    """X * Y of equal shapes."""


@dataclass(frozen=True, slots=True)
class Mean:
    """The average of each window; no padding inside it."""

    kernel: Pair
    stride: Pair


@dataclass(frozen=True, slots=True)
class Bilinear:
    """Bilinear up-sampling by whole factors, cells at their centres (half_pixel)."""

    factors: Pair


@dataclass(frozen=True, slots=True)
class Curve:
    """An activation that is not fused: `function` on float64 arrays of any shape."""

    name: str
    function: Function


@dataclass(frozen=True, slots=True)
class Border:
    """A constant border: `pads` as ONNX lists them, `value` in the map's unit."""

    pads: tuple[int, ...]
    value: float


Move = MaxPool | NearestUpsample | Concatenation | Slice | Reshape | Transpose | Rectify
FloatOperator = Linear | Sum | Product | Mean | Bilinear | Curve | Border | Move


@dataclass(frozen=True, slots=True)
class FloatLayer:
    """One operator; `name` is the tensor of the adapted network that it computes, `shape` that tensor's."""

    name: str
    inputs: tuple[str, ...]
    operator: FloatOperator
    source: str
    shape: tuple[int, ...]

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one image; 0 for what is no convolution."""
        if not isinstance(self.operator, Linear):
            return 0
        return int(np.prod(self.shape)) * int(np.prod(self.operator.weight.shape[1:]))


@dataclass(frozen=True)
class Network:
    """Layers in an order in which they can be computed."""

    input: str
    shape: tuple[int, int, int, int]
    layers: tuple[FloatLayer, ...]
    outputs: tuple[str, ...]

    @cached_property
    def _by_name(self) -> Mapping[str, FloatLayer]:
        return {layer.name: layer for layer in self.layers}

    @cached_property
    def _readers(self) -> Mapping[str, tuple[FloatLayer, ...]]:
        found: dict[str, tuple[FloatLayer, ...]] = dict.fromkeys((self.input, *self._by_name), ())
        for layer in self.layers:
            for name in dict.fromkeys(layer.inputs):
                found[name] += (layer,)
        return found

    def layer(self, name: str) -> FloatLayer | None:
        """The layer that computes a map, None for the input."""
        return self._by_name.get(name)

    def readers(self) -> Mapping[str, tuple[FloatLayer, ...]]:
        """The layers that read each map."""
        return self._readers

    def reached(self, name: str, through: tuple[type, ...]) -> list[FloatLayer]:
        """The layers that read a map, or read it behind operators of these kinds, once each."""
        found: dict[str, FloatLayer] = {}
        waiting = [name]
        while waiting:
            for reader in self._readers[waiting.pop()]:
                if isinstance(reader.operator, through):
                    waiting.append(reader.name)
                else:
                    found[reader.name] = reader
        return list(found.values())
