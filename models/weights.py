"""Random weights that behave like trained ones: unit activations throughout, outputs that vary in space.

A freshly initialised detector is useless for proofs: its scores are all 0.01 and its deep maps are flat, so
that a wrong reading of the head equals the right one.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .head import DecoupledHead

NOISE_PIXELS = 2**18

# Mean and standard deviation of each role's raw map on noise: scores around 0.1 that reach 0.7, boxes of
# 0.4 to 2.7 strides (two deviations).
ROLE_STATISTICS = {"reg": (0.0, 0.5), "obj": (-2.0, 1.5), "cls": (-2.0, 1.5), "kpt": (0.0, 1.0)}


def randomise(trunk: nn.Module, head: DecoupledHead, size: tuple[int, int]) -> None:
    """Draw the weights of `trunk`, which maps images to `head`'s raw maps, from torch's random state.

    Convolutions: Kaiming normal. Batch normalisation: scale in [0.75, 1.25], shift around 1, statistics
    measured on noise images of `size` (H, W), uniform over 0..255. Predictions: each channel scaled and
    shifted to `ROLE_STATISTICS` on the same images. Leaves `trunk` in eval mode.
    """
    for module in trunk.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
    # At the size of use, since padding and pooling weigh more in small maps; then many images, since the
    # coarsest map has few cells and the widest pool sees all of them.
    images = max(2, NOISE_PIXELS // (size[0] * size[1]))
    noise = 255 * torch.rand(images, 3, *size)
    with torch.no_grad():
        normalise_features(trunk, noise)
        scale_predictions(head, trunk(noise))


def normalise_features(trunk: nn.Module, images: Tensor) -> None:
    """Draw scale and shift of every batch normalisation, and measure its statistics on `images`."""
    norms = [module for module in trunk.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        nn.init.uniform_(norm.weight, 0.75, 1.25)
        # A shift of 1 keeps most values on one side of the activation's bend. With 0, sixty layers in a row
        # are chaotic: float rounding reaches the heads 500 (SiLU) to 8000 (ReLU6) times as large, with 1 ten
        # to twenty times, and the heads' statistics hold only for the images they were measured on.
        nn.init.normal_(norm.bias, mean=1, std=0.2)
        norm.momentum = None  # the running statistics become those of the one pass that follows
    trunk.train()(images)
    trunk.eval()
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum


def scale_predictions(head: DecoupledHead, levels: list[tuple[Tensor, ...]]) -> None:
    """Bring each prediction's channels, now as in `levels` ([N, C, h, w] each), to `ROLE_STATISTICS`."""
    for level, maps in zip(head.levels, levels, strict=True):
        for (role, conv), values in zip(level.predictions.items(), maps, strict=True):
            mean, deviation = ROLE_STATISTICS[role]
            gain = deviation / values.std((0, 2, 3))
            conv.weight.mul_(gain[:, None, None, None])
            conv.bias.sub_(values.mean((0, 2, 3))).mul_(gain).add_(mean)
