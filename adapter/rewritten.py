"""The original with its activations already the target's, tail and all: what a recovery gives new constants to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from onnx import ModelProto

from ..errors import AdaptError, Exit
from ..graph.edit import Editor
from ..graph.model import Model
from ..graph.region import extract
from ..graph.shapes import shaped
from ..rewrites import (
    activation_to_channel_sum,
    activation_to_leaky_relu,
    activation_to_pwl,
    merge_into_producer,
    merge_into_readers,
)
from ..rewrites.core.activation import activation_at
from ..rewrites.core.rule import ActivationPlan, Context
from ..rewrites.core.rules import discover
from ..rewrites.core.run import run
from ..targets.types import Target
from .prepare import Prepared

_RULES = {
    "leaky": activation_to_leaky_relu.RULE,
    "pwl": activation_to_pwl.RULE,
    "auto": activation_to_channel_sum.RULE,
}
_MERGING = (merge_into_producer.RULE, merge_into_readers.RULE)


@dataclass(frozen=True, slots=True)
class Rewritten:
    """`whole` ends as the original does. `teacher` and `student` end at the raw heads: as it was, and as in `whole`.

    Their tensors bear the same names. `activations` names the map behind each replaced activation by the one before.
    """

    whole: ModelProto
    teacher: ModelProto
    student: ModelProto
    activations: Mapping[str, str]


def rewrite_activations(prepared: Prepared, target: Target, plan: ActivationPlan) -> Rewritten:
    """Replace what the target lacks, before the heads only. AdaptError (exit 3) where it lacks nothing."""
    model = Model.from_proto(prepared.original, prepared.model.name)
    run(Context(model, target), discover())
    heads = [tensor for tensor, _ in prepared.reading.outputs()]
    teacher = extract(model.to_proto(), [], heads)
    context = Context(model, target, plan)
    rule, replaced = _RULES[plan.mode], {}
    for node in list(model.nodes):
        found = activation_at(node, model) if node.outputs and node.op in rule.ops else None
        if found is None or found.input.name not in prepared.activations:
            continue
        match = rule.match(node, context)
        if match is not None:
            rule.rewrite(Editor(model), match)
            replaced[found.input.name] = found.output.name
    if not replaced:
        what = f"nothing to recover: {target.name} runs every activation of this network"
        raise AdaptError(what, hint="run the main job", code=Exit.UNSUPPORTED)
    model.prune()
    whole = with_own_constants(model.to_proto())
    return Rewritten(whole, teacher, extract(whole, [], heads), replaced)


def merged(proto: ModelProto, target: Target) -> ModelProto:
    """The same function with the sums' convolutions merged into their neighbours, where that is cheaper."""
    model = Model.from_proto(shaped(proto), "recovered")  # from the shapes the rules know what a merging costs
    merge(model, target)
    return model.to_proto()


def merge(model: Model, target: Target) -> None:
    """Merge the sums' convolutions into their neighbours, in place."""
    run(Context(model, target, ActivationPlan("auto", merge=True)), _MERGING)


def with_own_constants(proto: ModelProto) -> ModelProto:
    """The same network where no two convolutions share a constant, so that each can get its own."""
    made = ModelProto()
    made.CopyFrom(proto)
    stored = {tensor.name: tensor for tensor in proto.graph.initializer}
    taken = {*stored, *(name for node in proto.graph.node for name in node.output)}
    readers = Counter(name for node in proto.graph.node for name in node.input)
    for node in made.graph.node:
        for place, name in enumerate(node.input if node.op_type == "Conv" else ()):
            if name not in stored or readers[name] < 2:
                continue
            own = f"{name}.{node.output[0]}"
            while own in taken:
                own += "_"
            taken.add(own)
            readers[name] -= 1
            node.input[place] = own
            made.graph.initializer.add().CopyFrom(stored[name])
            made.graph.initializer[-1].name = own
    return made
