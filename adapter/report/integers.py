"""From the integer simulation to what the report says of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...data.matching import Matching
from ...golden.figures import Figures
from ...golden.heads import BoxResolution
from ..request import Request
from ..simulation_types import HeadFigures, Simulation
from .numbers import short
from .types import HeadMetric, Integers, LayerError, SaturationResult


def integers_of(simulation: Simulation, request: Request) -> Integers:
    """What was simulated, and what other ways to choose the ranges would give."""
    wider = [name for name, bits in simulation.mixed.items() if bits > simulation.bits]
    saturations = (
        SaturationResult(each.saturation, short(each.head_error), each.boxes.matched, each.boxes.lost, each.boxes.new)
        for each in simulation.alternatives
    )
    return Integers(
        simulation.bits,
        tuple(simulation.anchors[name] for name in wider),
        short(simulation.wider_macs),
        request.per,
        simulation.images,
        boxes_of(simulation.low_boxes),
        tuple(saturations),
    )


def layer_errors(simulation: Simulation) -> Iterator[LayerError]:
    """Every layer in the order of the computation."""
    for layer in simulation.layers:
        yield LayerError(
            simulation.anchors[layer.name],
            layer.op,
            layer.name,
            layer.bits,
            None if layer.adapted is None else _rounded(layer.adapted),
            _rounded(layer.accumulated),
            _rounded(layer.single),
            layer.counts.saturated,
            layer.counts.overflowed,
            layer.counts.accumulator,
        )


def head_metric(head: HeadFigures) -> HeadMetric:
    """One head output, judged by its role."""
    figures, resolution = _rounded(head.figures), head.resolution
    metric = HeadMetric(head.head, head.role, figures.cosine, figures.sqnr_db, figures.max_abs)
    if isinstance(resolution, BoxResolution):
        return replace(
            metric,
            largest_box_px=short(resolution.largest_px),
            centre_step_px=short(resolution.step_px),
            saturated_sizes=short(resolution.saturated_sizes),
            saturated_centres=short(resolution.saturated_centres),
        )
    return replace(
        metric,
        levels_in_unit_score=resolution.levels,
        score_steps=tuple(map(short, resolution.steps)),
        best_score=short(resolution.reached),
    )


def boxes_of(found: Matching) -> Matching:
    """The same with its means rounded."""
    if found.mean_iou is None or found.score_shift is None:
        return found
    return replace(found, mean_iou=short(found.mean_iou), score_shift=short(found.score_shift))


def _rounded(figures: Figures) -> Figures:
    """A cosine says something by its distance from 1: four digits of that."""
    overall, worst = (None if each is None else short(each) for each in (figures.sqnr_db, figures.worst_channel_db))
    return Figures(1 - short(1 - figures.cosine), overall, worst, short(figures.max_abs))
