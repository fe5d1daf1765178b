"""Networks brought through the journey up to certification, and the edits with which tests seed mistakes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Unpack

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, numpy_helper

from icraft_adapt.adapter.prepare import prepare
from icraft_adapt.adapter.progress import Silent
from icraft_adapt.adapter.request import Request
from icraft_adapt.graph.model import Model
from icraft_adapt.graph.reading import Reading
from icraft_adapt.models.export import Spelling
from icraft_adapt.models.yolox import OutputForm, YoloxConfig
from icraft_adapt.rewrites.core.certify import Certified, certify
from icraft_adapt.rewrites.core.rule import ActivationPlan, Context, Rule, Step
from icraft_adapt.rewrites.core.rules import discover
from icraft_adapt.rewrites.core.run import run
from icraft_adapt.targets.loader import load_target
from icraft_adapt.tests.exports import exported

NANO = YoloxConfig(width=0.125, classes=1)  # depthwise
SMALL = YoloxConfig("s", width=0.125, classes=1)  # two thirds as many operators


@dataclass(frozen=True, slots=True)
class Journey:
    """What certification takes; `adapted` is the reader's own copy, to be spoilt."""

    original: ModelProto
    adapted: ModelProto
    renamed: Mapping[str, str]
    steps: Sequence[Step]
    feeds: Mapping[str, NDArray[np.float32]]

    def certify(self) -> Certified:
        """The verdict on the two as they are now."""
        return certify(self.original, self.adapted, self.renamed, self.steps, self.feeds, [])


def detector(
    folder: Path,
    mode: Literal["pwl", "leaky", "keep"] = "pwl",
    config: YoloxConfig = NANO,
    form: OutputForm = OutputForm(),  # noqa: B008  (frozen)
    target: str = "icraft-v1.1",
    **spelling: Unpack[Spelling],
) -> tuple[Journey, Reading]:
    """A small YOLOX with everything that the main job does to it, each made once; `adapted` is a copy of its own."""
    path = folder / "net.onnx"
    path.write_bytes(exported(config, form, **spelling))
    asked = path.read_bytes(), mode, target
    if asked not in _made:
        _made[asked] = _journey(path, mode, target)
    journey, reading = _made[asked]
    adapted = ModelProto()
    adapted.CopyFrom(journey.adapted)
    return replace(journey, adapted=adapted), reading


_made: dict[tuple[bytes, str, str], tuple[Journey, Reading]] = {}


def _journey(path: Path, mode: Literal["pwl", "leaky", "keep"], target: str) -> tuple[Journey, Reading]:
    chip = load_target(target)
    prepared = prepare(Request(path, target=target), chip, Silent())
    last = run(Context(prepared.model, chip, ActivationPlan(mode), prepared.reading), discover())
    renamed = {output: tensor for tensor, output in prepared.reading.outputs()}
    steps = (*prepared.steps, *last.steps)
    feeds = {prepared.input_name: noise(prepared.input_shape, 255)}
    return Journey(prepared.original, prepared.model.to_proto(), renamed, steps, feeds), prepared.reading


def rewritten(proto: ModelProto, *rules: Rule, target: str = "icraft-v1.1", mode: str | None = None) -> Journey:
    """A network of one's own after these rules."""
    model = Model.from_proto(proto, "model")
    plan = None if mode is None else ActivationPlan(mode)  # type: ignore[arg-type]
    applied = run(Context(model, load_target(target), plan), rules)
    return against(proto, model.to_proto(), applied.steps)


def against(original: ModelProto, adapted: ModelProto, steps: Sequence[Step] = ()) -> Journey:
    """Two networks of one interface."""
    stored = {tensor.name for tensor in original.graph.initializer}
    inputs = {
        value.name: [d.dim_value for d in value.type.tensor_type.shape.dim]
        for value in original.graph.input
        if value.name not in stored
    }
    return Journey(original, adapted, {}, steps, {name: noise(shape, 4, -4) for name, shape in inputs.items()})


def noise(shape: Sequence[int], high: float, low: float = 0) -> NDArray[np.float32]:
    """Seeded, uniform over [low, high]."""
    return np.random.default_rng(11).uniform(low, high, shape).astype(np.float32)


def maker(proto: ModelProto, output: str) -> NodeProto:
    """The node that computes a tensor."""
    found: NodeProto = next(node for node in proto.graph.node if output in node.output)
    return found


def stored(proto: ModelProto, name: str) -> TensorProto:
    """The initialiser of this name."""
    found: TensorProto = next(tensor for tensor in proto.graph.initializer if tensor.name == name)
    return found


def spoil(proto: ModelProto, name: str, values: NDArray[Any]) -> None:
    """Write other values into an initialiser."""
    tensor = stored(proto, name)
    tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values), name))


def values_of(proto: ModelProto, name: str) -> NDArray[Any]:
    """A copy of an initialiser's values."""
    return numpy_helper.to_array(stored(proto, name)).copy()


def failed(certified: Certified) -> list[str]:
    """The tensors whose certificate fails."""
    return [site.tensor for site in certified.failures]
