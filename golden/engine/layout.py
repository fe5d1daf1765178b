"""Which map lies where: how wide its elements are, which border it has, which parts are computed in their place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...targets.arithmetic import Arithmetic
from ..program import Concatenation, Convolution, Layer, Pad, Rectify, Reshape, Slice, Table, Transpose
from .memory import Placed, element_size, is_picture
from .shapes import Shape, output_shape
from .steps import Steps

_ANY_SHAPE = (Table, Rectify, Concatenation, Pad, Slice, Reshape, Transpose)


@dataclass(frozen=True, slots=True)
class Extent:
    """A map's shape and the largest magnitude of its codes."""

    shape: Shape
    largest: int


def lay_out(layers: Sequence[Layer], given: Mapping[str, Extent], steps: Steps) -> dict[str, Placed]:
    """A place for every map, those that the layers begin with too.

    Raises ValueError where a windowed operator meets a map that is not [1, c, h, w], or codes leave 16 bits.
    """
    extents = dict(given)
    for layer in layers:
        inputs = [extents[name] for name in layer.inputs]
        shape = output_shape(layer.operator, [each.shape for each in inputs])
        if not isinstance(layer.operator, _ANY_SHAPE) and not all(map(is_picture, (shape, inputs[0].shape))):
            raise ValueError(f"{layer.name}: {layer.source} gives {shape}, not [1, c, h, w]")
        extents[layer.name] = Extent(shape, _largest(layer, inputs, steps.arithmetic))
    least = 1 if steps.quads else 2
    sizes = {name: max(element_size(each.largest), least) for name, each in extents.items()}
    homes = _homes(layers, extents, sizes)
    borders = _borders(layers, homes)
    maps = {}
    for name, each in extents.items():
        if name not in homes:
            maps[name] = steps.map(each.shape, each.largest, sizes[name], borders.get(name, (0, 0, 0, 0)))
    for name in homes:
        root, channel = _home(name, homes)
        offset = maps[root].offset + channel * sizes[name]
        maps[name] = replace(maps[root], offset=offset, shape=extents[name].shape, largest=extents[name].largest)
    return maps


def _largest(layer: Layer, inputs: Sequence[Extent], arithmetic: Arithmetic) -> int:
    operator = layer.operator
    carried = max(each.largest for each in inputs)
    if isinstance(operator, Table):
        return int(np.abs(operator.entries).max())
    if isinstance(operator, Pad):
        return max(carried, int(np.abs(operator.value).max()))
    return arithmetic.widths[layer.format.bits].code_max if hasattr(operator, "epilogue") else carried


def _homes(
    layers: Sequence[Layer], extents: Mapping[str, Extent], sizes: Mapping[str, int]
) -> dict[str, tuple[str, int]]:
    """For each part that is computed in its place: the (last) concatenation, and the part's first channel in it."""
    homes: dict[str, tuple[str, int]] = {}
    for layer in layers:
        if not isinstance(layer.operator, Concatenation) or not is_picture(extents[layer.name].shape):
            continue
        if layer.operator.axis % 4 != 1:
            continue
        channel = 0
        for part in layer.inputs:
            if sizes[part] == sizes[layer.name]:
                homes[part] = (layer.name, channel)
            channel += extents[part].shape[1]
    return homes


def _home(name: str, homes: Mapping[str, tuple[str, int]]) -> tuple[str, int]:
    """The outermost concatenation that a map lies in, itself if none, and its first channel there."""
    channel = 0
    while name in homes:
        name, first = homes[name]
        channel += first
    return name, channel


def _borders(layers: Sequence[Layer], homes: Mapping[str, tuple[str, int]]) -> dict[str, Shape]:
    """The padding of the convolutions that read a map, or another one in the same place."""
    borders: dict[str, Shape] = {}
    for layer in layers:
        if isinstance(layer.operator, Convolution):
            root, _ = _home(layer.inputs[0], homes)
            known = borders.get(root, (0, 0, 0, 0))
            borders[root] = tuple(max(pair) for pair in zip(known, layer.operator.pads, strict=True))
    return borders
