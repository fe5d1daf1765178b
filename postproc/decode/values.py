"""What the generated decoder is made from, and the options that its caller sets at run time: frozen values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ...targets.types import RecordPadding

ROLES = ("obj", "reg", "cls")
COORDINATE_CHANNELS = 4
_MOST_RANKS = 2**32  # a candidate's rank among equal scores, (anchor, class), is one 32-bit number
_MOST_CANDIDATES = 2**24
_FARTHEST = 2.0**24  # cells: beyond it a float32 can't hold the sum of an offset and a cell's index
_TRAILER_BYTES = 8
_MOST_SIDE = 65535


@dataclass(frozen=True, slots=True)
class Part:
    """One head tensor in integers: value = code * normratio (rounded to float32), codes of 8 or 16 bits."""

    normratio: float
    bits: int
    channels: int

    def __post_init__(self) -> None:
        """Refuse what can't be a map's scale."""
        object.__setattr__(self, "normratio", float(np.float32(self.normratio)))
        if self.bits not in (8, 16):
            raise ValueError(f"codes of {self.bits} bits")
        if not 0.0 < self.normratio * (self.largest + 1) <= _FARTHEST:
            raise ValueError(f"a normratio of {self.normratio}")

    @property
    def largest(self) -> int:
        """Codes run from -largest to largest."""
        return (1 << (self.bits - 1)) - 1


@dataclass(frozen=True, slots=True)
class Parts:
    """The three head tensors of one level in integers."""

    obj: Part
    reg: Part
    cls: Part

    def __iter__(self) -> Iterator[tuple[str, Part]]:
        """(role, part), in the order of the adapted model's outputs."""
        return iter(zip(ROLES, (self.obj, self.reg, self.cls), strict=True))


@dataclass(frozen=True, slots=True)
class IntegerHeads:
    """All levels in integers. `filter_score` is the score that the hardware threshold filter was set to, `padding`
    how it pads its records; None where no filter takes these heads.
    """

    levels: tuple[Parts, ...]
    filter_score: float
    padding: RecordPadding | None

    @property
    def record(self) -> RecordFormat | None:
        """How the filter's records are laid out; None without a filter, or where the maps differ in width."""
        widths = {part.bits for parts in self.levels for _, part in parts}
        if self.padding is None or len(widths) > 1:
            return None
        return RecordFormat(widths.pop(), self.levels[0].cls.channels, self.padding)

    def filter_codes(self) -> tuple[int, ...]:
        """For each level the code that an objectness must exceed to pass the filter."""
        return tuple(filter_code(self.filter_score, parts.obj) for parts in self.levels)


@dataclass(frozen=True, slots=True)
class RecordFormat:
    """One record of the threshold filter, in elements of `bits`: the parts obj, reg, cls, each padded, then a
    trailer whose last eight bytes are 0, x, y, anchor as little-endian uint16.
    """

    bits: int
    classes: int
    padding: RecordPadding

    def __post_init__(self) -> None:
        """Refuse a padding that leaves no room for the coordinates."""
        if self.padding.last * self.bits // 8 < _TRAILER_BYTES:
            raise ValueError(f"a trailer of {self.padding.last} elements holds no coordinates")

    @property
    def offsets(self) -> tuple[int, int, int]:
        """Where obj, reg and cls begin."""
        reg = _padded(1, self.padding.inner)
        return 0, reg, reg + _padded(COORDINATE_CHANNELS, self.padding.inner)

    @property
    def length(self) -> int:
        """Elements of a record."""
        return self.offsets[2] + _padded(self.classes, self.padding.last) + self.padding.last


@dataclass(frozen=True, slots=True)
class Grid:
    """One level: its stride in pixels of the input and its cells (h, w)."""

    stride: int
    cells: tuple[int, int]

    @property
    def count(self) -> int:
        """Cells of the level, one anchor each."""
        return self.cells[0] * self.cells[1]


