"""From the facts of a run to its report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from onnx import ModelProto

from ...graph.cost import count_macs, count_parameters
from ...graph.versions import opset_of
from ...rewrites.core.certify import Site
from ...rewrites.core.rule import Certificate, Step
from ..facts import Facts
from .integers import boxes_of, head_metric, integers_of, layer_errors
from .mixture import mixture_of
from .numbers import short
from .recovery import recovery_of
from .types import (
    ActivationFit,
    Cost,
    Declined,
    Head,
    InputInfo,
    ModelInfo,
    ReadingInfo,
    Report,
    Rewrite,
    TargetInfo,
    Verification,
)


def build_report(facts: Facts) -> Report:
    """All fields of the stages that ran; `artifacts` is filled in when the files are made."""
    reading, simulation = facts.prepared.reading, facts.simulation
    report = Report(
        model=_model(facts),
        target=TargetInfo(facts.target.name, facts.target.assumptions),
        rewrites=tuple(_rewrites(facts)),
        declined=tuple(Declined(miss.rule, miss.node, miss.reason) for miss in facts.applied.near_misses),
        placement=facts.placement,
        activations=tuple(_activations(facts)),
        heads=_heads(facts),
        reading=ReadingInfo(
            reading.family, reading.sigmoid_inside, reading.decoded_inside, short(reading.proof_max_abs)
        ),
        verify=_rounded_verification(facts),
        mixture=mixture_of(facts),
        recovery=None if facts.recovery is None else recovery_of(facts.recovery),
        cost=_cost(facts),
    )
    if simulation is None:
        return report
    return replace(
        report,
        integers=integers_of(simulation, facts.request),
        layers=tuple(layer_errors(simulation)),
        head_metrics=tuple(map(head_metric, simulation.heads)),
        detections=boxes_of(simulation.boxes),
    )


def _model(facts: Facts) -> ModelInfo:
    path, proto = facts.request.model, facts.prepared.original
    inputs = tuple(
        InputInfo(v.name, tuple(d.dim_value for d in v.type.tensor_type.shape.dim))
        for v in proto.graph.input
        if v.name not in {tensor.name for tensor in proto.graph.initializer}
    )
    producer = f"{proto.producer_name} {proto.producer_version}".strip()
    return ModelInfo(path.stem, facts.prepared.digest.result(), opset_of(proto), inputs, producer)


def _rewrites(facts: Facts) -> Iterable[Rewrite]:
    by_step = facts.certified.by_step if facts.certified is not None else ((),) * len(facts.applied.steps)
    for step, sites in zip(facts.applied.steps, by_step, strict=True):
        yield _rewrite(facts, step, sites)


def _rewrite(facts: Facts, step: Step, sites: tuple[Site, ...]) -> Rewrite:
    anchor = facts.anchor((*step.sites, *(site.tensor for site in sites)))
    if facts.certified is None:
        return Rewrite(step.rule, step.certificate.value, anchor, step.nodes, None, None)
    approximate = step.certificate in (Certificate.APPROXIMATE, Certificate.FUNCTION_CHANGING)
    relative = (site.rms_rel if approximate else site.max_rel for site in sites)
    largest = max((site.max_abs for site in sites), default=0.0)
    return Rewrite(
        step.rule,
        step.certificate.value,
        anchor,
        step.nodes,
        short(largest),
        short(max(relative, default=0.0)),
    )


def _activations(facts: Facts) -> Iterable[ActivationFit]:
    replaced = set()
    for step in facts.applied.steps:
        if step.fit is not None:
            fit, anchor = step.fit, facts.anchor(step.sites)
            replaced.add(anchor)
            yield ActivationFit(anchor, fit.source, fit.to, tuple(map(short, fit.parameters)), short(fit.error))
    for activation in facts.prepared.activations.values():
        anchor = facts.anchor((activation.output.name,))
        if anchor not in replaced:
            yield ActivationFit(anchor, activation.name, activation.name, (), 0.0)


def _heads(facts: Facts) -> tuple[Head, ...]:
    reading = facts.prepared.reading
    return tuple(
        Head(
            level.stride,
            level.grid,
            reading.classes,
            level.output("obj"),
            level.output("reg"),
            level.output("cls"),
            tuple(level.output(role) for role, _ in level.extra),
        )
        for level in reading.levels
    )


def _rounded_verification(facts: Facts) -> Verification | None:
    verification = facts.verification
    if verification is None:
        return None
    heads = tuple(
        replace(h, max_abs=short(h.max_abs), max_rel=short(h.max_rel), rms_rel=short(h.rms_rel))
        for h in verification.per_head
    )
    return replace(
        verification,
        max_abs=short(verification.max_abs),
        max_rel=short(verification.max_rel),
        per_head=heads,
    )


def _cost(facts: Facts) -> Cost:
    before: ModelProto = facts.prepared.original
    return Cost(
        count_macs(before),
        sum(facts.macs.values()),
        count_parameters(before),
        count_parameters(facts.final),
        sum(step.added for step in facts.applied.steps),
    )
