"""Maps as boards and runtimes lay them out, brought back to [1, c, h, w]: NCHW, NHWC, NCHWc32 and the like."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Shape = tuple[int, ...]
Array = NDArray[Any]

_BLOCKS = (32, 16, 8, 4)
_BLOCKED = re.compile(r"NCHWc([1-9]\d*)")
SWAPPED = ", H and W swapped"


@dataclass(frozen=True, slots=True)
class Aligned:
    """A map as [1, c, h, w] and the layout that it was read by."""

    layout: str
    values: Array


def stored_shape(shape: Shape, layout: str) -> Shape:
    """How a map [1, c, h, w] is stored; the channels of the last block are padded."""
    n, c, h, w = shape
    if layout == "NHWC":
        return n, h, w, c
    if found := _BLOCKED.fullmatch(layout):
        block = int(found[1])
        return n, math.ceil(c / block), h, w, block
    return shape


def stored(values: Array, layout: str) -> Array:
    """A map [1, c, h, w] in this layout, padded with zeros."""
    if layout == "NHWC":
        return np.ascontiguousarray(values.transpose(0, 2, 3, 1))
    if found := _BLOCKED.fullmatch(layout):
        block = int(found[1])
        n, c, h, w = values.shape
        padded = np.pad(values, ((0, 0), (0, -c % block), (0, 0), (0, 0)))
        return np.ascontiguousarray(padded.reshape(n, -1, block, h, w).transpose(0, 1, 3, 4, 2))
    return values


def aligned(array: Array, shape: Shape, layout: str | None) -> list[Aligned]:
    """Every way to read `array` as a map of this shape, the likeliest first; `layout` None tries all of them.

    A map whose height and width come swapped is read too, after the others. Empty where nothing fits.
    """
    layouts = (layout,) if layout is not None else _likely(array)
    found = [Aligned(name, values) for name in layouts for values in _read(array, shape, name)]
    turned = (*shape[:2], shape[3], shape[2]) if len(shape) == 4 else shape
    for name in layouts if len(shape) == 4 else ():
        found += [Aligned(name + SWAPPED, values.transpose(0, 1, 3, 2)) for values in _read(array, turned, name)]
    return found


def _likely(array: Array) -> tuple[str, ...]:
    blocks = (array.shape[-1],) if array.ndim >= 4 else _BLOCKS
    return ("NCHW", "NHWC", *(f"NCHWc{block}" for block in blocks))


def _read(array: Array, shape: Shape, layout: str) -> Iterator[Array]:
    """The map, where it fits: the batch axis may be missing, all axes may be run together."""
    if len(shape) != 4:
        if array.size == math.prod(shape) and layout == "NCHW":
            yield array.reshape(shape)
        return
    wanted = stored_shape(shape, layout)
    one = array.ndim == 3 or (array.ndim == 4 and array.shape[0] == 1)
    if layout == "NHWC" and one and array.shape[-3:-1] == shape[2:] and array.shape[-1] > shape[1]:  # channels padded
        yield array.reshape(1, *array.shape[-3:])[..., : shape[1]].transpose(0, 3, 1, 2)
    if array.size != math.prod(wanted) or not (array.ndim == 1 or array.shape in (wanted, wanted[1:])):
        return
    values = array.reshape(wanted)
    if layout == "NHWC":
        values = values.transpose(0, 3, 1, 2)
    elif layout != "NCHW":
        n, blocks, h, w, block = wanted
        values = values.transpose(0, 1, 4, 2, 3).reshape(n, blocks * block, h, w)[:, : shape[1]]
    yield values
