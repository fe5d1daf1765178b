"""What the integer simulation found out, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..data.matching import Matching
from ..golden.figures import Figures
from ..golden.heads import BoxResolution, ScoreResolution
from ..golden.layers import LayerFigures
from ..golden.normratio import Saturation
from ..golden.program import Program
from ..rewrites.core.histogram import Histogram


@dataclass(frozen=True, slots=True)
class HeadFigures:
    """One head output in integers: adapted float against integer, and what its codes can say at all."""

    head: str
    role: str
    figures: Figures
    resolution: ScoreResolution | BoxResolution


@dataclass(frozen=True, slots=True)
class Clip:
    """Where a layer's map is clipped: `reach`, in the unit of the map, over the histogram of its values."""

    layer: str
    histogram: Histogram
    reach: float


@dataclass(frozen=True, slots=True)
class Alternative:
    """The same network under another way to choose the ranges; `boxes` pairs adapted and integer detections."""

    saturation: Saturation
    head_error: float
    boxes: Matching


@dataclass(frozen=True, slots=True)
class Simulation:
    """The network in integers, `bits` wide but for the layers in `mixed`, on `images` pictures; those that take 16 bits
    do `wider_macs` of the multiply-accumulates, a share in 0..1.

    `anchors` gives every layer its structural name, unlike any other's. `boxes` pairs adapted and integer detections,
    `low_boxes` those of BYTE's low band; `maps` holds the integer heads of each picture as float32 values, by output
    name. `clips` are those of the layers that lose most by themselves. `alternatives` says what each way
    to choose the ranges gives, the one that was used first. `codes` are the integer heads of the first picture.
    """

    program: Program
    bits: int
    mixed: Mapping[str, int]
    wider_macs: float
    images: int
    anchors: Mapping[str, str]
    layers: tuple[LayerFigures, ...]
    heads: tuple[HeadFigures, ...]
    boxes: Matching
    low_boxes: Matching
    maps: tuple[Mapping[str, NDArray[np.float32]], ...]
    clips: tuple[Clip, ...]
    alternatives: tuple[Alternative, ...]
    codes: Mapping[str, NDArray[np.int64]]
