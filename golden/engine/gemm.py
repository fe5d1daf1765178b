"""The fast engine without compiled code: convolutions as float matrix products, which are exact while all sums are.

Products and sums of integers stay exact in float32 up to 2^24 and in float64 up to 2^53, in whatever order they are
added. The weights of a layer prove which of them will do; the other operators are the oracle's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ..fixed import Codes, Rounding
from ..program import Convolution, Layer, Program
from .oracle import Oracle, finish
from .pack import Finish, pack_finish, sums_of_magnitudes
from .protocol import Counts, Result

Exact = np.float32 | np.float64 | np.int64
CHUNK = 1 << 21  # elements of a matrix that is multiplied at once


class GemmEngine:
    """See `Engine`."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._oracle = Oracle(program)
        self._layers = {layer.name: layer for layer in program.layers}
        self._last = {name: index for index, layer in enumerate(program.layers) for name in layer.inputs}

    def run(self, codes: Codes, keep: Collection[str] | None = None) -> Result:
        """All layers in order; a map is dropped behind its last reader. Raises ValueError for codes out of range."""
        wanted = tuple(self._program.outputs if keep is None else keep)
        image = self._program.input
        largest = self._program.code_max(image.format.bits)
        if np.abs(codes).max(initial=0) > largest:
            raise ValueError(f"{image.name}: codes beyond {largest}")
        maps, counts = {image.name: np.asarray(codes, np.int64)}, {}
        for index, layer in enumerate(self._program.layers):
            maps[layer.name], counts[layer.name] = self.run_layer(layer.name, maps)
            for name in {*layer.inputs, layer.name} - {*wanted}:
                if self._last.get(name, -1) <= index:
                    del maps[name]
        return Result({name: maps[name] for name in wanted}, counts)

    def run_layer(self, name: str, inputs: Mapping[str, Codes]) -> tuple[Codes, Counts]:
        """One layer alone."""
        layer = self._layers[name]
        operator = layer.operator
        if not isinstance(operator, Convolution) or operator.groups != 1:
            return self._oracle.run_layer(name, inputs)
        return self._convolution(layer, operator, np.asarray(inputs[layer.inputs[0]], np.int64))

    def _convolution(self, layer: Layer, op: Convolution, x: Codes) -> tuple[Codes, Counts]:
        out = len(op.weight)
        bound = int(np.abs(x).max(initial=0)) * sums_of_magnitudes(op.weight)
        kind: type[Exact] = np.float32 if bound < 2**24 else np.float64 if bound < 2**53 else np.int64
        weight = op.weight.transpose(2, 3, 1, 0).reshape(-1, out).astype(kind)
        taps = _window_cells(x, op, kind)
        n, height, width = taps.shape[:3]
        step = max(1, CHUNK // (width * len(weight)))
        codes, counts = np.empty((n, out, height, width), np.int64), Counts(0)
        for image, row in ((image, row) for image in range(n) for row in range(0, height, step)):
            total = taps[image, row : row + step].reshape(-1, len(weight)) @ weight
            part, seen = self._finish(layer, op, total, bound, width)
            codes[image, :, row : row + step] = part
            counts += seen
        return codes, counts

    def _finish(
        self, layer: Layer, op: Convolution, total: NDArray[Any], bound: int, width: int
    ) -> tuple[Codes, Counts]:
        """Sums [cells, channels], of whole rows, as codes [channels, rows, width]."""
        arithmetic, out = self._program.arithmetic, total.shape[1]
        packed = pack_finish(op.epilogue, out, bound, arithmetic, layer.format.bits)
        if packed.wide:
            plane = total.T.reshape(1, out, -1, width).astype(np.int64)
            codes, counts = finish(plane, op.epilogue, arithmetic, layer.format.bits)
            return codes[0], counts
        cells, counts = _finish_narrow(total.astype(np.int32), packed, arithmetic.cut_rounding)
        return cells.T.reshape(out, -1, width).astype(np.int64), counts


def _window_cells(x: Codes, op: Convolution, kind: type[Exact]) -> NDArray[Any]:
    """The cells that each sum is made of: [n, height, width, kernel height, kernel width, channels], a view."""
    (n, c, h, w), (top, left, bottom, right) = x.shape, op.pads
    bordered = np.zeros((n, top + h + bottom, left + w + right, c), kind)
    bordered[:, top : top + h, left : left + w] = x.transpose(0, 2, 3, 1)
    reach = [d * (k - 1) + 1 for d, k in zip(op.dilation, op.weight.shape[2:], strict=True)]
    (sh, sw), (dh, dw) = op.stride, op.dilation
    view = sliding_window_view(bordered, reach, axis=(1, 2))[:, ::sh, ::sw, :, ::dh, ::dw]
    return view.transpose(0, 1, 2, 4, 5, 3)


def _finish_narrow(t: NDArray[np.int32], packed: Finish, rounding: Rounding) -> tuple[NDArray[np.int32], Counts]:
    """`Epilogue` in int32 on [cells, channels], where `pack_finish` has proven that this is enough."""
    bias, multiplier, shift, negative, negative_shift = packed.parameters[:, : t.shape[1]]
    overflowed = 0
    t = _cut(t, np.int32(packed.first_cut), rounding) + bias
    if not packed.one_cut:
        limit = np.int32(2 ** (packed.bias_bits - 1) - 1)
        held = np.clip(t, -limit - 1, limit)
        overflowed = int(np.count_nonzero(held != t))
        t = held
    below = t < 0
    scaled = _cut(t * np.where(below, negative, multiplier), np.where(below, negative_shift, shift), rounding)
    codes = np.clip(scaled, -packed.code_max, packed.code_max)
    return codes, Counts(codes.size, int(np.count_nonzero(codes != scaled)), overflowed)


def _cut(x: NDArray[np.int32], shift: NDArray[np.int32] | np.int32, rounding: Rounding) -> NDArray[np.int32]:
    if rounding == "floor":
        return x >> shift
    half = (np.int32(1) << shift) >> np.int32(1)
    if rounding == "half_away":
        x = x - ((x < 0) & (half > 0)).astype(np.int32)
    return (x + half) >> shift
