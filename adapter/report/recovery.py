"""What a recovery learned, for the report."""

from __future__ import annotations

from ..recover_types import Milestone, Recovery
from .numbers import short
from .recovery_types import RecoveredLayer, RecoveryMilestone, RecoveryReport


def recovery_of(made: Recovery) -> RecoveryReport:
    """Milestones in their order, layers in that of the network."""
    before, after = (None, None) if made.ap is None else map(short, made.ap)
    return RecoveryReport(
        made.activation,
        short(made.agreement),
        before,
        after,
        made.trained_on,
        made.held_out,
        *made.macs,
        tuple(map(_milestone, made.milestones)),
        tuple(RecoveredLayer(each.layer, short(each.rewritten), short(each.recovered)) for each in made.layers),
    )


def _milestone(each: Milestone) -> RecoveryMilestone:
    ap = None if each.ap is None else short(each.ap)
    return RecoveryMilestone(each.stage, round(each.seconds / 60, 2), each.steps, short(each.agreement), ap)
