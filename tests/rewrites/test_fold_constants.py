"""fold_constants: what hangs on constants alone is stored, what only looks so is computed still."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from icraft_adapt.rewrites.fold_constants import MOST_ELEMENTS, RULE
from icraft_adapt.tests.rewrites.harness import apply, assert_silent, network, operand, operators

IMAGE = "float[1,3,8,6] x"


def test_a_chain_of_shape_arithmetic() -> None:
    body = (
        "s = Shape(x) h = Gather(s, two) d = Mul(h, two) u = Unsqueeze(d, zero) "
        "t = Concat<axis = 0>(one, u, all) y = Reshape(x, t)"
    )
    constants: dict[str, Any] = {"two": np.array(2), "zero": np.array([0]), "one": np.array([1]), "all": np.array([-1])}
    adapted = apply(RULE, network(IMAGE, "y", body, **constants), times=5)
    assert operators(adapted) == ["Reshape"]
    assert operand(adapted, "Reshape", 1).tolist() == [1, 16, -1]


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ("v = Size(x) f = Cast<to = 1>(v) y = Add(x, f)", 144),
        ("v = Shape<start = 2, end = 3>(x) f = Cast<to = 1>(v) y = Add(x, f)", 8),
        ("v = Shape<start = -1>(x) f = Cast<to = 1>(v) y = Add(x, f)", 6),
        ("f = CastLike(n, x) g = Neg(f) y = Add(x, g)", -3),
        ("f = ConstantOfShape<value = float[1] {2.0}>(n) g = ReduceSum(f) y = Add(x, g)", 6),
    ],
)
def test_stores_the_value(body: str, value: float) -> None:
    adapted = apply(RULE, network(IMAGE, "y", body, n=np.array([3])), times=2)
    assert operators(adapted) == ["Add"]
    stored = operand(adapted, "Add", 1)
    assert stored.dtype == np.float32
    assert stored.item() == value


@pytest.mark.parametrize(
    "body",
    [
        "y = Add(x, k)",
        "r = RandomUniform<shape = [1]>() y = Add(x, r)",
        "e = Expand(k, large) y = ReduceSum(e, axes)",
        "y = Neg(k)",  # an output is computed, not stored
    ],
)
def test_leaves(body: str) -> None:
    large = np.array([MOST_ELEMENTS // 4, 8])
    assert_silent(RULE, network(IMAGE, "y", body, k=np.float32(2), large=large, axes=np.array([0])))
