"""What is kept of a map: enough to see any change, and to say how large it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icraft_adapt.golden.fingerprint import SAMPLED, Fingerprint, cosine, difference, fingerprint, places, within
from icraft_adapt.golden.fixed import Codes


def codes(seed: int = 0, shape: tuple[int, ...] = (1, 6, 9, 11)) -> Codes:
    return np.random.default_rng(seed).integers(-127, 128, shape)


def seen(kept: Codes, found: Codes) -> bool:
    return difference(fingerprint(kept), fingerprint(found)) is not None


@given(st.integers(0, 6 * 9 * 11 - 1), st.sampled_from([-1, 1]))
def test_one_code_off_by_one_is_a_difference(place: int, step: int) -> None:
    changed = codes()
    changed.reshape(-1)[place] += step
    assert seen(codes(), changed)
    assert not seen(codes(), codes().astype(np.int8))


def test_it_says_which_channel_and_how_far() -> None:
    changed = codes()
    changed[0, 2] = 0
    changed[0, 5] += 3
    found = difference(fingerprint(codes(), 10_000), fingerprint(changed, 10_000))
    assert found is not None
    assert (found.channels, found.all_channels, found.first_channel) == (2, 6, 2)
    assert found.sampled == changed.size
    assert found.differ == int(np.count_nonzero(codes() != changed))
    assert found.largest == int(np.abs(codes() - changed).max())
    assert found.means == pytest.approx((codes().mean(), changed.mean()))
    assert found.cosine == pytest.approx(cosine(codes(), changed)) != 1


def test_codes_that_only_change_places_are_a_difference() -> None:
    found = difference(fingerprint(codes()), fingerprint(codes()[..., ::-1]))
    assert found is not None
    assert found.channels == 0, "the sums are the same ones"
    assert found.first_channel is None


@pytest.mark.parametrize("size", [1, 63, 64, 65, 1000, 10**7])
def test_the_sample_is_spread_over_the_map(size: int) -> None:
    found = places(size, SAMPLED)
    assert len(found) == min(size, SAMPLED)
    assert found.min() >= 0
    assert found.max() < size
    if size >= 1000:
        gaps = np.diff(np.sort(found))
        assert gaps.max() < 3 * size / SAMPLED


def test_the_places_are_those_of_every_machine() -> None:
    assert places(10**6, 5).tolist() == [618033, 236067, 854101, 472135, 90169]


def test_wide_codes_and_other_ranks() -> None:
    wide = np.array([[32767, -32767, 5]])
    found = fingerprint(wide)
    assert (found.least, found.largest, found.squares) == (-32767, 32767, 2 * 32767**2 + 25)
    assert found.totals.tolist() == [32767, -32767, 5]
    assert not found.is_constant
    assert fingerprint(np.full((1, 2, 3, 4), 7)).is_constant


def test_maps_of_other_shapes_have_no_difference_to_speak_of() -> None:
    with pytest.raises(ValueError, match="shapes"):
        difference(fingerprint(codes()), fingerprint(codes(shape=(1, 6, 11, 9))))


def of(kept: Codes, found: Codes, tolerance: int, share: float) -> bool:
    prints: tuple[Fingerprint, Fingerprint] = (fingerprint(kept), fingerprint(found))
    return within(*prints, tolerance, share)


def test_a_tolerance_bounds_codes_their_share_and_the_mean_of_each_channel() -> None:
    nudged = codes() + np.random.default_rng(1).integers(-1, 2, codes().shape)
    assert of(codes(), nudged, 1, 1.0)
    assert not of(codes(), nudged, 1, 0.3), "two thirds are off"
    assert not of(codes(), nudged + 1, 1, 1.0), "some are off by two"
    silent = codes(shape=(1, 40, 8, 8)) // 40
    zeroed = silent.copy()
    zeroed[0, 3] = -60
    assert not of(silent, zeroed, 4, 1.0), "one channel of forty is another, whether or not the sample meets it"