@dataclass(frozen=True, slots=True)
class DecodeValues:
    """What the templates are filled with.

    `provenance` is lines of a comment: tool version, model hash, thresholds. `integer` is None where no normratios
    are known; the decoder then takes floats only. `max_candidates` None: one for each anchor.
    """

    name: str
    levels: tuple[Grid, ...]
    classes: int
    input_hw: tuple[int, int]
    score: float
    iou: float
    provenance: tuple[str, ...] = ()
    resize: Literal["letterbox", "stretch"] = "letterbox"
    integer: IntegerHeads | None = None
    max_candidates: int | None = None

    def __post_init__(self) -> None:
        """Refuse values that contradict one another."""
        strides = [level.stride for level in self.levels]
        if not strides or strides != sorted(set(strides)) or max(self.input_hw) > _MOST_SIDE:
            raise ValueError(f"levels of strides {strides} over an input of {self.input_hw}")
        for level in self.levels:
            if tuple(side * level.stride for side in level.cells) != self.input_hw or min(level.cells) < 1:
                raise ValueError(f"{level} is no grid over an input of {self.input_hw}")
        if self.classes < 1 or self.anchors * self.classes >= _MOST_RANKS:
            raise ValueError(f"{self.classes} classes at {self.anchors} anchors")
        if not 1 <= self.capacity <= _MOST_CANDIDATES:
            raise ValueError(f"room for {self.capacity} candidates")
        if not (0.0 <= self.score < 1.0 and 0.0 <= self.iou <= 1.0):
            raise ValueError(f"thresholds {self.score} and {self.iou}")
        if self.integer is not None:
            _check_integer(self.integer, len(self.levels), self.classes)

    @property
    def quantised(self) -> IntegerHeads:
        """The heads in integers. Raises ValueError where no normratios are known."""
        if self.integer is None:
            raise ValueError(f"{self.name} has no normratios")
        return self.integer

    @property
    def record(self) -> RecordFormat:
        """The filter's records. Raises ValueError where there is no filter."""
        layout = self.quantised.record
        if layout is None:
            raise ValueError(f"no threshold filter takes the heads of {self.name}")
        return layout

    @property
    def anchors(self) -> int:
        """Cells of all levels."""
        return sum(level.count for level in self.levels)

    @property
    def capacity(self) -> int:
        """How many candidates the workspace holds."""
        return self.anchors if self.max_candidates is None else self.max_candidates

    @property
    def first_anchors(self) -> tuple[int, ...]:
        """The index of each level's first anchor, levels by ascending stride, cells row by row."""
        return tuple(sum(level.count for level in self.levels[:i]) for i in range(len(self.levels)))

    def outputs(self) -> tuple[tuple[str, str, str], ...]:
        """For each level the names of its obj, reg and cls maps among the adapted model's outputs."""
        return tuple((f"obj_s{g.stride}", f"reg_s{g.stride}", f"cls_s{g.stride}") for g in self.levels)


@dataclass(frozen=True, slots=True)
class DecodeOptions:
    """What a caller sets: see the generated header. `ratio` is (x, y), input pixels a picture pixel; `top_k` 0: all;
    `clip` is the picture's (w, h) to clip to, None: boxes stay as they are.
    """

    score: float
    iou: float
    class_agnostic: bool = False
    multi_label: bool = False
    as_hardware: bool = False
    top_k: int = 0
    ratio: tuple[float, float] = (1.0, 1.0)
    clip: tuple[float, float] | None = None


def filter_code(score: float, part: Part) -> int:
    """The threshold that the hardware compares raw codes with (strictly greater passes): logit(score) / normratio,
    truncated toward zero, within the codes. Source: the vendor's runtime, checked against a compiled network.
    """
    if not 0.0 < score < 1.0:
        raise ValueError(f"the score {score} has no logit")
    code = math.trunc(math.log(score / (1.0 - score)) / part.normratio)
    return max(-part.largest, min(part.largest, code))


def _padded(channels: int, unit: int) -> int:
    units = -(-channels // unit)
    return units * unit


def _check_integer(integer: IntegerHeads, levels: int, classes: int) -> None:
    if len(integer.levels) != levels:
        raise ValueError(f"{len(integer.levels)} levels in integers, {levels} in all")
    for parts in integer.levels:
        channels = tuple(part.channels for _, part in parts)
        if channels != (1, COORDINATE_CHANNELS, classes):
            raise ValueError(f"parts of {channels} channels, where there are {classes} classes")
    integer.filter_codes()
