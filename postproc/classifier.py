"""Classifiers, and whatever else says one thing of a whole image. Known, not read."""

from __future__ import annotations

from ..graph.model import Model
from ..graph.walk import static_shape
from .core.foreign import NO_DETECTOR, Foreign, maps_by_grid


def diagnose(model: Model) -> str:
    """Outputs that are one list of numbers each, made from maps of one size."""
    shapes = [static_shape(output) for output in model.outputs]
    lists = all(shape[:1] == [1] and sum(size > 1 for size in shape) <= 1 for shape in shapes)
    if not lists or len(maps_by_grid(model)) > 1:
        return ""
    return f"no detector: the output {shapes[0]} speaks of the whole image, as a classifier's does"


FOREIGN = Foreign("classifier", diagnose, NO_DETECTOR)
