# mypy: disallow-subclassing-any=False
"""The blocks a YOLOX is built from: convolution units, bottlenecks, CSP stages, pyramid pooling, Focus.

Every block takes and gives NCHW maps; `act` names the activation (`config.Activation`).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .config import Activation

ACTIVATIONS = {
    "silu": nn.SiLU,
    "leaky": lambda: nn.LeakyReLU(0.1),
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "hardswish": nn.Hardswish,
}


class ConvUnit(nn.Sequential):
    """Convolution without bias, batch normalisation, activation; padded so that stride 1 keeps the size."""

    def __init__(self, cin: int, cout: int, kernel: int, act: Activation, *, stride: int = 1, groups: int = 1) -> None:
        conv = nn.Conv2d(cin, cout, kernel, stride, (kernel - 1) // 2, groups=groups, bias=False)
        super().__init__(conv, nn.BatchNorm2d(cout, eps=1e-3, momentum=0.03), ACTIVATIONS[act]())


def spatial_conv(cin: int, cout: int, act: Activation, *, stride: int = 1, depthwise: bool) -> nn.Module:
    """A 3x3 unit; depthwise separable (3x3 per channel, then 1x1) where asked for."""
    if not depthwise:
        return ConvUnit(cin, cout, 3, act, stride=stride)
    return nn.Sequential(ConvUnit(cin, cin, 3, act, stride=stride, groups=cin), ConvUnit(cin, cout, 1, act))


class Bottleneck(nn.Module):
    """1x1 then 3x3 unit at constant width, with an optional shortcut around both."""

    def __init__(self, channels: int, act: Activation, *, shortcut: bool, depthwise: bool) -> None:
        super().__init__()
        self.reduce = ConvUnit(channels, channels, 1, act)
        self.spatial = spatial_conv(channels, channels, act, depthwise=depthwise)
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] to the same shape."""
        y = self.spatial(self.reduce(x))
        return x + y if self.shortcut else y


class CspStage(nn.Module):
    """Cross-stage partial block: half the channels pass `blocks` bottlenecks, half pass by; 1x1 to join."""

    def __init__(
        self, cin: int, cout: int, act: Activation, *, blocks: int, depthwise: bool, shortcut: bool = True
    ) -> None:
        super().__init__()
        hidden = cout // 2
        self.main = ConvUnit(cin, hidden, 1, act)
        self.bypass = ConvUnit(cin, hidden, 1, act)
        self.bottlenecks = nn.Sequential(
            *(Bottleneck(hidden, act, shortcut=shortcut, depthwise=depthwise) for _ in range(blocks))
        )
        self.join = ConvUnit(2 * hidden, cout, 1, act)

    def forward(self, x: Tensor) -> Tensor:
        """[N, cin, H, W] to [N, cout, H, W]."""
        return self.join(torch.cat([self.bottlenecks(self.main(x)), self.bypass(x)], 1))


class PyramidPooling(nn.Module):
    """Spatial pyramid pooling: the map beside its 5x5, 9x9 and 13x13 running maxima."""

    def __init__(self, channels: int, act: Activation) -> None:
        super().__init__()
        self.reduce = ConvUnit(channels, channels // 2, 1, act)
        self.pools = nn.ModuleList(nn.MaxPool2d(k, stride=1, padding=k // 2) for k in (5, 9, 13))
        self.expand = ConvUnit(channels // 2 * 4, channels, 1, act)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] to the same shape."""
        x = self.reduce(x)
        return self.expand(torch.cat([x, *(pool(x) for pool in self.pools)], 1))


class Focus(nn.Module):
    """Space to depth by strided slices (phases: top left, bottom left, top right, bottom right), then 3x3."""

    def __init__(self, cin: int, cout: int, act: Activation) -> None:
        super().__init__()
        self.conv = ConvUnit(4 * cin, cout, 3, act)

    def forward(self, x: Tensor) -> Tensor:
        """[N, cin, H, W] to [N, cout, H/2, W/2]."""
        phases = [x[..., row::2, column::2] for column in (0, 1) for row in (0, 1)]
        return self.conv(torch.cat(phases, 1))
