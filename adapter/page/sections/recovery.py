"""What was learned back from unlabelled images: the curve over time, and what each layer gained."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from ...report.recovery_types import RecoveryReport
from ..section import Section
from ..story import Story


@dataclass(frozen=True, slots=True)
class Learned:
    """`minutes` draws the agreement over time, `layers` the error of each layer as rewritten and as recovered."""

    told: RecoveryReport
    minutes: Markup
    layers: Markup


def build(story: Story) -> Learned | None:
    """Nothing without a recovery."""
    return None if story.report.recovery is None else learned(story.report.recovery)


def learned(told: RecoveryReport) -> Learned:
    """The section's content."""
    from ..recovery_plots import error_plot, minutes_plot  # a run without a recovery draws neither

    return Learned(told, minutes_plot(told.milestones), error_plot(told.layers))


SECTION = Section(15, "recovery", "Recovery", build)
