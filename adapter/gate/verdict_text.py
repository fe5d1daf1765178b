"""A verdict for people, line by line."""

from __future__ import annotations

from collections.abc import Iterator

from ...data.matching import Matching
from .verdict import FaultResult, Verdict

_SHOWN = 8  # findings after the first
SLIGHT = "so slight a change at the first layer also comes from a calibration on another kind of CPU: see docs/ci.md"


def text(verdict: Verdict) -> str:
    """What `check` prints."""
    return "\n".join(_lines(verdict))


def _lines(verdict: Verdict) -> Iterator[str]:
    yield verdict.headline
    findings = verdict.comparison.findings
    for each in findings[1 : _SHOWN + 1]:
        yield f"  {each.anchor}: {each.words}"
    if len(findings) > _SHOWN + 1:
        yield f"  and {len(findings) - _SHOWN - 1} more"
    if findings and verdict.boxes is not None:
        yield boxes_line(verdict.boxes)
    if findings and findings[0].is_slight:
        yield f"note: {SLIGHT}"
    yield from (f"note: {note}" for note in verdict.notes)
    if verdict.faults is not None:
        yield from (fault_line(each) for each in verdict.faults)


def boxes_line(boxes: Matching) -> str:
    """What became of the boxes."""
    if boxes.matched + boxes.lost + boxes.new == 0:
        return "boxes: none, before and now"
    shift = f", score shift {boxes.score_shift:+.4f}" if boxes.score_shift is not None else ""
    flips = f"{boxes.class_flips} of another class"
    return f"boxes: {boxes.matched} in place, {boxes.lost} lost, {boxes.new} new, {flips}{shift}"


def fault_line(fault: FaultResult) -> str:
    """What became of a seeded fault."""
    if not fault.placed:
        return f"self-test: {fault.name}: this network has no place for it"
    where = " and ".join(fault.anchors)
    if fault.is_red:
        return f"self-test: {fault.name}: seen at {where}"
    if fault.seen is None:
        return f"self-test: {fault.name}: NOT SEEN, it was put into {where}"
    return f"self-test: {fault.name}: seen only at {fault.seen.anchor} ({fault.seen.kind}), it was put into {where}"
