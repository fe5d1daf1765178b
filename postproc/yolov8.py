"""YOLOv8 and its like (v6, v9 to v12): boxes and classes, no objectness. Known, not read.

A box is four distances, mostly each as a distribution over bins whose mean the tail takes (distribution focal loss:
Li et al., arXiv:2006.04388). The hardware's threshold filter wants an objectness to begin with, which is not there.
"""

from __future__ import annotations

import numpy as np

from ..graph.model import Model
from ..graph.nodes import Node, constant_values
from .core.foreign import OTHER_HEAD, Foreign, maps_by_grid

_USUAL = 16  # bins of a distance


def diagnose(model: Model) -> str:
    """Levels of two maps each, alike in channels, one of them four distances."""
    levels = maps_by_grid(model, lambda conv: bool(_bins(conv)))
    counts = {tuple(channels) for channels in levels.values()}
    if len(levels) < 2 or len(counts) > 1 or len(next(iter(counts))) != 2:
        return ""
    pair = list(next(iter(counts)))
    bins = next((bins for bins in (*map(_bins, model.nodes), _USUAL, 1) if bins and 4 * bins in pair), 0)
    if not bins:
        return ""
    pair.remove(4 * bins)
    maps = f"{len(levels)} levels of {4 * bins} + {pair[0]} channels"
    if bins == 1:
        return f"a head without objectness: {maps}, boxes and one score a class"
    return f"a head without objectness, as in YOLOv8: {maps}, {4 * bins} = 4 distances x {bins} bins"


def _bins(node: Node) -> int:
    """How many bins the node takes the mean of: a 1x1 convolution with the weights 0, 1, 2, ...; 0 for any other."""
    weights = constant_values(node.inputs[1]) if node.op == "Conv" else None
    if weights is None or weights.shape[0] != 1 or weights.size != weights.shape[1] or weights.size < 2:
        return 0
    return weights.size if np.array_equal(weights.ravel(), np.arange(weights.size)) else 0


FOREIGN = Foreign("yolov8", diagnose, OTHER_HEAD)
