"""The one-kink curve of a channel: exact where the activation is one, near where it is not."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from icraft_adapt.retrain.bend import SLOPES, Bends, fit_bends, quantiles


def channels(seed: int = 0) -> Tensor:
    """Three channels of normal values [3, n], wide, narrow and far from zero."""
    random = torch.Generator().manual_seed(seed)
    wide = torch.randn(3, 4000, generator=random)
    return wide * torch.tensor([[2.0], [0.3], [1.0]]) + torch.tensor([[0.0], [0.0], [3.0]])


def applied(bends: Bends, z: Tensor) -> Tensor:
    """What the fit makes of z [c, n]."""
    return functional.leaky_relu(bends.scale[:, None] * z + bends.shift[:, None], bends.slope) + bends.offset[:, None]


def test_quantiles_ascend_and_keep_the_pairs() -> None:
    z = channels()
    x, y = quantiles(z, z.square())
    assert (x.diff(dim=1) >= 0).all()
    assert torch.equal(y, x.square())
    assert (x[:, 0] < z.median(1).values).all()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_bend_finds_itself(seed: int) -> None:
    z = channels(seed)
    y = functional.leaky_relu(0.7 * z, 0.1) - 0.2
    bends = fit_bends(*quantiles(z, y))
    assert bends.slope == 0.1
    assert ((applied(bends, z) - y).square().mean(1) < 1e-3 * y.var(1)).all()
    assert (bends.error < 1e-4).all()


def test_silu_in_each_channel() -> None:
    z = channels()
    bends = fit_bends(*quantiles(z, functional.silu(z)))
    missing = (applied(bends, z) - functional.silu(z)).square().mean(1) / functional.silu(z).var(1)
    assert bends.slope in SLOPES
    assert (missing < 0.02).all()
    assert torch.allclose(missing, bends.error, atol=5e-3)
    plain = (functional.leaky_relu(z, 0.1) - functional.silu(z)).square().mean(1) / functional.silu(z).var(1)
    assert (missing < plain).all()


def test_a_channel_that_never_moves_does_no_harm() -> None:
    z = torch.full((1, 100), -3.0)
    bends = fit_bends(*quantiles(z, functional.silu(z)))
    assert torch.allclose(applied(bends, z), functional.silu(z), atol=1e-5)
