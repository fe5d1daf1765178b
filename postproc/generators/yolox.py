"""YOLOX's decoder in C: its values from a task, its files, and the same code to call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...errors import AdaptError
from ..c.project import Component
from ..core.generator import Decoder, HeadFormat, Task
from ..decode.golden import golden_of
from ..decode.sources import yolox_component
from ..decode.values import COORDINATE_CHANNELS, DecodeValues, Grid, IntegerHeads, Part, Parts


class Yolox:
    """The generator object."""

    name = "yolox"
    family = "yolox"

    def component(self, task: Task) -> Component:
        """The decoder, with golden vectors of the task's heads."""
        values = values_of(task)
        heads = {name: task.heads[name] for names in values.outputs() for name in names}
        return yolox_component(values, golden_of(values, heads))

    def decoder(self, task: Task) -> Decoder:
        """The generated C; its numpy reference where there is no compiler, or none that works."""
        from ..decode.c_decoder import CDecoder  # only here: the main job writes C and calls none
        from ..decode.engines import CompiledDecoder, ReferenceDecoder

        values = values_of(task)
        try:
            return CompiledDecoder(values, CDecoder(values))
        except (AdaptError, RuntimeError, OSError) as error:
            return ReferenceDecoder(values, f"the numpy reference ({str(error)[:200]})")


def values_of(task: Task) -> DecodeValues:
    """What the templates are filled with: in integers where the formats of the head maps are known."""
    reading = task.reading
    values = DecodeValues(
        name=task.name,
        levels=tuple(Grid(level.stride, level.grid) for level in reading.levels),
        classes=reading.classes,
        input_hw=task.size,
        score=task.score,
        iou=task.iou,
        provenance=task.provenance,
        resize=task.resize,
    )
    if task.formats is None:
        return values
    levels = [[task.formats[name] for name in names] for names in values.outputs()]
    padding = None if task.padding is None else task.padding.get(levels[0][0].bits)
    parts = tuple(_parts(formats, reading.classes) for formats in levels)
    return replace(values, integer=IntegerHeads(parts, task.score, padding))


def _parts(formats: Sequence[HeadFormat], classes: int) -> Parts:
    channels = (1, COORDINATE_CHANNELS, classes)
    return Parts(*(Part(each.normratio, each.bits, c) for each, c in zip(formats, channels, strict=True)))


GENERATOR = Yolox()
