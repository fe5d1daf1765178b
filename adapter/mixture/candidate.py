"""A mixture as a network: built as the main job would, priced as a whole, measured on the held-out images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from onnx import ModelProto

from ...data.agreement import agreement
from ...data.detections import EVALUATION_SCORE, Detections
from ...graph.cost import count_macs, vector_operations
from ...graph.model import Model
from ...graph.reading import Reading
from ...graph.session import Session
from ...postproc.core.family import detections
from ...rewrites import activation_to_channel_sum
from ...rewrites.core.channel_sum import ChannelSum
from ...rewrites.core.rule import ActivationPlan, Context
from ...rewrites.core.run import run
from ...targets.types import Target
from ..heads import Heads
from ..rewritten import merge
from .damage import Values
from .types import Point


class Bench:
    """Measures mixtures of one network (its heads as outputs) on inputs [1, c, h, w] with the original's heads."""

    def __init__(
        self, proto: ModelProto, target: Target, reading: Reading, inputs: Sequence[Values], heads: Sequence[Heads]
    ) -> None:
        self.target = target
        self._proto, self._reading, self._inputs = proto, reading, inputs
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
        made = build(self._proto, self.target, sums)
        session = Session(made)
        found = [self._boxes(session.run({session.inputs[0]: tensor})) for tensor in self._inputs]
        extra = count_macs(made) / self._macs - 1
        return Point(extra, vector_operations(made) - self._vector, agreement(self._reference, found).ap)

    def _boxes(self, maps: Heads) -> Detections:
        return detections(self._reading, self._reading.by_tensor(maps), EVALUATION_SCORE)


def build(proto: ModelProto, target: Target, sums: Mapping[str, ChannelSum]) -> ModelProto:
    """The network with these sums, its convolutions merged."""
    model = Model.from_proto(proto, "mixture")
    run(Context(model, target, ActivationPlan("auto", sums=sums)), [activation_to_channel_sum.RULE])
    merge(model, target)
    return model.to_proto()
