"""The integer arithmetic of one chip, as far as it is known or assumed: values only, nothing computes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Width:
    """The ranges of one integer width.

    Codes lie in [-code_max, code_max]. A scale is m * 2^-n with m in [0, multiplier_max] and n in [shift_min,
    shift_max]. The accumulator, and the value after the first shift plus bias, have the bits named here.
    """

    code_max: int
    multiplier_max: int
    shift_min: int
    shift_max: int
    bias_bits: int
    accumulator_bits: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """How the compiler's quantiser looks for a range: `bins` of |x|, a threshold every `step_bins` bins.

    The first threshold is at `first_bin`; each is judged at `levels` levels. Fewer images than
    `advised_images` deserve a warning.
    """

    bins: int
    first_bin: int
    step_bins: int
    levels: int
    advised_images: int


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """A convolution computes y = sat(cut((cut(sum x*w, s) + b) * m, n)) with 0 <= s <= first_cut_max.

    `widths` is keyed by bits (8, 16). `code_rounding` turns floats into codes, `cut_rounding` is that of the
    shifts, `overflow` what an accumulator does beyond its width; `leaky_shift` says whether the negative half
    of a fused LeakyReLU shares n, `table` how an activation's table is made (None: no tables). The image is
    shifted by -`image_shift`; 1 / normratio of the input is a multiple of 1 / `image_ratio_denominator`.
    """

    widths: Mapping[int, Width]
    first_cut_max: int
    code_rounding: Literal["half_away"]
    cut_rounding: Literal["floor", "half_up", "half_away"]
    overflow: Literal["saturate", "wrap"]
    leaky_shift: Literal["same", "free"]
    image_shift: int
    image_ratio_denominator: int
    calibration: Calibration
    table: Literal["round_of_function"] | None = None
