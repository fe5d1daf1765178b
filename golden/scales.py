"""Integer weights, biases and scales of one convolution, chosen for the least error that the hardware's ranges allow.

With w' = w * Nin / Nout and b' = b / Nout (icraft facts, section 3) a channel's weight step is S = m * 2^-(n + s) and
its bias step u = m * 2^-n; s is shared by the channels of a layer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from ..targets.arithmetic import Arithmetic, Width
from .fixed import Codes, encode_scale, round_half_away
from .network import Reals
from .program import Epilogue

_SHRINKS = (1.0, 0.93, 0.86, 0.8, 0.72)  # a weight beyond the range may be clipped where the others gain by it
_SLOPE_SEARCH = 1.05  # how much coarser a step may be for a LeakyReLU whose slope it expresses better


@dataclass(frozen=True, slots=True)
class Sizes:
    """What the quantiser knows of one convolution's surroundings, in codes.

    `moments` float64 [i]: mean square of each input channel's codes; `reach` [o]: the largest value before the
    activation that matters, in output codes.
    """

    moments: Reals
    reach: Reals


@dataclass(frozen=True, slots=True)
class Fixed:
    """`weight` int64 like the float one, and the epilogue; `step` [o] is a weight step in output codes.

    `error` [o] is the mean square, in output codes, of what the weights and the cuts get wrong.
    """

    weight: Codes
    epilogue: Epilogue
    step: Reals
    error: Reals


def fix(
    weight: Reals,
    bias: Reals,
    sizes: Sizes,
    arithmetic: Arithmetic,
    *,
    bits: int,
    slope: float,
    two_cuts: bool,
    per_tensor: bool = False,
) -> Fixed:
    """Weights w' [o, i, h, w] and biases b' [o] in output codes as integers; the s of the least error is taken.

    The cuts' own rounding is made up for in the bias.
    """
    width = arithmetic.widths[bits]
    cuts = range(arithmetic.first_cut_max + 1) if two_cuts else (None,)
    tried = [_fix_at(weight, bias, sizes, width, cut, slope, per_tensor) for cut in cuts]
    weights, multiplier, shift, cut, error = min(tried, key=lambda each: float(each[-1].sum()))
    unit = np.ldexp(multiplier.astype(np.float64), -shift)
    step = np.ldexp(unit, -(cut or 0))
    negative = round_half_away(slope * multiplier)
    negative_shift = shift.copy()
    if arithmetic.leaky_shift == "free" and slope not in (0.0, 1.0):
        negative, negative_shift = encode_scale(slope * unit, width.multiplier_max, width.shift_min, width.shift_max)
    negative = np.minimum(negative, width.multiplier_max)
    plain = Epilogue(cut, np.zeros_like(shift), multiplier, shift, negative, negative_shift)
    return biased(Fixed(weights, plain, step, error), bias, arithmetic, bits)


def biased(fixed: Fixed, bias: Reals, arithmetic: Arithmetic, bits: int) -> Fixed:
    """The same weights and scales with other biases b' [o], in output codes; one beyond the register is clipped."""
    epilogue = fixed.epilogue
    unit = np.ldexp(epilogue.multiplier.astype(np.float64), -epilogue.shift)
    lost = _lost(arithmetic, epilogue.first_cut, unit)
    limit = 2 ** (arithmetic.widths[bits].bias_bits - 1) - 1
    held = np.clip(round_half_away(bias / np.maximum(unit, 1e-300) + lost), -limit, limit)
    return replace(fixed, epilogue=replace(epilogue, bias=held))


def _lost(arithmetic: Arithmetic, cut: int | None, unit: Reals) -> Reals:
    """What the cuts take away on average, in bias steps: half an output code and half a bias step where they floor."""
    if arithmetic.cut_rounding != "floor":
        return np.zeros_like(unit)
    return 0.5 / np.maximum(unit, 1e-300) + (0.5 if cut else 0.0)


def _fix_at(
    weight: Reals, bias: Reals, sizes: Sizes, width: Width, cut: int | None, slope: float, per_tensor: bool
) -> tuple[Codes, Codes, Codes, int | None, Reals]:
    """Weights, m, n, s and the mean squared error in output codes that one s gives."""
    shift_by = cut or 0
    flat = weight.reshape(len(weight), -1)
    largest = np.abs(flat).max(axis=1)
    unit_floor = np.maximum(sizes.reach, np.abs(bias)) / (2 ** (width.bias_bits - 1) - 1)
    if cut is None:
        unit_floor = np.abs(bias) / (2 ** (width.bias_bits - 1) - 1)
    if per_tensor:
        largest, unit_floor = np.full_like(largest, largest.max()), np.full_like(unit_floor, unit_floor.max())
    floor = np.maximum(np.ldexp(unit_floor, -shift_by), 1e-30)
    moments = np.repeat(sizes.moments, flat.shape[1] // len(sizes.moments)) if len(sizes.moments) > 1 else sizes.moments
    if weight.shape[1] == 1 and len(sizes.moments) == len(weight):
        moments = sizes.moments[:, None]
    best: tuple[Codes, Codes, Codes, Reals] | None = None
    for shrink in _SHRINKS[: 1 if per_tensor else None]:
        target = np.maximum(shrink * largest / width.code_max, floor)
        multiplier, shift = _encode(target, floor, width, shift_by, slope)
        unit = np.ldexp(multiplier.astype(np.float64), -shift)
        step = np.maximum(np.ldexp(unit, -shift_by), 1e-300)[:, None]
        codes = np.clip(round_half_away(flat / step), -width.code_max, width.code_max)
        off = np.square(codes * step - flat) * moments
        short = np.maximum(sizes.reach - unit * 2 ** (width.bias_bits - 1), 0) if cut is not None else 0.0
        rounding = np.square(unit) / 12 * (2 if cut else 1)
        error = off.sum(axis=1) + rounding + np.square(short)
        if best is None:
            best = codes, multiplier, shift, error
            continue
        better = error < best[3]
        best = (
            np.where(better[:, None], codes, best[0]),
            np.where(better, multiplier, best[1]),
            np.where(better, shift, best[2]),
            np.where(better, error, best[3]),
        )
    assert best is not None
    return best[0].reshape(weight.shape), best[1], best[2], cut, best[3]


def _encode(target: Reals, floor: Reals, width: Width, shift_by: int, slope: float) -> tuple[Codes, Codes]:
    """(m, n) of steps near the targets, not below `floor`; under a LeakyReLU an m whose slope comes out well."""
    ceiling = int(width.multiplier_max / max(slope, 1.0))
    multiplier, shift = encode_scale(np.ldexp(target, shift_by), ceiling, width.shift_min, width.shift_max)
    short = np.ldexp(multiplier.astype(np.float64), -shift - shift_by) < floor
    multiplier = np.minimum(multiplier + short, ceiling)
    if slope in (0.0, 1.0) or width.multiplier_max > 255:
        return np.maximum(multiplier, 1), shift
    return _expressive(slope, ceiling)[multiplier], shift


@lru_cache(maxsize=512)
def _expressive(slope: float, ceiling: int) -> Codes:
    """For each m up to the ceiling the one, little larger, whose integer slope comes out best; at least 1."""
    candidates = np.arange(ceiling + 1)
    off = np.abs(np.floor(slope * candidates + 0.5) / np.maximum(candidates, 1) - slope)
    ends = (min(int(m * _SLOPE_SEARCH), ceiling) + 1 for m in range(ceiling + 1))
    chosen = [m + int(np.argmin(off[m:end])) for m, end in enumerate(ends)]
    return np.maximum(np.asarray(chosen, np.int64), 1)
