"""What an engine is, and what both count."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..fixed import Codes, to_codes
from ..program import InputFormat


@dataclass(frozen=True, slots=True)
class Counts:
    """How often, in one layer: a code met its limit; the value after the first cut and bias left 2 * bits bits
    (`overflowed`); the sum left the accumulator (`accumulator`); of `size` codes in all.
    """

    size: int
    saturated: int = 0
    overflowed: int = 0
    accumulator: int = 0

    def __add__(self, other: Counts) -> Counts:
        """Both together, e.g. over images."""
        return Counts(
            self.size + other.size,
            self.saturated + other.saturated,
            self.overflowed + other.overflowed,
            self.accumulator + other.accumulator,
        )


@dataclass(frozen=True, slots=True)
class Result:
    """The maps asked for (codes, integers of any width [1, c, h, w], by name) and each layer's counts by its name."""

    maps: Mapping[str, Codes]
    counts: Mapping[str, Counts]


class Engine(Protocol):
    """Runs one program; made once, run often."""

    def run(self, codes: Codes, keep: Collection[str] | None = None) -> Result:
        """One image: `codes` int64 [1, c, h, w] of the input; `keep` names maps to give back (None: the outputs)."""

    def run_layer(self, name: str, inputs: Mapping[str, Codes]) -> tuple[Codes, Counts]:
        """One layer alone on the given input codes."""


def encode_image(tensor: NDArray[np.float32], image: InputFormat, code_max: int) -> Codes:
    """The network's float input [1, c, h, w] as the codes that the chip sees."""
    shift = image.shift.reshape(1, -1, 1, 1)
    normratio = image.format.normratios.reshape(1, -1, 1, 1)
    return to_codes(tensor.astype(np.float64) - shift, normratio, code_max)


def decode_map(codes: Codes, normratios: NDArray[np.float64]) -> NDArray[np.float32]:
    """Codes [1, c, ...] as float32 values."""
    shape = (1, -1) + (1,) * (codes.ndim - 2)
    return (codes * normratios.reshape(shape)).astype(np.float32)
