"""Weights and epilogues as the kernels read them, and the proofs that 32 bits hold what they compute.

Every proof is about magnitudes: |sum| <= largest |code| * sum |weight|, in whatever order the products are added.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...targets.arithmetic import Arithmetic
from ..fixed import Codes
from ..program import Epilogue

PADDED = 32  # channels of parameters are padded to a multiple: what one call of the widest kernel reads
LANES = 16  # channels that stand side by side in packed weights
INT32 = 2**31


@dataclass(frozen=True, slots=True)
class Finish:
    """`Epilogue` for the kernels: rows of [5, padded], int32 where `wide` is false, and what goes with them."""

    parameters: NDArray[np.int32] | NDArray[np.int64]
    wide: bool
    one_cut: bool
    first_cut: int
    accumulator_bits: int
    bias_bits: int
    code_max: int


@dataclass(frozen=True, slots=True)
class Dense:
    """Weights of a convolution over all channels: `words` as [padded / 16, runs * words of a run, 16], 1-D.

    `start` int32 [padded] is where sums begin; `split` is 0, or the number of words whose sums fit 32 bits when an
    int16 x is halved.
    """

    words: NDArray[np.int32]
    start: NDArray[np.int32]
    run_words: int
    split: int


def padded(channels: int) -> int:
    """`channels` rounded up."""
    return -(-channels // PADDED) * PADDED


def pack_finish(epilogue: Epilogue, channels: int, bound: int, arithmetic: Arithmetic, bits: int) -> Finish:
    """The epilogue of a layer of that width whose sums are at most `bound`. Raises ValueError for impossible shifts."""
    width = arithmetic.widths[bits]
    rows = (epilogue.bias, epilogue.multiplier, epilogue.shift, epilogue.negative, epilogue.negative_shift)
    if not all(0 <= shift <= 62 for each in (epilogue.shift, epilogue.negative_shift) for shift in each.tolist()):
        raise ValueError("a shift that is not in [0, 62]")
    wide = not _fits_32_bits(epilogue, bound, arithmetic, bits)
    parameters = np.zeros((len(rows), padded(channels)), np.int64 if wide else np.int32)
    for row, values in zip(parameters, rows, strict=True):
        row[:channels] = values
    return Finish(
        parameters,
        wide,
        epilogue.first_cut is None,
        epilogue.first_cut or 0,
        width.accumulator_bits,
        width.bias_bits,
        width.code_max,
    )


def _fits_32_bits(epilogue: Epilogue, bound: int, arithmetic: Arithmetic, bits: int) -> bool:
    """Whether int32 holds every value, and no register overflows but a saturating one after the bias."""
    width = arithmetic.widths[bits]
    multiplier = _magnitude(epilogue.multiplier, epilogue.negative)
    shift, bias = _magnitude(epilogue.shift, epilogue.negative_shift), _magnitude(epilogue.bias)
    accumulator = 2 ** min(width.accumulator_bits - 1, 31)
    if shift > 30:
        return False
    if epilogue.first_cut is None:
        t = bound + bias
        if t >= accumulator:
            return False
    else:
        t = (bound >> epilogue.first_cut) + 1 + bias
        if bound >= accumulator or bound + (1 << epilogue.first_cut) >= INT32 or t >= INT32 or width.bias_bits > 32:
            return False
        register = 2 ** (width.bias_bits - 1)
        if t >= register and arithmetic.overflow == "wrap":
            return False
        t = min(t, register)
    return t * multiplier + (1 << shift) < INT32


def pack_dense(weight: Codes, merged: bool, quads: bool, largest: int) -> Dense:
    """`weight` [o, i, h, w] for codes up to `largest`: int8 where `quads`, else int16.

    A run of the window is one of its rows where `merged` (its cells adjoin in memory), else one cell. Raises
    ValueError for weights beyond int16.
    """
    if _magnitude(weight) > 32767:
        raise ValueError(f"weights up to {_magnitude(weight)} do not fit 16 bits")
    out, _, kh, kw = weight.shape
    group, rows = (4 if quads else 2), padded(out)
    runs = weight.transpose(0, 2, 3, 1).reshape(out, kh if merged else kh * kw, -1)
    run_words = -(-runs.shape[2] // group)
    filled = np.zeros((rows, runs.shape[1], run_words * group), np.int8 if quads else np.int16)
    filled[:out, :, : runs.shape[2]] = runs
    lanes = filled.reshape(rows // LANES, LANES, runs.shape[1] * run_words, group).transpose(0, 2, 1, 3)
    start = np.zeros(rows, np.int32)
    if quads:  # the kernel adds 128 to every code
        start[:out] = -128 * weight.sum(axis=(1, 2, 3))
    return Dense(np.ascontiguousarray(lanes).view(np.int32).reshape(-1), start, run_words, _split(weight, largest))


def _split(weight: Codes, largest: int) -> int:
    if largest * sums_of_magnitudes(weight) < INT32:
        return 0
    # A word is two products with a half of at most 255.
    return (INT32 - 1) // (2 * 255 * max(_magnitude(weight), 1))


def pack_taps(weights: NDArray[np.int64]) -> NDArray[np.int32]:
    """[taps, channels] as int32 [taps, padded]."""
    taps, channels = weights.shape
    filled = np.zeros((taps, padded(channels)), np.int32)
    filled[:, :channels] = weights
    return filled


def sums_of_magnitudes(weight: Codes) -> int:
    """The largest sum |weight| of an output channel."""
    return int(np.abs(weight).reshape(len(weight), -1).sum(axis=1).max(initial=0))


def _magnitude(*arrays: Codes) -> int:
    return max(int(np.abs(each).max(initial=0)) for each in arrays)
