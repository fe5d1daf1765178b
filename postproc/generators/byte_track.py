"""The BYTE tracker beside every decoder, with a film of this network's own boxes to check it by."""

from __future__ import annotations

import numpy as np

from ...data.detections import nms
from ..c.project import Component
from ..c.render import c_prefix
from ..core.family import family_of
from ..core.generator import Task
from ..track.golden import film_of
from ..track.sources import ByteTrackValues, byte_track_component

_BEST = 64  # boxes before suppression: a film needs few


class ByteTrack:
    """The generator object."""

    name = "byte_track"
    family = None

    def component(self, task: Task) -> Component:
        """The tracker with the reference's options and capacities for hundreds of boxes."""
        values = ByteTrackValues(provenance=task.provenance)
        decoded = family_of(task.reading).decode(task.reading, task.float_heads(), task.score)
        best = decoded.select(np.argsort(-decoded.scores, kind="stable")[:_BEST])
        return byte_track_component(c_prefix(task.name), values, film_of(nms(best, task.iou), values.options))


GENERATOR = ByteTrack()
