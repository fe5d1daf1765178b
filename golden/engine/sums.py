"""Operators that end in an `Epilogue`, as operations of kernels.c."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..program import Addition, AveragePool, BilinearUpsample, Convolution, Epilogue, Layer, Multiplication, Pair
from .memory import Placed
from .native import BORDER, DENSE, PRODUCT, TAPS
from .pack import Finish, pack_dense, pack_finish, pack_taps, sums_of_magnitudes
from .shapes import Shape
from .steps import Steps


def _finish(steps: Steps, layer: Layer, epilogue: Epilogue, channels: int, bound: int) -> Finish:
    bits = layer.format.bits
    return steps.remember(
        (layer.name, "finish", bound), lambda: pack_finish(epilogue, channels, bound, steps.arithmetic, bits)
    )


def _convolution(steps: Steps, layer: Layer, op: Convolution, inputs: Sequence[Placed], output: Placed) -> None:
    if op.groups != 1:
        _depthwise(steps, layer, op, inputs[0], output)
        return
    source, weight = inputs[0], op.weight
    quads = steps.quads and source.size == 1 and np.abs(weight).max() <= 127
    if not quads:
        source = _widened(steps, source, op.pads)
    _, channels, kh, kw = weight.shape
    row, pixel = source.steps[2:]
    merged = op.dilation[1] == 1 and pixel == channels * source.size
    dense = steps.remember(
        (layer.name, "dense", merged, quads, source.largest), lambda: pack_dense(weight, merged, quads, source.largest)
    )
    runs = [(u * op.dilation[0], v * op.dilation[1]) for u in range(kh) for v in ([0] if merged else range(kw))]
    bound = source.largest * sums_of_magnitudes(weight)
    steps.emit(
        DENSE,
        output,
        [_moved(source, -op.pads[0], -op.pads[1])],
        owner=layer.name,
        finish=_finish(steps, layer, op.epilogue, len(weight), bound),
        arrays={
            "offsets": np.array([u * row + v * pixel for u, v in runs], np.int64),
            "weights": dense.words,
            "start": dense.start,
        },
        stride=op.stride,
        taps=len(runs),
        words=dense.run_words,
        split=dense.split,
    )


def _depthwise(steps: Steps, layer: Layer, op: Convolution, source: Placed, output: Placed) -> None:
    out, _, kh, kw = op.weight.shape
    if out != op.groups:
        source = _repeated(steps, source, out // op.groups, op.pads)
    bound = source.largest * sums_of_magnitudes(op.weight)
    _weigh(
        steps,
        layer,
        output,
        [_moved(source, -op.pads[0], -op.pads[1])],
        [(0, u * op.dilation[0], v * op.dilation[1]) for u in range(kh) for v in range(kw)],
        steps.remember((layer.name, "taps"), lambda: pack_taps(op.weight.reshape(out, -1).T)),
        _finish(steps, layer, op.epilogue, out, bound),
        stride=op.stride,
    )


def _weigh(
    steps: Steps,
    layer: Layer,
    output: Placed,
    sources: Sequence[Placed],
    taps: Sequence[tuple[int, int, int]],
    weights: NDArray[np.int32],
    finish: Finish,
    stride: Pair = (1, 1),
) -> None:
    """Sums over cells (source, y, x) of each window, channel by channel."""
    places = [y * sources[each].steps[2] + x * sources[each].steps[3] for each, y, x in taps]
    arrays: dict[str, NDArray[Any]] = {
        "offsets": np.array(places, np.int64),
        "source": np.array([each for each, _, _ in taps], np.int64),
        "weights": weights,
    }
    kind = PRODUCT if isinstance(layer.operator, Multiplication) else TAPS
    steps.emit(kind, output, sources, owner=layer.name, finish=finish, arrays=arrays, taps=len(taps), stride=stride)


def _addition(steps: Steps, layer: Layer, op: Addition, inputs: Sequence[Placed], output: Placed) -> None:
    left, right = (_spread(steps, each, output.shape) for each in inputs)
    channels = output.shape[1]
    weights = np.stack([np.broadcast_to(each, (channels,)) for each in (op.left, op.right)])
    bound = int((np.abs(weights) * np.array([[left.largest], [right.largest]])).sum(axis=0).max())
    finish = _finish(steps, layer, op.epilogue, channels, bound)
    _weigh(steps, layer, output, [left, right], [(0, 0, 0), (1, 0, 0)], pack_taps(weights), finish)


def _multiplication(steps: Steps, layer: Layer, op: Multiplication, inputs: Sequence[Placed], output: Placed) -> None:
    left, right = (_spread(steps, each, output.shape) for each in inputs)
    finish = _finish(steps, layer, op.epilogue, output.shape[1], left.largest * right.largest)
    ones = pack_taps(np.ones((1, output.shape[1]), np.int64))
    _weigh(steps, layer, output, [left, right], [(0, 0, 0)], ones, finish)


def _average(steps: Steps, layer: Layer, op: AveragePool, inputs: Sequence[Placed], output: Placed) -> None:
    cells = [(0, u, v) for u, v in np.ndindex(op.kernel)]
    channels = output.shape[1]
    finish = _finish(steps, layer, op.epilogue, channels, inputs[0].largest * len(cells))
    weights = pack_taps(np.ones((len(cells), channels), np.int64))
    _weigh(steps, layer, output, inputs, cells, weights, finish, stride=op.stride)


def _bilinear(steps: Steps, layer: Layer, op: BilinearUpsample, inputs: Sequence[Placed], output: Placed) -> None:
    """Each phase of the output is a convolution channel by channel of the continued map."""
    (fh, fw), (kh, kw) = op.factors, op.weight.shape
    _, channels, h, w = inputs[0].shape
    finish = _finish(steps, layer, op.epilogue, channels, inputs[0].largest * int(np.abs(op.weight).sum()))
    rows, columns = _phases(op.crop[0], fh, kh), _phases(op.crop[1], fw, kw)
    reach = [place for phases in (rows, columns) for taps in phases for _, place in taps]
    # Taps outside the continued map meet its border of zeros.
    border = max(0, -min(reach, default=0), max(reach, default=0) - 2)
    continued = _continued(steps, inputs[0], border)
    for a, b in np.ndindex(op.factors):
        taps = [(u, v, y, x) for u, y in rows[a] for v, x in columns[b]]
        weights = np.array([[op.weight[u, v]] * channels for u, v, _, _ in taps], np.int64).reshape(-1, channels)
        _, size, row, pixel = output.steps
        phase = replace(
            _moved(output, a, b), shape=(1, channels, h, w), steps=(0, size, row * fh, pixel * fw), border=(0, 0, 0, 0)
        )
        _weigh(steps, layer, phase, [continued], [(0, y, x) for _, _, y, x in taps], pack_taps(weights), finish)
    steps.emit(BORDER, output, [])


def _phases(crop: int, factor: int, kernel: int) -> list[list[tuple[int, int]]]:
    """Per phase of one axis: which tap of the kernel meets which cell, counted from that of the phase's own number."""
    return [
        [(tap, (phase + crop - tap) // factor) for tap in range(kernel) if (phase + crop - tap) % factor == 0]
        for phase in range(factor)
    ]


def _continued(steps: Steps, source: Placed, border: int) -> Placed:
    """One more cell on each side, as its neighbour is."""
    n, c, h, w = source.shape
    larger = steps.map((n, c, h + 2, w + 2), source.largest, source.size, (border,) * 4)
    steps.border(larger)
    steps.copy(source.shape, source, source.steps, _moved(larger, 1, 1), larger.steps)
    for here, there in (((1, 1), (1, 0)), ((1, w), (1, w + 1))):
        steps.copy((n, c, h, 1), _moved(larger, *here), larger.steps, _moved(larger, *there), larger.steps)
    for here, there in (((1, 0), (0, 0)), ((h, 0), (h + 1, 0))):
        steps.copy((n, c, 1, w + 2), _moved(larger, *here), larger.steps, _moved(larger, *there), larger.steps)
    return larger


def _moved(source: Placed, y: int, x: int) -> Placed:
    """The map as seen from another cell."""
    return replace(source, offset=source.offset + y * source.steps[2] + x * source.steps[3])


def _widened(steps: Steps, source: Placed, pads: Shape) -> Placed:
    """The map in elements of two bytes."""
    if source.size == 2:
        return source
    wider = steps.map(source.shape, source.largest, 2, pads)
    steps.border(wider)
    steps.copy(source.shape, source, source.steps, wider, wider.steps)
    return wider


def _repeated(steps: Steps, source: Placed, times: int, pads: Shape) -> Placed:
    """The map with each channel `times` times."""
    n, c, h, w = source.shape
    larger = steps.map((n, c * times, h, w), source.largest, source.size, pads)
    whole, channel, row, pixel = source.steps
    to_whole, to_channel, to_row, to_pixel = larger.steps
    steps.border(larger)
    into = (to_whole, to_channel * times, to_channel, to_row, to_pixel)
    steps.copy((n, c, times, h, w), source, (whole, channel, 0, row, pixel), larger, into)
    return larger


def _spread(steps: Steps, source: Placed, shape: Shape) -> Placed:
    """The map repeated to that shape, as numpy broadcasts."""
    if source.shape == shape:
        return source
    missing = len(shape) - len(source.shape)
    aligned = zip((1,) * missing + source.shape, (0,) * missing + source.steps, shape, strict=True)
    larger = steps.map(shape, source.largest, source.size)
    strides = tuple(0 if extent < side else step for extent, step, side in aligned)
    steps.copy(shape, source, strides, larger, larger.steps)
    return larger


SUMS: Mapping[type, Callable[[Steps, Layer, Any, Sequence[Placed], Placed], None]] = {
    Convolution: _convolution,
    Addition: _addition,
    Multiplication: _multiplication,
    AveragePool: _average,
    BilinearUpsample: _bilinear,
}
