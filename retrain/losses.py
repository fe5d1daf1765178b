"""How far the student is from the teacher: at the heads, where there is something to be found, and on maps between."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ..graph.reading import Reading
from .heads import level_score

_BACKGROUND = 0.005  # the weight of a cell whose score is zero; that of a certain one is one more
_OTHER_CLASSES = 0.02  # the weight of a class that the teacher rules out in a cell, likewise
_LEAST_VARIANCE = 1e-4


def head_loss(reading: Reading, truth: Mapping[str, Tensor], maps: Mapping[str, Tensor]) -> Tensor:
    """The mean over all head maps of their squared error over their variance, cells weighted by the teacher's score.

    Class maps are weighted by what the teacher gives each class in the cell: most of eighty logits matter to no box.
    The maps [n, c, h, w] are raw logits and box numbers, by the reading's tensors.
    """
    losses = []
    for level in reading.levels:
        weight = level_score(level, truth) + _BACKGROUND
        for role, name in level.roles:
            share = weight / weight.sum()
            wanted, channels = truth[name], truth[name].shape[1]
            mean = (share * wanted).sum((0, 2, 3), keepdim=True)
            variance = (share * (wanted - mean).square()).sum() / channels
            missing = share * (maps[name] - wanted).square()
            error = (missing * _class_shares(wanted)).sum() if role == "cls" else missing.sum() / channels
            losses.append(error / (variance + _LEAST_VARIANCE) * (2.0 if role == "obj" else 1.0))
    return sum(losses[1:], losses[0]) / len(losses)


def _class_shares(logits: Tensor) -> Tensor:
    """By cell, shares of 1 of the classes."""
    weight = torch.sigmoid(logits) + _OTHER_CLASSES
    return weight / weight.sum(1, keepdim=True)


def map_loss(wanted: Tensor, found: Tensor) -> Tensor:
    """The squared error of a map [n, c, h, w] over its variance, but for a constant in each channel.

    Such a constant is what a LeakyReLU's place costs, and the next convolution takes it back.
    """
    centred = wanted - wanted.mean((0, 2, 3), keepdim=True)
    error = found - found.mean((0, 2, 3), keepdim=True) - centred
    return error.square().mean() / (centred.square().mean() + _LEAST_VARIANCE)
