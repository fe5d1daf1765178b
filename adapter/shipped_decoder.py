"""The decoder of a network as it ships in C, to be called: what `evaluate` and `diff` decode integer heads with."""

from __future__ import annotations

from dataclasses import dataclass

from ..data.detections import Detections, nms
from ..postproc.core.family import family_of
from ..postproc.core.generator import Codes, Decoder, Pair, Task, decoder_of


def shipped_decoder(task: Task) -> Decoder:
    """The generated C, compiled here; its numpy reference without a compiler; the family's own decode where the family
    has no decoder in C. `engine` says which.
    """
    return decoder_of(task) or FamilyDecoder(task)


@dataclass(frozen=True, slots=True)
class FamilyDecoder:
    """A family's own decode, then suppression."""

    task: Task
    engine: str = "the family's decode in numpy"

    def codes(self, maps: Codes, score: float, iou: float, ratio: Pair = (1.0, 1.0)) -> Detections:
        """From raw integer maps."""
        formats = self.task.formats
        if formats is None:
            raise ValueError(f"{self.task.name} has no normratios")
        return self.floats({name: maps[name] * formats[name].normratio for name in formats}, score, iou, ratio)

    def filtered(self, maps: Codes, score: float, iou: float, ratio: Pair = (1.0, 1.0)) -> Detections:
        """Raises ValueError: nothing is known of this family behind the filter."""
        raise ValueError(f"nothing is known of {self.task.reading.family} behind a threshold filter")

    def floats(self, maps: Codes, score: float, iou: float, ratio: Pair = (1.0, 1.0)) -> Detections:
        """From float maps."""
        reading = self.task.reading
        named = {tensor: values.astype("float32") for tensor, values in reading.by_tensor(maps).items()}
        found = nms(family_of(reading).decode(reading, named, score), iou)
        return Detections((found.boxes / ((*ratio, *ratio),)).astype("float32"), found.scores, found.classes)
