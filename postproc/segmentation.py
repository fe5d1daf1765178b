"""Segmentation, depth and other networks that say something of every pixel. Known, not read."""

from __future__ import annotations

from ..graph.model import Model
from ..graph.walk import static_shape
from .core.foreign import NO_DETECTOR, Foreign


def diagnose(model: Model) -> str:
    """An output of the image's own height and width."""
    if len(model.inputs) != 1:
        return ""
    size = static_shape(model.inputs[0])[2:]
    shapes = [static_shape(output) for output in model.outputs]
    found = next((shape for shape in shapes if len(size) == 2 and len(shape) > 2 and shape[-2:] == size), None)
    return f"no detector: the output {found} speaks of each pixel, as in segmentation" if found else ""


FOREIGN = Foreign("segmentation", diagnose, NO_DETECTOR)
