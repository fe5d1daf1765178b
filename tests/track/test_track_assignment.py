"""The assignment is the best one under the limit, and among equals the one that is stated."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from icraft_adapt.postproc.track.assignment import NOBODY, assign, overlap

Costs = NDArray[np.float64]


def total(cost: Costs, limit: float, columns: NDArray[np.int64]) -> float:
    """The sum of (cost - limit) over the pairs, each of which is allowed and no column taken twice."""
    rows = np.flatnonzero(columns != NOBODY)
    taken = columns[rows]
    assert len(set(taken.tolist())) == len(taken)
    assert (cost[rows, taken] < limit).all()
    return float((cost[rows, taken] - limit).sum())


def least_by_trying(cost: Costs, limit: float) -> float:
    """Over all ways to give the rows columns, a pair that is not allowed counting as none."""
    gain = np.minimum(cost - limit, 0)
    n, m = gain.shape
    if n > m:
        gain, n, m = gain.T, m, n
    return min(float(gain[range(n), list(chosen)].sum()) for chosen in permutations(range(m), n))


@pytest.mark.parametrize("seed", range(60))
def test_small_ones_against_brute_force(seed: int) -> None:
    random = np.random.default_rng(seed)
    cost = random.random((int(random.integers(1, 7)), int(random.integers(1, 7))))
    if seed % 2:
        cost = np.round(cost * 4) / 4  # many equal costs, many equal sums
    limit = float(random.choice([0.3, 0.5, 0.75, 1.0]))
    assert total(cost, limit, assign(cost, limit)) == pytest.approx(least_by_trying(cost, limit), abs=1e-12)


@pytest.mark.parametrize("seed", range(12))
def test_large_ones_against_scipy(seed: int) -> None:
    random = np.random.default_rng(100 + seed)
    cost = random.random((int(random.integers(5, 90)), int(random.integers(5, 90))))
    if seed % 2:
        cost = np.where(random.random(cost.shape) < 0.1, cost, 1.0)  # as sparse as boxes are
    if seed % 3 == 0:
        cost = np.round(cost, 1)
    rows, columns = linear_sum_assignment(np.minimum(cost - 0.8, 0))
    best = float(np.minimum(cost - 0.8, 0)[rows, columns].sum())
    assert total(cost, 0.8, assign(cost, 0.8)) == pytest.approx(best, abs=1e-9)
    assert total(cost, 0.8, assign(cost.astype(np.float32), 0.8)) == pytest.approx(best, abs=1e-4)


def test_a_pair_at_the_limit_is_none() -> None:
    assert assign(np.array([[0.5]]), 0.5).tolist() == [NOBODY]
    assert assign(np.array([[np.nextafter(0.5, 0)]]), 0.5).tolist() == [0]
    assert assign(np.zeros((0, 3)), 0.5).tolist() == []
    assert assign(np.zeros((2, 0)), 0.5).tolist() == [NOBODY, NOBODY]


@pytest.mark.parametrize(
    ("cost", "expected"),
    [
        ([[0.25, 0.25]], [0]),  # the first column
        ([[0.25], [0.25]], [0, NOBODY]),  # the row that came first stays
        ([[0.25, 0.25], [0.25, 0.25]], [0, 1]),
        ([[0.25, 0.5], [0.25, 1.0]], [1, 0]),  # moving on lowers the sum
        ([[0.25, 0.75], [0.25, 0.75], [0.25, 0.25]], [0, NOBODY, 1]),
        ([[0.5, 0.25], [0.25, 0.0]], [1, 0]),  # both ways sum to the same: the path that was found first
    ],
)
def test_the_order_of_ties(cost: list[list[float]], expected: list[int]) -> None:
    assert assign(np.array(cost), 0.75).tolist() == expected


def test_the_last_pixel_counts_in_the_overlap() -> None:
    a = np.array([[0.0, 0.0, 9.0, 9.0]])
    assert overlap(a, a).tolist() == [[1.0]]
    assert overlap(a, np.array([[0.0, 0.0, 9.0, 4.0]])).tolist() == [[0.5]]
    assert overlap(a, np.array([[9.5, 0.0, 19.0, 9.0]]))[0, 0] == pytest.approx(0.5 * 10 / (100 + 105 - 5))
    assert overlap(a, np.array([[10.0, 0.0, 19.0, 9.0]])).tolist() == [[0.0]]
