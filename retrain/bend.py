"""The one-kink curve that stands for an activation in each channel of a map.

A LeakyReLU is positively homogeneous, so a convolution before it can scale and shift its input, and the convolutions
after it can take a constant back, without a further operator:

    activation(z) ~ leaky(scale * z + shift) + offset

The kink's place is tried out, scale and offset are solved for, all over quantiles of the channel's own values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

_POINTS = 128  # quantiles that stand for a channel
_KINKS = 17
# A slope below zero of more than this is no more an activation; a hardware multiplier is not negative.
SLOPES = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3)
_LEAST_SCALE = 0.05


@dataclass(frozen=True, slots=True)
class Bends:
    """By channel, float [c] each; `slope` is the layer's. `error` [c]: mean squared, over the activation's variance."""

    slope: float
    scale: Tensor
    shift: Tensor
    offset: Tensor
    error: Tensor


def quantiles(z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Evenly spaced quantiles [c, points] of each channel of z [c, n], ascending, and the values of y [c, n] there."""
    order = z.argsort(dim=1)
    places = ((torch.arange(_POINTS) + 0.5) / _POINTS * z.shape[1]).long()
    chosen = order[:, places]
    return z.gather(1, chosen), y.gather(1, chosen)


def fit_bends(z: Tensor, y: Tensor, slopes: Sequence[float] = SLOPES) -> Bends:
    """The best slope for the layer and the best curve for each channel; z and y = activation(z) are [c, n] points.

    Channels count by the variance that the activation has there.
    """
    fits = [_fit(z, y, slope) for slope in slopes]
    variance = y.var(dim=1, correction=0)
    return min(fits, key=lambda fit: float((fit.error * variance).sum()))


def _fit(z: Tensor, y: Tensor, slope: float) -> Bends:
    low, high = z[:, :1], z[:, -1:]
    kinks = low + (high - low) * torch.linspace(0, 1, _KINKS)  # [c, kinks]
    kinks = torch.cat([kinks, z[:, :: max(1, z.shape[1] // _KINKS)], torch.zeros_like(low)], 1)
    bent = z[:, None, :] - kinks[:, :, None]
    bent = torch.where(bent > 0, bent, slope * bent)  # [c, kinks, points]
    centred = bent - bent.mean(2, keepdim=True)
    truth = (y - y.mean(1, keepdim=True))[:, None, :]
    power = centred.square().mean(2)
    scale = (centred * truth).mean(2) / power.clamp_min(1e-12)
    scale = scale.clamp_min(_LEAST_SCALE)
    squared = (scale[..., None] * centred - truth).square().mean(2)
    best = squared.argmin(1, keepdim=True)
    scale, kink = scale.gather(1, best)[:, 0], kinks.gather(1, best)[:, 0]
    mean = bent.mean(2).gather(1, best)[:, 0]
    variance = y.var(dim=1, correction=0).clamp_min(1e-8)
    error = squared.gather(1, best)[:, 0] / variance
    return Bends(slope, scale, -scale * kink, y.mean(1) - scale * mean, error)
