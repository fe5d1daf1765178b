"""What the integer network can no longer say, however good its cosine looks."""

from __future__ import annotations

from collections.abc import Iterable

from ..golden.heads import BoxResolution
from .simulation_types import HeadFigures, Simulation

FEW_LEVELS = 16  # codes between the scores 0.001 and 0.999
MOST_SATURATED = 1e-3  # of the widths and heights
LEAST_KEPT = 0.5  # of the boxes
_HINT = "--bits auto, --bits 16 or another --saturation may help"


def integer_warnings(simulation: Simulation) -> Iterable[str]:
    """One line for each head that is dead or too coarse, and one where boxes go."""
    for head in simulation.heads:
        yield from _of_head(head, max(simulation.program.input.shape[2:]))
    boxes = simulation.boxes
    before = boxes.matched + boxes.lost
    if before and boxes.matched < LEAST_KEPT * before:
        yield f"in integers {boxes.lost} of {before} boxes are lost; {_HINT}"


def _of_head(head: HeadFigures, side: int) -> Iterable[str]:
    """`side` is the input's longer one: a box beyond it is no loss."""
    resolution = head.resolution
    if isinstance(resolution, BoxResolution):
        if resolution.saturated_sizes > MOST_SATURATED and resolution.largest_px < side:
            share = f"{resolution.saturated_sizes:.1%} of its sizes"
            yield f"{head.head} in integers: {share} meet the end of their range, {resolution.largest_px:.0f} pixels"
    elif resolution.levels < FEW_LEVELS:
        yield f"{head.head} in integers tells only {resolution.levels} scores apart; {_HINT}"
