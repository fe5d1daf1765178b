"""One model's decoder to be called with arrays: the compiled C, or the reference that has the same bits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from ...data.detections import Detections
from .c_decoder import CDecoder
from .records import pack_records
from .reference import reference_codes, reference_floats, reference_records
from .values import DecodeOptions, DecodeValues

Maps = Mapping[str, NDArray[Any]]
Pair = tuple[float, float]
_EVEN: Pair = (1.0, 1.0)


@dataclass(frozen=True, slots=True)
class CompiledDecoder:
    """The C that ships. Not for several threads at once."""

    values: DecodeValues
    program: CDecoder
    engine: str = "the generated C"

    def codes(self, maps: Maps, score: float, iou: float, ratio: Pair = _EVEN) -> Detections:
        """From raw integer maps."""
        _ = self.values.quantised
        return self.program.codes(maps, DecodeOptions(score, iou, ratio=ratio)).detections

    def filtered(self, maps: Maps, score: float, iou: float, ratio: Pair = _EVEN) -> Detections:
        """From raw integer maps through the hardware filter: its records, where heads of these widths have any."""
        if self.values.quantised.record is None:
            return self.program.codes(maps, DecodeOptions(score, iou, ratio=ratio, as_hardware=True)).detections
        return self.program.records(pack_records(self.values, maps), DecodeOptions(score, iou, ratio=ratio)).detections

    def floats(self, maps: Maps, score: float, iou: float, ratio: Pair = _EVEN) -> Detections:
        """From float maps."""
        return self.program.floats(maps, DecodeOptions(score, iou, ratio=ratio)).detections


@dataclass(frozen=True, slots=True)
class ReferenceDecoder:
    """The same in numpy; `engine` says why."""

    values: DecodeValues
    engine: str = "the numpy reference"

    def codes(self, maps: Maps, score: float, iou: float, ratio: Pair = _EVEN) -> Detections:
        """From raw integer maps."""
        _ = self.values.quantised
        return reference_codes(self.values, maps, DecodeOptions(score, iou, ratio=ratio)).detections

    def filtered(self, maps: Maps, score: float, iou: float, ratio: Pair = _EVEN) -> Detections:
        """From raw integer maps through the hardware filter: its records, where heads of these widths have any."""
        if self.values.quantised.record is None:
            options = DecodeOptions(score, iou, ratio=ratio, as_hardware=True)
            return reference_codes(self.values, maps, options).detections
        records = pack_records(self.values, maps)
        return reference_records(self.values, records, DecodeOptions(score, iou, ratio=ratio)).detections

    def floats(self, maps: Maps, score: float, iou: float, ratio: Pair = _EVEN) -> Detections:
        """From float maps."""
        return reference_floats(self.values, maps, DecodeOptions(score, iou, ratio=ratio)).detections
