# mypy: disallow-subclassing-any=False
"""CSPDarknet and the path aggregation neck: an image to feature maps at strides 8, 16, 32."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from .blocks import ConvUnit, CspStage, Focus, PyramidPooling, spatial_conv
from .config import YoloxConfig


class CspDarknet(nn.Module):
    """Stem and four stages that halve the map and double the channels; the last one pools a pyramid."""

    def __init__(self, config: YoloxConfig) -> None:
        super().__init__()
        act, widths = config.activation, [config.channels(n) for n in (64, 128, 256, 512, 1024)]
        # The 6x6 convolution is the Focus and its 3x3 in one: what later YOLOs write in its place.
        self.stem = Focus(3, widths[0], act) if config.focus == "slices" else ConvUnit(3, widths[0], 6, act, stride=2)
        self.stages = nn.ModuleList()
        for level, (cin, cout) in enumerate(pairwise(widths)):
            last, long = level == 3, level in (1, 2)
            blocks = config.blocks * (3 if long else 1)
            stage = CspStage(cout, cout, act, blocks=blocks, depthwise=config.depthwise, shortcut=not last)
            pooling = [PyramidPooling(cout, act)] if last else []
            down = spatial_conv(cin, cout, act, stride=2, depthwise=config.depthwise)
            self.stages.append(nn.Sequential(down, *pooling, stage))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """[N, 3, H, W] to three maps at strides 8, 16, 32."""
        x, maps = self.stem(images), []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return tuple(maps[1:])


class PathAggregation(nn.Module):
    """PAFPN: coarse features are brought up to the fine maps, then the result back down; shapes stay."""

    def __init__(self, config: YoloxConfig) -> None:
        super().__init__()
        act, depthwise = config.activation, config.depthwise
        fine, middle, coarse = (config.channels(n) for n in (256, 512, 1024))

        def stage(cin: int, cout: int) -> CspStage:
            return CspStage(cin, cout, act, blocks=config.blocks, depthwise=depthwise, shortcut=False)

        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.lateral_coarse = ConvUnit(coarse, middle, 1, act)
        self.up_middle = stage(2 * middle, middle)
        self.lateral_middle = ConvUnit(middle, fine, 1, act)
        self.up_fine = stage(2 * fine, fine)
        self.down_fine = spatial_conv(fine, fine, act, stride=2, depthwise=depthwise)
        self.down_middle = stage(2 * fine, middle)
        self.shrink_middle = spatial_conv(middle, middle, act, stride=2, depthwise=depthwise)
        self.down_coarse = stage(2 * middle, coarse)

    def forward(self, maps: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Three maps at strides 8, 16, 32 to three of the same shapes."""
        fine, middle, coarse = maps
        coarse = self.lateral_coarse(coarse)
        middle = self.lateral_middle(self.up_middle(torch.cat([self.up(coarse), middle], 1)))
        fine = self.up_fine(torch.cat([self.up(middle), fine], 1))
        middle = self.down_middle(torch.cat([self.down_fine(fine), middle], 1))
        coarse = self.down_coarse(torch.cat([self.shrink_middle(middle), coarse], 1))
        return fine, middle, coarse
