# mypy: disallow-subclassing-any=False
"""What to change in a network of the public YOLOX or ByteTrack training code, so that it trains on what Icraft runs.

Both are done in place and keep every name of the state_dict. The network is any nn.Module; nothing of that code is
imported. A block is known by its form, a convolution `conv` beside its activation `act`; a Focus by its class name and
its `conv`.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional


def use_leaky_relu(network: nn.Module, slopes: Mapping[str, float] | float = 0.1) -> tuple[str, ...]:
    """Put an nn.LeakyReLU where a block `conv`, `act` has another activation; the blocks' names are given.

    `slopes` are by the names of the convolutions, as `hand_off` gives them (a block without one gets 0.1), or one for
    all.
    """
    changed = []
    for name, block in network.named_modules():
        if not isinstance(getattr(block, "conv", None), nn.Conv2d) or not isinstance(
            getattr(block, "act", None), nn.Module
        ):
            continue
        slope = slopes.get(f"{name}.conv", 0.1) if isinstance(slopes, Mapping) else slopes
        block.act = nn.LeakyReLU(slope)
        changed.append(name)
    return tuple(changed)


def use_strided_focus(network: nn.Module) -> tuple[str, ...]:
    """Let each Focus gather its phases by a fixed 2x2 convolution of stride 2, exactly; the names are given."""
    found = [
        (name, module)
        for name, module in network.named_modules()
        if name and type(module).__name__ == "Focus" and isinstance(getattr(module, "conv", None), nn.Module)
    ]
    for name, module in found:
        parent, _, own = name.rpartition(".")
        setattr(network.get_submodule(parent), own, StridedFocus(module.conv))
    return tuple(name for name, _ in found)


class StridedFocus(nn.Module):
    """Space to depth as the public Focus does it (phases: top left, bottom left, top right, bottom right), then `conv`.

    The gathering weight follows from the input's channels and is no part of the state_dict.
    """

    def __init__(self, conv: nn.Module) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: Tensor) -> Tensor:
        """[n, c, h, w] to what `conv` makes of [n, 4 c, h / 2, w / 2]."""
        channels = x.shape[1]
        weight = torch.zeros(4 * channels, channels, 2, 2, dtype=x.dtype, device=x.device)
        for phase, (column, row) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
            for channel in range(channels):
                weight[phase * channels + channel, channel, row, column] = 1
        made: Tensor = self.conv(functional.conv2d(x, weight, stride=2))
        return made
