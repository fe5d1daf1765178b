"""focus_to_conv: what is no Focus is declined with the reason and the node, or not spoken of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import ModelProto

from icraft_adapt.rewrites.core.run import Applied
from icraft_adapt.tests.rewrites.focus import (
    BOUNDS,
    CONV,
    SIX_SLICES,
    assert_becomes_conv,
    assert_declined,
    focused,
    int64,
    stem,
)
from icraft_adapt.tests.rewrites.harness import network, weights


def edited(**changes: np.ndarray) -> ModelProto:
    """The six slices with other bounds."""
    body = SIX_SLICES.replace("odd = Slice(x, i1, far, i2, i2)", "odd = Slice(x, start, stop, i2, step)")
    return stem(body, **(BOUNDS | {"start": int64(1), "stop": int64(12), "step": int64(2)} | changes))


def test_the_editable_spelling_is_one() -> None:
    assert_becomes_conv(edited(), "onehot2x2")


@pytest.mark.parametrize(
    "changes",
    [
        {"start": int64(6), "stop": int64(12), "step": int64(1)},
        {"start": int64(5), "stop": int64(-100), "step": int64(-1)},
        {"start": int64(11), "stop": int64(-100), "step": int64(-2)},
    ],
)
def test_declines_slices_that_read_other_pixels(changes: dict[str, np.ndarray]) -> None:
    assert_declined(edited(**changes), "channel 3 of z is no phase of the image")


def test_declines_a_shift_by_two_pixels() -> None:
    body = "padded = Slice(x, i2, far, i2, i1) again = Slice(x, i0, i2, i2, i1) r = Concat<axis = 2>(padded, again) "
    shifted = body + SIX_SLICES.replace("Slice(x,", "Slice(r,")
    assert_declined(stem(shifted, **BOUNDS), "channel 0 of z is no phase of the image")


def test_declines_another_geometry_and_names_the_nearest_node() -> None:
    proto = stem("p = Slice(x, i2, far, i2, i2) z = Concat<axis = 1>(p, p, p, p)", **BOUNDS)
    proto.graph.node[1].name = "gather the phases"
    assert_declined(proto, "gives [1, 12, 5, 16], no space to depth of [1, 3, 12, 16]", "gather the phases")


@pytest.mark.parametrize(
    ("inputs", "body"),
    [
        ("float[3,12,16] x", "u = Unsqueeze(x, i0) z = SpaceToDepth<blocksize = 2>(u)"),
        ("float[1,1,3,12,16] x", "u = Squeeze(x, i0) z = SpaceToDepth<blocksize = 2>(u)"),
    ],
)
def test_declines_what_is_no_image(inputs: str, body: str) -> None:
    constants: dict[str, Any] = {"w": weights(5, 12, 3, 3), "b": weights(5, seed=1), **BOUNDS}
    assert_declined(network(inputs, "y", f"{body} {CONV}", **constants), "is no single image")


def test_declines_two_images() -> None:
    constants: dict[str, Any] = {"w": weights(5, 12, 3, 3), "b": weights(5, seed=1)}
    proto = network("float[2,3,12,16] x", "y", f"z = SpaceToDepth<blocksize = 2>(x) {CONV}", **constants)
    assert_declined(proto, "[2, 3, 12, 16] is no single image")


@pytest.mark.parametrize(
    "body",
    [
        "z = Relu(x)",
        "c = Cast<to = 7>(x) d = Cast<to = 1>(c) z = SpaceToDepth<blocksize = 2>(d)",  # rounds, though not the ramp
        "n = Neg(x) z = SpaceToDepth<blocksize = 2>(n)",
        "a = Slice(x, i0, i2, i1) z = Concat<axis = 1>(a, v)",
    ],
)
def test_has_nothing_to_say(body: str) -> None:
    channels = 3 if "Relu" in body or "Concat" in body else 12
    constants: dict[str, Any] = {"w": weights(5, channels, 3, 3), "b": weights(5, seed=1), **BOUNDS}
    proto = network("float[1,3,12,16] x, float[1,1,12,16] v", "y", f"{body} {CONV}", **constants)
    assert focused(proto)[0] == Applied((), ())
