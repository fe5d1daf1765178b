"""A mixture as a network: built as the main job would, priced as a whole, measured on the held-out images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from onnx import ModelProto

from ...data.agreement import agreement
from ...data.detections import EVALUATION_IOU, EVALUATION_SCORE, Detections, nms
from ...graph.cost import count_macs, vector_operations
from ...graph.model import Model
from ...graph.reading import Reading
from ...graph.session import Session
from ...postproc.core.family import family_of
from ...rewrites.core.channel_sum import ChannelSum
from ...rewrites.core.rule import ActivationPlan, Context
from ...rewrites.core.rules import discover
from ...rewrites.core.run import run
from ...targets.types import Target
from ..heads import Heads
from .damage import Values
from .types import Point

_RULES = ("activation_to_channel_sum", "merge_into_producer", "merge_into_readers")


class Bench:
    """Measures mixtures of one network (its heads as outputs) on inputs [1, c, h, w] with the original's heads."""

    def __init__(
        self, proto: ModelProto, target: Target, reading: Reading, inputs: Sequence[Values], heads: Sequence[Heads]
    ) -> None:
        self._proto, self._target, self._reading, self._inputs = proto, target, reading, inputs
        self._reference = [self._boxes(each) for each in heads]
        self._macs, self._vector = count_macs(proto), vector_operations(proto)

    @property
    def macs(self) -> int:
        """The network's own multiply-accumulates."""
        return self._macs

    @property
    def held_out(self) -> int:
        """On how many images it measures."""
        return len(self._inputs)

    def measure(self, sums: Mapping[str, ChannelSum]) -> Point:
        """Raises AdaptError (exit 3) where the original finds nothing on these images."""
        made = build(self._proto, self._target, sums)
        session = Session(made)
        found = [self._boxes(session.run({session.inputs[0]: tensor})) for tensor in self._inputs]
        extra = count_macs(made) / self._macs - 1
        return Point(extra, vector_operations(made) - self._vector, agreement(self._reference, found).ap)

    def _boxes(self, maps: Heads) -> Detections:
        named = {tensor: maps[output] for tensor, output in self._reading.outputs()}
        return nms(family_of(self._reading).decode(self._reading, named, EVALUATION_SCORE), EVALUATION_IOU)


def build(proto: ModelProto, target: Target, sums: Mapping[str, ChannelSum]) -> ModelProto:
    """The network with these sums, its convolutions merged."""
    model = Model.from_proto(proto, "mixture")
    rules = [rule for rule in discover() if rule.name in _RULES]
    for merge in (False, True):
        run(Context(model, target, ActivationPlan("auto", sums=sums, merge=merge)), rules)
    return model.to_proto()
