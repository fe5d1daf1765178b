"""The main job's summary: what an engineer reads in five seconds, and the same as one JSON object."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..adapter.emit.report_json import report_document
from ..errors import Exit
from .screen import columns, printable

if TYPE_CHECKING:
    from ..adapter.emit.json_bytes import Json
    from ..adapter.outcome import Outcome
    from ..adapter.report.types import HeadMetric, Integers, Report, Verification
    from ..data.matching import Matching

UNBOUNDED = 10_000  # columns where no terminal wraps: each line stays whole, for grep and for logs
NEAR_MISSES = 5


def fields(outcome: Outcome, out: Path | None) -> dict[str, object]:
    """report.json's fields, and what only this run knows: where, how long, with what result."""
    return {
        **{name: _finite(value) for name, value in report_document(outcome.report).items()},
        "out": None if out is None else str(out),
        "verdict": outcome.verdict,
        "exit_code": int(outcome.exit_code),
        "durations_s": dict(outcome.durations),
        "warnings": list(outcome.warnings),
        "failures": list(outcome.failures),
    }


def text(outcome: Outcome, out: Path | None, *, terminal: TextIO) -> str:
    """The summary as text, coloured and as wide as `terminal` if it is one, else plain and unwrapped."""
    width = columns(terminal) if terminal.isatty() else UNBOUNDED
    page = Console(file=terminal, width=width, highlight=False, markup=False, emoji=False)
    with page.capture() as captured:
        for part in _parts(outcome, out):
            if isinstance(part, Table):
                page.print()
            page.print(part, soft_wrap=isinstance(part, Text))
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def _finite(value: Json) -> Json:
    """The same with null for each float that JSON lacks, as a broken network may give."""
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _parts(outcome: Outcome, out: Path | None) -> Iterator[Text | Table]:
    report = outcome.report
    yield _line(outcome.verdict, "bold green" if outcome.exit_code == Exit.FINE else "bold red")
    inputs = ", ".join("x".join(map(str, entry.shape)) for entry in report.model.inputs)
    yield _line(f"{report.model.name} (opset {report.model.opset}, {inputs}) -> {report.target.name}")
    for failure in outcome.failures:
        yield _line(f"failed: {failure}", "red")
    for warning in outcome.warnings:
        yield _line(f"warning: {warning}", "yellow")
    if report.rewrites:
        yield _rewrites(report)
    if report.activations:
        yield _activations(report)
    if report.verify is not None:
        yield _change(report.verify)
    if report.integers is not None and report.head_metrics is not None and report.detections is not None:
        yield _integer_heads(report.head_metrics, report.integers)
        yield _integer_boxes(report.detections, report.integers)
    yield from _placement(report)
    if report.heads:
        yield _heads(report)
    yield from _near_misses(report)
    if out is not None:
        page = "; open report.html" if any(each.path == "report.html" for each in outcome.artifacts) else ""
        yield _line(f"folder: {out} ({len(outcome.artifacts)} files{page})", "bold")


def _rewrites(report: Report) -> Table:
    groups = defaultdict(list)
    for step in report.rewrites:
        groups[step.rule, step.certificate].append(step.max_rel)
    table = _table("rewrites", "count", "certificate", "worst max_rel")
    for (rule, certificate), measured in groups.items():
        worst = max((value for value in measured if value is not None), default=None)
        _row(table, rule, len(measured), certificate, "-" if worst is None else f"{worst:.1e}")
    return table


def _activations(report: Report) -> Table:
    groups = defaultdict(list)
    for fit in report.activations:
        groups[fit.source, fit.to].append(fit.error)
    table = _table("activations", "count", "median fit error", "worst")
    for (source, to), errors in groups.items():
        name = f"{source} kept" if source == to else f"{source} -> {to}"
        _row(table, name, len(errors), f"{median(errors):.1e}", f"{max(errors):.1e}")
    return table


def _change(verify: Verification) -> Table:
    """Worst head per role: the relative error that all rewrites together cause there."""
    table = _table(f"change at the heads ({verify.input})", "worst max_rel", "worst rms_rel")
    heads = verify.per_head
    for role in dict.fromkeys(head.role for head in heads):
        here = [head for head in heads if head.role == role]
        _row(table, role, f"{max(h.max_rel for h in here):.1e}", f"{max(h.rms_rel for h in here):.1e}")
    return table


def _integer_heads(heads: Sequence[HeadMetric], integers: Integers) -> Table:
    """Each head by its role: how near, and what its codes can say."""
    table = _table(f"integers, {width_of(integers)}", "SQNR", "score levels", "step at 0.25", "largest box")
    for head in heads:
        near = "equal" if head.sqnr_db is None else f"{head.sqnr_db:.1f} dB"
        levels = "" if head.levels_in_unit_score is None else str(head.levels_in_unit_score)
        step = "" if head.score_steps is None else f"{head.score_steps[1]:.3f}"
        box = "" if head.largest_box_px is None else f"{head.largest_box_px:.0f} px"
        _row(table, head.head, near, levels, step, box)
    return table


def _integer_boxes(found: Matching, integers: Integers) -> Table:
    """Adapted float against integer, box by box."""
    table = _table(f"boxes in integers ({integers.images} images)", "matched", "lost", "new", "class flips", "shift")
    for name, each in (("score 0.3 and more", found), ("score 0.1 to 0.6", integers.low_detections)):
        shift = "-" if each.score_shift is None else f"{each.score_shift:+.3f}"
        _row(table, name, each.matched, each.lost, each.new, each.class_flips, shift)
    return table


def width_of(integers: Integers) -> str:
    """The width of the codes in words."""
    if not integers.wider:
        return f"{integers.bits} bits"
    return f"{integers.bits} bits, {len(integers.wider)} layers in 16 ({integers.wider_macs:.1%} of the MACs)"


def _placement(report: Report) -> Iterator[Text]:
    if (placement := report.placement) is None:
        return
    counts = f"placement: npu {placement.npu}, cpu {placement.cpu}, refused {len(placement.refused)}"
    yield _line(counts, "red" if placement.refused else "")
    for node in placement.refused:
        yield _line(f"  refused {node.op} {node.node}: {node.reason}")


def _heads(report: Report) -> Table:
    table = _table("heads", "grid", "classes", "tensors")
    for head in report.heads or ():
        names = ", ".join((head.obj, head.reg, head.cls, *head.extra))
        _row(table, f"stride {head.stride}", "x".join(map(str, head.grid)), head.classes, names)
    return table


def _near_misses(report: Report) -> Iterator[Text]:
    counted = Counter((miss.rule, miss.reason) for miss in report.declined)
    first = {(miss.rule, miss.reason): miss.node for miss in reversed(report.declined)}
    for (rule, reason), count in counted.most_common(NEAR_MISSES):
        more = f" (and {count - 1} more)" if count > 1 else ""
        yield _line(f"near miss: {rule} at {first[rule, reason]}{more}: {reason}")
    if len(counted) > NEAR_MISSES:
        yield _line(f"near misses: {len(counted) - NEAR_MISSES} other kinds")


def _table(*titles: str) -> Table:
    """A table without lines: names on the left, figures right-aligned, long names folded and never cut."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, title in enumerate(titles):
        words = index == 0 or title in ("certificate", "tensors")
        table.add_column(title, justify="left" if words else "right", overflow="fold")
    return table


def _row(table: Table, *cells: object) -> None:
    table.add_row(*(_line(str(cell)) for cell in cells))


def _line(words: str, style: str = "") -> Text:
    return Text(printable(words), style=style)
