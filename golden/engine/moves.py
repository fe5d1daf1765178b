"""Operators that only move codes, or look them up, as operations of kernels.c."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..program import Concatenation, MaxPool, NearestUpsample, Pad, Rectify, Reshape, Slice, Table, Transpose
from .memory import Placed, c_steps
from .native import LOOKUP, MAXIMUM
from .steps import Steps


def _table(steps: Steps, op: Table, inputs: Sequence[Placed], output: Placed) -> None:
    entries = op.entries.astype(np.int16)
    steps.emit(LOOKUP, output, inputs, arrays={"table": entries}, code_max=len(entries) // 2)


def _rectify(steps: Steps, op: Rectify, inputs: Sequence[Placed], output: Placed) -> None:
    """The maximum of one cell, from 0."""
    steps.emit(MAXIMUM, output, inputs, kernel=(1, 1), cells=(2**31, 2**31))


def _max_pool(steps: Steps, op: MaxPool, inputs: Sequence[Placed], output: Placed) -> None:
    steps.emit(
        MAXIMUM,
        output,
        inputs,
        kernel=op.kernel,
        stride=op.stride,
        before=op.pads[:2],
        cells=inputs[0].shape[2:],
        lowest=-(2 ** (8 * output.size - 1)),
    )


def _nearest(steps: Steps, op: NearestUpsample, inputs: Sequence[Placed], output: Placed) -> None:
    (fh, fw), (n, c, h, w) = op.factors, inputs[0].shape
    whole, channel, row, pixel = inputs[0].steps
    to_whole, to_channel, to_row, to_pixel = output.steps
    into = (to_whole, to_channel, to_row * fh, to_row, to_pixel * fw, to_pixel)
    steps.border(output)
    steps.copy((n, c, h, fh, w, fw), inputs[0], (whole, channel, row, 0, pixel, 0), output, into)


def _concatenation(steps: Steps, op: Concatenation, inputs: Sequence[Placed], output: Placed) -> None:
    """Parts that were computed in their place stay there."""
    at = output.offset
    for part in inputs:
        if (part.buffer, part.offset) != (output.buffer, at):
            steps.border(output)
            steps.copy(part.shape, part, part.steps, replace(output, offset=at), output.steps)
        at += part.shape[op.axis] * output.steps[op.axis]


def _pad(steps: Steps, op: Pad, inputs: Sequence[Placed], output: Placed) -> None:
    (source,), rank = inputs, len(output.shape)
    value = op.value.astype(np.int8 if output.size == 1 else np.int16)
    filling = [0] * rank
    filling[min(1, rank - 1)] = value.itemsize if value.size > 1 else 0
    steps.border(output)
    steps.copy(output.shape, value, tuple(filling), output, output.steps)
    at = sum(before * step for before, step in zip(op.pads, output.steps, strict=False))
    steps.copy(source.shape, source, source.steps, replace(output, offset=output.offset + at), output.steps)


def _slice(steps: Steps, op: Slice, inputs: Sequence[Placed], output: Placed) -> None:
    (source,) = inputs
    at = sum(start * step for start, step in zip(op.starts, source.steps, strict=True))
    strides = tuple(step * each for step, each in zip(op.steps, source.steps, strict=True))
    steps.border(output)
    steps.copy(output.shape, replace(source, offset=source.offset + at), strides, output, output.steps)


def _reshape(steps: Steps, op: Reshape, inputs: Sequence[Placed], output: Placed) -> None:
    """In C order of the axes: a channels-last map goes through one that is not."""
    (source,) = inputs
    line = source
    if source.picture:
        line = steps.map((*source.shape, 1), source.largest, source.size)
        steps.copy(source.shape, source, source.steps, line, c_steps(source.shape, source.size))
    steps.border(output)
    steps.copy(output.shape, line, c_steps(output.shape, line.size), output, output.steps)


def _transpose(steps: Steps, op: Transpose, inputs: Sequence[Placed], output: Placed) -> None:
    (source,) = inputs
    steps.border(output)
    steps.copy(output.shape, source, tuple(source.steps[axis] for axis in op.order), output, output.steps)


MOVES: Mapping[type, Callable[[Steps, Any, Sequence[Placed], Placed], None]] = {
    Table: _table,
    Rectify: _rectify,
    MaxPool: _max_pool,
    NearestUpsample: _nearest,
    Concatenation: _concatenation,
    Pad: _pad,
    Slice: _slice,
    Reshape: _reshape,
    Transpose: _transpose,
}
