"""A convolution solved for: the one that made the samples is found again, through an activation too."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from icraft_adapt.retrain.least_squares import Geometry, LeastSquares, pack, rows_at, unpack

CASES: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {
    "1x1": ((5, 6, 1, 1), {}),
    "3x3": ((5, 6, 3, 3), {"pads": (1, 1, 1, 1)}),
    "strided, uneven pads": ((5, 6, 3, 3), {"pads": (1, 0, 0, 1), "strides": (2, 2)}),
    "depthwise": ((6, 1, 3, 3), {"groups": 6, "pads": (1, 1, 1, 1)}),
    "grouped, dilated": ((4, 3, 3, 3), {"groups": 2, "dilations": (2, 2)}),
}


def case(name: str) -> tuple[Geometry, Tensor, Tensor, Tensor]:
    """Geometry, weight, bias, and an input map [1, 6, 24, 20]."""
    shape, options = CASES[name]
    plain = {"strides": (1, 1), "pads": (0, 0, 0, 0), "dilations": (1, 1), "groups": 1, "with_bias": True}
    random = torch.Generator().manual_seed(1)
    weight, bias = torch.randn(shape, generator=random), torch.randn(shape[0], generator=random)
    return Geometry(shape[2:], **plain | options), weight, bias, torch.randn(1, 6, 24, 20, generator=random)  # type: ignore[arg-type]


def convolved(geometry: Geometry, weight: Tensor, bias: Tensor, x: Tensor) -> Tensor:
    """The map [o, cells] as torch computes it."""
    top, left, bottom, right = geometry.pads
    padded = functional.pad(x, (left, right, top, bottom))
    made = functional.conv2d(padded, weight, bias, geometry.strides, 0, geometry.dilations, geometry.groups)
    return made[0].flatten(1)


@pytest.mark.parametrize("name", CASES)
def test_rows_and_coefficients_make_the_map(name: str) -> None:
    geometry, weight, bias, x = case(name)
    truth = convolved(geometry, weight, bias, x)
    places = torch.arange(truth.shape[1]).flip(0)
    equations = LeastSquares(rows_at(x, places, geometry), with_bias=True)
    packed = pack(weight, bias, geometry.groups)
    assert torch.allclose(equations.predict(packed), truth[:, places], atol=1e-4)
    again, shift = unpack(packed, weight)
    assert torch.equal(again, weight)
    assert shift is not None
    assert torch.equal(shift, bias)
    assert unpack(pack(weight, None, geometry.groups), weight)[1] is None


@pytest.mark.parametrize("name", CASES)
def test_the_convolution_that_made_the_samples_is_found(name: str) -> None:
    geometry, weight, bias, x = case(name)
    truth = convolved(geometry, weight, bias, x)
    equations = LeastSquares(rows_at(x, torch.arange(truth.shape[1]), geometry), with_bias=True)
    start = pack(torch.zeros_like(weight), torch.zeros_like(bias), geometry.groups)
    found = equations.solve(truth, start)
    error = (equations.predict(found) - truth).square().mean() / truth.var()
    assert float(error) < 1e-3
    held = equations.solve(truth, pack(weight, bias, geometry.groups))
    assert torch.allclose(held, pack(weight, bias, geometry.groups), atol=1e-3)


@pytest.mark.parametrize("slope", [0.0, 0.1, 2.0])
def test_refining_lessens_the_error_behind_the_activation(slope: float) -> None:
    geometry, weight, bias, x = case("3x3")
    truth = convolved(geometry, weight, bias, x)

    def bent(z: Tensor) -> Tensor:
        return functional.leaky_relu(z, slope)

    equations = LeastSquares(rows_at(x, torch.arange(truth.shape[1]), geometry), with_bias=True)
    start = pack(0.5 * weight, bias - 0.5, 1)
    before = float((bent(equations.predict(start)) - bent(truth)).square().mean())
    errors = []
    for steps in (0, 1, 5, 40):
        found = equations.refine(bent(truth), start, bent, steps)
        errors.append(float((bent(equations.predict(found)) - bent(truth)).square().mean()))
    assert errors[0] == pytest.approx(before)
    assert errors[1] < before
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.1 * before
