"""What became of the activations: each fit over the inputs that its layer sees."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from markupsafe import Markup

from ....rewrites.core.activation import Activation
from ....rewrites.core.histogram import global_histogram
from ....rewrites.core.rule import Fit
from ...report.types import ActivationFit
from .. import words
from ..section import Section
from ..story import Story


@dataclass(frozen=True, slots=True)
class Kind:
    """All activations of one name and what they became; errors are None for those that were kept."""

    source: str
    to: str
    count: int
    typical: float | None
    worst: float | None


@dataclass(frozen=True, slots=True)
class Plot:
    """One fit: the layers that share it, its terms as formulas, and the inputs of the calibration images from low to
    high (None: no images).
    """

    layers: tuple[str, ...]
    fit: ActivationFit
    terms: tuple[str, ...]
    drawn: Markup
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Activations:
    """Plots by error, the largest first; `images` is the number of calibration images, 0 for none."""

    kinds: tuple[Kind, ...]
    plots: tuple[Plot, ...]
    images: int


def build(story: Story) -> Activations | None:
    """Nothing where the network has no activation."""
    fits = story.report.activations
    if not fits:
        return None
    grouped: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for fit in fits:
        grouped[fit.source, fit.to].append(fit.error)
    kinds = (
        Kind(source, to, len(errors), *((None, None) if source == to else (median(errors), max(errors))))
        for (source, to), errors in grouped.items()
    )
    calibration = story.facts.calibration
    plots = sorted(_plots(story), key=lambda plot: -plot.fit.error)
    return Activations(tuple(kinds), tuple(plots), len(calibration.files) if calibration is not None else 0)


def _plots(story: Story) -> Iterator[Plot]:
    """Each distinct fit once: without images the layers share theirs."""
    facts = story.facts
    activations = {each.output.name: each for each in facts.prepared.activations.values()}
    told = {fit.anchor: fit for fit in story.report.activations}
    shared: defaultdict[object, list[tuple[Activation, Fit]]] = defaultdict(list)
    for step in facts.applied.steps:
        activation = next((activations[site] for site in step.sites if site in activations), None)
        if step.fit is not None and activation is not None:
            own = activation.input.name if facts.calibration is not None else ""
            shared[own, step.fit.source, step.fit.parameters].append((activation, step.fit))
    for members in shared.values():
        anchors = tuple(facts.anchor((activation.output.name,)) for activation, _ in members)
        yield _plot(story, *members[0], anchors, told[anchors[0]])


def _plot(story: Story, activation: Activation, fit: Fit, anchors: tuple[str, ...], told: ActivationFit) -> Plot:
    from ..plot import fit_plot  # a network whose activations were kept needs no plotting library

    facts = story.facts
    calibration = facts.calibration
    seen = calibration.histograms.get(activation.input.name) if calibration is not None else None
    title = words.visible(f"{told.source} and {told.to} over the inputs of {anchors[0]}")
    drawn = fit_plot(activation.curve, fit.function, seen or global_histogram(), title)
    ends = (None, None) if seen is None else (seen.low, seen.high)
    return Plot(anchors, told, _formulas(told, per_channel=facts.mode == "auto"), drawn, *ends)


def _formulas(fit: ActivationFit, *, per_channel: bool) -> tuple[str, ...]:
    """The terms as the target runs them."""
    if fit.to == "leaky":
        return (f"LeakyReLU(x), slope {fit.parameters[0]:.4g}",)
    if per_channel:
        slopes = ", ".join(f"{slope:.4g}" for slope in fit.parameters)
        return (f"scale and shift by channel; slopes {slopes}",)
    terms = zip(*(iter(fit.parameters),) * 3, strict=True)
    return tuple(_term(a, b, alpha) for a, b, alpha in terms)


def _term(a: float, b: float, alpha: float) -> str:
    inside = f"{a:.4g}·x {'−' if b < 0 else '+'} {abs(b):.4g}"
    if alpha == 1:
        return inside
    return f"ReLU({inside})" if alpha == 0 else f"LeakyReLU({inside}), slope {alpha:.4g}"


SECTION = Section(40, "activations", "Activations", build)
