# mypy: disallow-subclassing-any=False
"""The decoupled head: per level a stem, a classification branch and a regression branch."""

from __future__ import annotations

from torch import Tensor, nn

from .blocks import ConvUnit, spatial_conv
from .config import STRIDES, YoloxConfig


class LevelHead(nn.Module):
    """One level's stem, two branches of two 3x3 units, and a 1x1 prediction per role."""

    def __init__(self, config: YoloxConfig, cin: int) -> None:
        super().__init__()
        act, hidden = config.activation, config.channels(256)

        def branch() -> nn.Sequential:
            units = (spatial_conv(hidden, hidden, act, depthwise=config.depthwise) for _ in range(2))
            return nn.Sequential(*units)

        self.stem = ConvUnit(cin, hidden, 1, act)
        self.cls_branch = branch()
        self.reg_branch = branch()
        self.cls = nn.Conv2d(hidden, config.classes, 1)
        self.reg = nn.Conv2d(hidden, 4, 1)
        self.obj = nn.Conv2d(hidden, 1, 1)
        self.kpt = nn.Conv2d(hidden, 2 * config.keypoints, 1) if config.keypoints else None

    @property
    def predictions(self) -> dict[str, nn.Conv2d]:
        """Role to its 1x1 convolution, in the order of the output."""
        roles = {"reg": self.reg, "obj": self.obj, "cls": self.cls, "kpt": self.kpt}
        return {role: conv for role, conv in roles.items() if conv is not None}

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """[N, cin, h, w] to the roles' raw maps, [N, 4 | 1 | classes | 2 key points, h, w].

        Computed as the public code does: class branch first, then box, objectness, key points.
        """
        x = self.stem(x)
        cls = self.cls(self.cls_branch(x))
        boxes = self.reg_branch(x)
        maps = self.reg(boxes), self.obj(boxes), cls
        return maps if self.kpt is None else (*maps, self.kpt(boxes))


class DecoupledHead(nn.Module):
    """One `LevelHead` for each stride, ascending."""

    def __init__(self, config: YoloxConfig) -> None:
        super().__init__()
        widths = [config.channels(32 * stride) for stride in STRIDES]
        self.levels = nn.ModuleList(LevelHead(config, width) for width in widths)

    def forward(self, maps: tuple[Tensor, ...]) -> list[tuple[Tensor, ...]]:
        """The neck's maps to each level's raw role maps."""
        return [level(x) for level, x in zip(self.levels, maps, strict=True)]
