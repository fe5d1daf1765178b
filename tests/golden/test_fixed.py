"""The integer vocabulary against plain Python integers, fractions and decimals: all int16, the ends of int32."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import get_args

import numpy as np
import pytest

from icraft_adapt.golden.fixed import (
    Overflow,
    Rounding,
    cut,
    encode_scale,
    exceeds,
    hold,
    round_half_away,
    saturate,
    to_codes,
)

ROUNDINGS: tuple[Rounding, ...] = get_args(Rounding)
INT16 = np.arange(-(2**15), 2**15)
ENDS = [sign * (2**k + d) for k in (0, 1, 7, 15, 16, 30, 31, 32, 46, 47) for d in (-1, 0, 1) for sign in (-1, 1)]


def rounded(x: Fraction, rounding: Rounding) -> int:
    """x as an integer: down, to the nearest with halves up, or with halves away from zero."""
    below = x.numerator // x.denominator
    rest = x - below
    if rounding == "floor" or rest < Fraction(1, 2):
        return below
    if rest > Fraction(1, 2) or rounding == "half_up":
        return below + 1
    return below + (x > 0)


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("shift", range(18))
def test_every_int16_is_cut_as_a_fraction_is_rounded(shift: int, rounding: Rounding) -> None:
    step = 2**shift
    doubled = {"floor": lambda x: x // step, "half_up": lambda x: (2 * x + step) // (2 * step)}
    doubled["half_away"] = lambda x: doubled["half_up"](x) if x >= 0 else -doubled["half_up"](-x)
    assert cut(INT16, shift, rounding).tolist() == [doubled[rounding](x) for x in range(-(2**15), 2**15)]


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_the_ends_of_registers_are_cut_as_fractions_are_rounded(rounding: Rounding) -> None:
    for shift in (0, 1, 5, 8, 16, 21, 32, 40):
        assert cut(ENDS, shift, rounding).tolist() == [rounded(Fraction(x, 2**shift), rounding) for x in ENDS]


def test_each_value_has_its_own_shift() -> None:
    values, shifts = np.array([[-5, 5, 7]]), np.array([[1, 1, 0]])
    assert cut(values, shifts, "floor").tolist() == [[-3, 2, 7]]
    assert cut(values, shifts, "half_up").tolist() == [[-2, 3, 7]]
    assert cut(values, shifts, "half_away").tolist() == [[-3, 3, 7]]


@pytest.mark.parametrize("bits", [2, 8, 12, 16, 20, 32, 48])
@pytest.mark.parametrize("overflow", get_args(Overflow))
def test_a_register_holds_two_s_complement(bits: int, overflow: Overflow) -> None:
    half = 2 ** (bits - 1)
    values = [*INT16.tolist(), *ENDS, half - 1, half, -half, -half - 1, 3 * half]
    if overflow == "wrap":
        expected = [int.from_bytes((x % 2**bits).to_bytes(7, "little"), "little") for x in values]
        expected = [x - 2**bits if x >= half else x for x in expected]
    else:
        expected = [min(max(x, -half), half - 1) for x in values]
    assert hold(values, bits, overflow).tolist() == expected
    assert exceeds(values, bits) == sum(not -half <= x < half for x in values)


@pytest.mark.parametrize("largest", [1, 127, 32767])
def test_codes_end_symmetrically(largest: int) -> None:
    values = [*INT16.tolist(), *ENDS]
    assert saturate(values, largest).tolist() == [sorted((-largest, x, largest))[1] for x in values]


def test_halves_round_away_from_zero_as_in_decimal() -> None:
    rng = np.random.default_rng(0)
    halves = np.arange(-2000, 2001) / 2
    scattered = rng.normal(size=20_000) * 10.0 ** rng.integers(-3, 12, 20_000)
    neighbours = np.nextafter(halves[np.abs(halves) > 0.5], [[-np.inf], [np.inf]]).ravel()
    for values in (halves, scattered, neighbours):
        expected = [int(Decimal(x).quantize(Decimal(1), ROUND_HALF_UP)) for x in values.tolist()]
        assert round_half_away(values).tolist() == expected


@pytest.mark.parametrize("value", [0.49999999999999994, -0.49999999999999994, 2.0**52 + 1, -1.5])
def test_a_half_is_not_added_where_the_sum_would_be_rounded(value: float) -> None:
    assert round_half_away(value) == int(Decimal(value).quantize(Decimal(1), ROUND_HALF_UP))


def test_codes_are_rounded_in_steps_of_the_normratio_and_limited() -> None:
    values, steps = np.array([[0.75, -0.75, 3.0, -1e9, 1e300]]), np.array([[0.5]])
    assert to_codes(values, steps, 127).tolist() == [[2, -2, 6, -127, 127]]


def least_errors(scales: list[float], multiplier_max: int, shifts: range) -> list[Fraction]:
    """The smallest |m * 2^-n - scale| over all m and n, by trying every n with both neighbours of scale * 2^n."""
    found = []
    for scale in map(Fraction, scales):
        grid = ((n, min(int(scale * 2**n) + d, multiplier_max)) for n in shifts for d in (0, 1))
        found.append(min(abs(Fraction(m, 2**n) - scale) for n, m in grid))
    return found


@pytest.mark.parametrize(("multiplier_max", "low", "high"), [(255, 8, 16), (65535, 16, 32), (255, 0, 3)])
def test_no_scale_is_nearer_than_the_encoded_one(multiplier_max: int, low: int, high: int) -> None:
    rng = np.random.default_rng(1)
    ends = [m * 2.0**-n for m in (1, multiplier_max, multiplier_max + 0.5, multiplier_max + 1) for n in (low, high)]
    scales = [*ends, 1e-30, 1e30, *(2.0 ** rng.uniform(-high - 2, 20 - low, 4000)).tolist()]
    m, n = encode_scale(scales, multiplier_max, low, high)
    assert m.min() >= 0
    assert m.max() <= multiplier_max
    assert n.min() >= low
    assert n.max() <= high
    errors = [abs(Fraction(a, 2**b) - Fraction(s)) for a, b, s in zip(m.tolist(), n.tolist(), scales, strict=True)]
    assert errors == least_errors(scales, multiplier_max, range(low, high + 1))


def test_no_8_bit_scale_is_nearer_over_the_whole_grid() -> None:
    grid = np.array([[m * 2.0**-n for m in range(256)] for n in range(8, 17)])
    scales = 2.0 ** np.random.default_rng(2).uniform(-18, 1, 2000)
    m, n = encode_scale(scales, 255, 8, 16)
    best = np.abs(grid.reshape(1, -1) - scales.reshape(-1, 1)).min(axis=1)
    assert np.array_equal(np.abs(m * 2.0**-n - scales), best)


def test_a_mantissa_keeps_all_its_bits() -> None:
    m, _ = encode_scale(2.0 ** np.random.default_rng(3).uniform(-9, -1, 1000), 255, 8, 16)
    assert m.min() >= 128
