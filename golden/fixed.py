"""The integer vocabulary of the NPU: shifts that round, saturation, scales as m * 2^-n. numpy int64, exact.

Every other integer in golden/ is made of these few functions; they are tested over all int16 and the int32 extremes.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Codes = NDArray[np.int64]
Rounding = Literal["floor", "half_up", "half_away"]
Overflow = Literal["saturate", "wrap"]


def cut(x: ArrayLike, shift: ArrayLike, rounding: Rounding = "floor") -> Codes:
    """x * 2^-shift as an integer, shift >= 0: rounded down, to the nearest with halves up, or halves away from zero."""
    values, bits = np.asarray(x, np.int64), np.asarray(shift, np.int64)
    half = np.where(bits > 0, np.int64(1) << np.maximum(bits - 1, 0), 0)
    if rounding == "floor":
        result = values >> bits
    elif rounding == "half_up":
        result = (values + half) >> bits
    else:
        result = np.sign(values) * ((np.abs(values) + half) >> bits)
    return np.asarray(result, np.int64)


def saturate(x: ArrayLike, largest: int) -> Codes:
    """x limited to [-largest, largest]: how codes are held."""
    return np.clip(np.asarray(x, np.int64), -largest, largest)


def hold(x: ArrayLike, bits: int, overflow: Overflow = "saturate") -> Codes:
    """x as a two's complement register of `bits` bits holds it: at its end, or around it."""
    values, half = np.asarray(x, np.int64), np.int64(1) << np.int64(bits - 1)
    if overflow == "saturate":
        return np.clip(values, -half, half - 1)
    return np.asarray(((values + half) & (2 * half - 1)) - half, np.int64)


def exceeds(x: ArrayLike, bits: int) -> int:
    """How many values of x a two's complement register of `bits` bits can't hold."""
    values, half = np.asarray(x, np.int64), np.int64(1) << np.int64(bits - 1)
    return int(np.count_nonzero((values < -half) | (values >= half)))


def round_half_away(x: ArrayLike) -> Codes:
    """Floats to the nearest integers, halves away from zero: C's round()."""
    values = np.asarray(x, np.float64)
    whole = np.trunc(values)
    up = np.abs(values - whole) >= 0.5  # exact, where adding a half would round
    return np.asarray(whole + np.copysign(up, values), np.int64)


def to_codes(values: ArrayLike, normratio: ArrayLike, largest: int) -> Codes:
    """Floats as codes: round(value / normratio), limited to [-largest, largest]; computed in float64."""
    scaled = np.asarray(values, np.float64) / np.asarray(normratio, np.float64)
    return round_half_away(np.clip(scaled, -largest, largest))


def encode_scale(scale: ArrayLike, multiplier_max: int, shift_min: int, shift_max: int) -> tuple[Codes, Codes]:
    """(m, n) with m * 2^-n nearest to each positive scale, m in [0, multiplier_max], n in [shift_min, shift_max].

    The finest n whose m still fits is taken; a scale beyond the largest one is held at multiplier_max, one below
    half of the smallest becomes 0.
    """
    target = np.asarray(scale, np.float64)
    with np.errstate(divide="ignore"):
        room = np.floor(np.log2((multiplier_max + 0.5) / np.maximum(target, np.finfo(np.float64).tiny)))
    shift = np.clip(room, shift_min, shift_max).astype(np.int64)
    multiplier = np.floor(np.ldexp(target, shift) + 0.5)
    coarser = (multiplier > multiplier_max) & (shift > shift_min)
    shift = np.where(coarser, shift - 1, shift)
    multiplier = np.floor(np.ldexp(target, shift) + 0.5)
    return np.minimum(multiplier, multiplier_max).astype(np.int64), shift
