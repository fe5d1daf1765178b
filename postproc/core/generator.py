"""What writes C for a network: a generator gives its part of the project, a decoder's also the same code to call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ...data.detections import Detections
from ...graph.reading import Reading
from ...targets.types import RecordPadding
from .. import generators as package
from ..c.project import Component

Codes = Mapping[str, NDArray[Any]]
Pair = tuple[float, float]


@dataclass(frozen=True, slots=True)
class HeadFormat:
    """How one head map is held in integers: value = code * normratio, codes of 8 or 16 bits."""

    bits: int
    normratio: float


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """One network, as what follows it must know it.

    `provenance` is lines of a comment. `size` is the input's (h, w). `score` and `iou` are the thresholds that the code
    is born with; the hardware filter, where there is one, compares with the same score. `formats` are those of the head
    maps by the adapted model's output names, None where no integers are known. `padding` says by bits how the filter
    pads its records, None where no filter takes these heads. `heads` are those of one picture, [1, c, h, w] by output
    name: codes where there are formats, else floats; golden vectors are made of them.
    """

    name: str
    provenance: tuple[str, ...]
    reading: Reading
    size: tuple[int, int]
    resize: Literal["letterbox", "stretch"]
    score: float
    iou: float
    formats: Mapping[str, HeadFormat] | None
    padding: Mapping[int, RecordPadding] | None
    heads: Codes

    def float_heads(self) -> dict[str, NDArray[np.float32]]:
        """The heads as float32, by the reading's tensor names."""
        found = {}
        for tensor, output in self.reading.outputs():
            scale = 1.0 if self.formats is None else self.formats[output].normratio
            found[tensor] = (self.heads[output] * scale).astype(np.float32)
        return found


class Decoder(Protocol):
    """From the head maps of one picture to boxes in its pixels, suppressed, best first.

    Maps are [1, c, h, w] by output name; `ratio` (x, y) is input pixels a picture pixel.
    """

    @property
    def engine(self) -> str:
        """What computes, in words."""

    def codes(self, maps: Codes, score: float, iou: float, ratio: Pair = (1.0, 1.0)) -> Detections:
        """From raw integer maps. Raises ValueError where no formats are known."""

    def filtered(self, maps: Codes, score: float, iou: float, ratio: Pair = (1.0, 1.0)) -> Detections:
        """From the same maps through the hardware filter: packed into its records, which are then decoded. Heads that
        no record holds (maps of two widths) are compared as the filter would. Raises ValueError as `codes`.
        """

    def floats(self, maps: Codes, score: float, iou: float, ratio: Pair = (1.0, 1.0)) -> Detections:
        """From float maps."""


class Generator(Protocol):
    """One generator a file in postproc/generators/, as GENERATOR. `family` None: it takes boxes, of any family."""

    name: str
    family: str | None

    def component(self, task: Task) -> Component:
        """Its part of the project, golden vectors included."""


@runtime_checkable
class DecoderGenerator(Generator, Protocol):
    """The generator of a family's decoder."""

    def decoder(self, task: Task) -> Decoder:
        """The generated C, compiled; its numpy reference where there is no compiler."""


@cache
def generators() -> tuple[Generator, ...]:
    """The GENERATOR of every module of postproc/generators/: decoders first, then what takes boxes, by name."""
    names = sorted(info.name for info in iter_modules(package.__path__))
    found: list[Generator] = [import_module(f"{package.__name__}.{name}").GENERATOR for name in names]
    return tuple(sorted(found, key=lambda each: (each.family is None, each.name)))


def components(task: Task) -> Sequence[Component]:
    """The parts of the project for a network of this reading; none where its family has no decoder in C."""
    if all(each.family != task.reading.family for each in generators()):
        return ()
    return [each.component(task) for each in generators() if each.family in (None, task.reading.family)]


def decoder_of(task: Task) -> Decoder | None:
    """The decoder that is generated for a network of this reading, None where its family has none."""
    for each in generators():
        if each.family == task.reading.family and isinstance(each, DecoderGenerator):
            return each.decoder(task)
    return None
