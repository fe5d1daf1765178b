"""The network in integers: its heads by their roles, its boxes, and what other ways to choose the ranges give."""

from __future__ import annotations

from dataclasses import dataclass

from ....data.matching import Matching
from ...report.types import HeadMetric, Integers
from ..section import Section
from ..story import Story


@dataclass(frozen=True, slots=True)
class Told:
    """`sure` pairs the boxes of score 0.3 and more; `gate` is the score of the hardware's threshold filter."""

    integers: Integers
    heads: tuple[HeadMetric, ...]
    sure: Matching
    gate: float


def build(story: Story) -> Told | None:
    """Nothing where nothing was simulated."""
    report = story.report
    if report.integers is None or report.head_metrics is None or report.detections is None:
        return None
    return Told(report.integers, report.head_metrics, report.detections, story.facts.request.threshold)


SECTION = Section(72, "integers", "Integers", build)
