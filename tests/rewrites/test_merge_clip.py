"""merge_clip: intervals in every position to one another, both spellings, and every precondition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from onnx import ModelProto

from icraft_adapt.rewrites.merge_clip import RULE, Interval
from icraft_adapt.tests.rewrites.harness import (
    apply,
    assert_declines,
    assert_silent,
    attempt,
    network,
    operand,
    operators,
)

BOUND = st.one_of(st.none(), st.integers(-40, 40).map(lambda n: n / 8))
LARGEST = float(np.finfo(np.float32).max)


def clips(*pairs: tuple[float | None, float | None], opset: int = 17) -> ModelProto:
    """Clips behind one another; None leaves a bound out."""
    lines: list[str] = []
    constants: dict[str, Any] = {}
    for index, (low, high) in enumerate(pairs):
        source, result = f"t{index}" if index else "x", f"t{index + 1}" if index + 1 < len(pairs) else "y"
        given_bounds = {"min": low, "max": high}
        if opset < 11:
            written = ", ".join(f"{key} = {v:f}" for key, v in given_bounds.items() if v is not None)
            lines.append(f"{result} = Clip{f'<{written}>' if written else ''}({source})")
            continue
        operands = ["" if v is None else f"{key}{index}" for key, v in given_bounds.items()]
        constants |= {f"{key}{index}": np.float32(v) for key, v in given_bounds.items() if v is not None}
        lines.append(f"{result} = Clip({', '.join([source, *operands]).rstrip(', ')})")
    return network("float[1,2,8,8] x", "y", " ".join(lines), opset=opset, **constants)


@settings(max_examples=40, deadline=None)
@given(first=st.tuples(BOUND, BOUND), second=st.tuples(BOUND, BOUND), opset=st.sampled_from([6, 12, 17]))
def test_two_clips_keep_their_numbers(
    first: tuple[float | None, float | None], second: tuple[float | None, float | None], opset: int
) -> None:
    crossed = [low > high for low, high in (first, second) if low is not None and high is not None]
    assume(opset > 6 or not any(crossed))  # the runtime refuses min above max there
    proto = clips(first, second, opset=opset)
    done = len(attempt(RULE, proto).steps)
    assert sum(op != "Identity" for op in operators(apply(RULE, proto, times=done))) <= 1


@settings(max_examples=300, deadline=None)
@given(values=st.lists(st.integers(-9, 9), min_size=4, max_size=4), x=st.integers(-12, 12))
def test_the_interval_of_two_is_that_of_one_behind_the_other(values: list[int], x: int) -> None:
    a, b, c, d = values
    inner, outer = Interval(min(a, b), max(a, b)), Interval(min(c, d), max(c, d))
    assert outer.after(inner).clip(x) == outer.clip(inner.clip(x))


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        ((0, 6), (1, 4), 1, 4),
        ((0, 4), (1, 6), 1, 4),
        ((0, 1), (2, 3), 2, 2),  # they do not meet: always 2, not the empty interval [2, 1]
        ((2, 3), (0, 1), 1, 1),
        ((3, 1), (0, 2), 1, 1),  # min above max: max wins
        ((None, 4), (-2, None), -2, 4),
        ((None, 4), (None, 2), -LARGEST, 2),
    ],
)
def test_merges_two_clips(
    first: tuple[float | None, float | None],
    second: tuple[float | None, float | None],
    low: float,
    high: float,
) -> None:
    adapted = apply(RULE, clips(first, second), times=1)
    assert operators(adapted) == ["Clip"]
    assert [float(operand(adapted, "Clip", i).item()) for i in (1, 2)] == [np.float32(low), np.float32(high)]


def test_the_stored_bounds_are_scalars() -> None:
    adapted = apply(RULE, clips((0, 6), (1, 4)), times=1)
    assert operand(adapted, "Clip", 1).shape == operand(adapted, "Clip", 2).shape == ()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("a = Relu(x) y = Clip(a, low, high)", "Clip"),
        ("a = Clip(x, low, high) y = Relu(a)", "Clip"),
        ("a = Relu(x) y = Relu(a)", "Relu"),
        ("a = Relu(x) y = Clip(a, low)", "Relu"),
    ],
)
def test_merges_a_relu(body: str, expected: str) -> None:
    proto = network("float[1,2,8,8] x", "y", body, low=np.float32(-1), high=np.float32(5))
    adapted = apply(RULE, proto, times=1)
    assert operators(adapted) == [expected]
    if expected == "Clip":
        assert [operand(adapted, "Clip", i).item() for i in (1, 2)] == [0, 5]


def test_merges_a_chain() -> None:
    assert operators(apply(RULE, clips((0, 9), (-3, 7), (1, 5), (2, 6)), times=3)) == ["Clip"]


@pytest.mark.parametrize(("pair", "expected"), [((0, None), "Relu"), ((0, np.inf), "Relu"), ((0, LARGEST), "Relu")])
def test_writes_a_clip_as_relu(pair: tuple[float | None, float | None], expected: str) -> None:
    assert operators(apply(RULE, clips(pair), times=1)) == [expected]


@pytest.mark.parametrize("pair", [(None, None), (-np.inf, np.inf), (-LARGEST, LARGEST)])
@pytest.mark.parametrize("opset", [6, 17])
def test_writes_a_clip_of_everything_as_identity(pair: tuple[float | None, float | None], opset: int) -> None:
    if opset == 6 and pair[0] == -np.inf:
        pytest.skip("the text form has no infinite attribute")
    assert operators(apply(RULE, clips(pair, opset=opset), times=1)) == ["Identity"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("a = Clip(x, low) b = Clip(a, low, high) y = Add(a, b)", "else reads the inner Clip"),
        ("a = Relu(x) b = Clip(a, low, high) y = Add(a, b)", "else reads the inner Relu"),
        ("m = Neg(low) a = Relu(x) y = Clip(a, m)", "m is not constant"),
        ("m = Neg(low) a = Clip(x, m) y = Clip(a, low)", "m is not constant"),
    ],
)
def test_declines(body: str, reason: str) -> None:
    proto = network("float[1,2,8,8] x", "y", body, low=np.float32(-1), high=np.float32(5))
    assert_declines(RULE, proto, reason)


@pytest.mark.parametrize(
    "body", ["y = Relu(x)", "y = Clip(x, low, high)", "m = Neg(low) y = Clip(x, m)", "m = Abs(x) y = Relu(m)"]
)
def test_has_nothing_to_say(body: str) -> None:
    assert_silent(RULE, network("float[1,2,8,8] x", "y", body, low=np.float32(-1), high=np.float32(5)))


def test_leaves_integers() -> None:
    proto = network("int32[1,8] x", "y", "a = Clip(x, zero) b = Clip(a, zero) y = Cast<to = 1>(b)", zero=np.int32(0))
    assert_silent(RULE, proto)
