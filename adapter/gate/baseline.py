"""The golden baseline as frozen values: what one healthy run computed, kept small."""

from __future__ import annotations

from dataclasses import dataclass

from ...data.preprocess import Preprocess
from ...golden.engine.protocol import Counts
from ...golden.fingerprint import Fingerprint
from ...golden.fixed import Codes

Runs = tuple[tuple[int, float], ...]  # how many channels in a row hold this number


@dataclass(frozen=True, slots=True)
class Tolerances:
    """What a check lets pass: sampled codes up to `codes` off, up to a `share` of them (0..1); with 0 codes not a bit.

    `normratio` is relative, and not 0: the scales of maps come from float sums, which differ between kinds of CPU in
    their last digits.
    """

    codes: int = 0
    share: float = 1.0
    normratio: float = 1e-6


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many layers and heads the program had when it was recorded, and in how many layers the codes vary."""

    layers: int
    heads: int
    varying: int


@dataclass(frozen=True, slots=True)
class InputRecord:
    """The image: codes int64 [1, c, h, w] and how they are held; value = code * normratio + shift."""

    bits: int
    normratios: Runs
    shift: tuple[float, ...]
    codes: Codes


@dataclass(frozen=True, slots=True)
class LayerRecord:
    """One layer. `numbers` is the digest of what the layer itself holds: weights, biases, scales, cuts, geometry.

    `output` is the adapted model's output that it is, None within the network.
    """

    anchor: str
    op: str
    output: str | None
    bits: int
    normratios: Runs
    numbers: str
    print: Fingerprint
    counts: Counts


@dataclass(frozen=True, slots=True)
class Box:
    """One detection: `corners` x1, y1, x2, y2 in pixels of the input, a tenth of a pixel and 1e-4 of score exact."""

    category: int
    score: float
    corners: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Baseline:
    """One recorded run; `layers` in the order of computation, `arithmetic` the chip's as (path, value in words).

    `tool`, `model` and `target` say where it comes from and are not compared.
    """

    tool: str
    model: str
    target: str
    preprocess: Preprocess
    tolerances: Tolerances
    coverage: Coverage
    arithmetic: tuple[tuple[str, str], ...]
    input: InputRecord
    layers: tuple[LayerRecord, ...]
    boxes: tuple[Box, ...]
