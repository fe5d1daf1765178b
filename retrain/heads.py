"""What the teacher sees where: the score of each cell, on one map over all levels."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from ..graph.reading import Level, Reading


def level_score(level: Level, maps: Mapping[str, Tensor]) -> Tensor:
    """sigmoid(obj) times the best sigmoid(cls) of each cell, [n, 1, h, w]; `maps` by the reading's tensors."""
    best = maps[level.cls].amax(1, keepdim=True)
    return torch.sigmoid(maps[level.obj]) * torch.sigmoid(best)


def score_map(reading: Reading, maps: Mapping[str, Tensor]) -> Tensor:
    """The best score of any level at each place, on the grid of the finest level: [n, 1, h, w]."""
    scores = [level_score(level, maps) for level in reading.levels]
    size = scores[0].shape[2:]
    return torch.stack([functional.interpolate(score, size) for score in scores]).amax(0)


def resized(score: Tensor, size: tuple[int, int]) -> Tensor:
    """A score map on the grid of another map: the best of each cell's part, or the cell's own where that is finer."""
    if size[0] * size[1] >= score.shape[2] * score.shape[3]:
        return functional.interpolate(score, size)
    return functional.adaptive_max_pool2d(score, size)
