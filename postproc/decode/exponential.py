"""exp and sigmoid as the generated C computes them, operation by operation in float64, and the tables made of them.

Only +, -, *, / and integers, which IEEE 754 fixes to the last bit: a table is the same on every machine, and the
C's function gives its entries bit for bit. Relative error of exp: under 2^-44 (Taylor's remainder of degree 11 at
ln 2 / 2 is 6e-15, rounding adds 3e-14), so the result rounded to float32 is off by at most 0.5 + 2^-19 ulp.
"""

from __future__ import annotations

from math import factorial
from typing import Any

import numpy as np
from numpy.typing import NDArray

LOWEST = -87.0  # exp of it is the smallest power of e that float32 holds with all its digits
HIGHEST = 32.0  # a box side of exp(32) strides: its area, and a sum of two, are finite in float32
TAYLOR = tuple(1.0 / factorial(k) for k in range(11, -1, -1))  # the highest power first
LOG2_E = 1.4426950408889634
LN_2 = 0.6931471805599453

_Float = NDArray[np.float32]


def exponential(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """exp(x) for |x| <= 87: x = k ln 2 + r with |r| <= ln 2 / 2, then 2^k times a polynomial in r."""
    scaled = x * LOG2_E
    power = np.trunc(scaled + np.where(scaled < 0.0, -0.5, 0.5)).astype(np.int64)
    rest = x - power.astype(np.float64) * LN_2
    total = np.full_like(x, TAYLOR[0])
    for coefficient in TAYLOR[1:]:
        total = total * rest + coefficient
    scale: NDArray[np.float64] = ((power + 1023) << 52).view(np.float64)
    return total * scale


def score_of(x: NDArray[Any]) -> _Float:
    """sigmoid(x), the float32 next to it; x beyond +-87 counts as +-87. The result is in (0, 1]."""
    bounded = np.clip(np.asarray(x, np.float64), LOWEST, -LOWEST)
    e = exponential(-np.abs(bounded))
    return (np.where(bounded < 0.0, e, 1.0) / (1.0 + e)).astype(np.float32)


def side_of(x: NDArray[Any]) -> _Float:
    """exp(x), the float32 next to it; x counts as -87 below and as 32 above."""
    return exponential(np.clip(np.asarray(x, np.float64), LOWEST, HIGHEST)).astype(np.float32)


def every_code(bits: int, normratio: float) -> NDArray[np.float64]:
    """The value of each code that `bits` can hold, ascending; exact in float64."""
    half = 1 << (bits - 1)
    return np.arange(-half, half).astype(np.float64) * normratio
