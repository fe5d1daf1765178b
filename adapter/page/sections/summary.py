"""The verdict and the few figures that decide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from ....errors import Exit
from .. import words
from ..section import Section
from ..story import Story


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: what it is, its value, and what to know about it."""

    label: str
    value: str
    note: str


@dataclass(frozen=True, slots=True)
class Summary:
    """`state` names the exit code; `model` says what was adapted, `target` for which chip and compiler."""

    verdict: str
    fine: bool
    state: str
    model: str
    target: str
    figures: tuple[Figure, ...]
    failures: tuple[str, ...]
    warnings: tuple[str, ...]


def build(story: Story) -> Summary:
    """What stands at the top."""
    outcome, report, target = story.outcome, story.report, story.facts.target
    shapes = ", ".join("×".join(map(str, entry.shape)) for entry in report.model.inputs)
    producer = f", exported by {report.model.producer}" if report.model.producer else ""
    return Summary(
        outcome.verdict,
        outcome.exit_code == Exit.FINE,
        f"exit {int(outcome.exit_code)}: {outcome.exit_code.meaning}",
        f"{report.model.name}, input {shapes}, opset {report.model.opset}{producer}",
        f"{target.name}: {target.chip}, compiler {target.compiler}",
        tuple(_figures(story)),
        outcome.failures,
        outcome.warnings,
    )


def _figures(story: Story) -> Iterator[Figure]:
    report = story.report
    if (recovery := report.recovery) is not None:
        note = f"AP against its own detections, on {recovery.held_out} held-out images"
        yield Figure("agreement with the original", words.share(recovery.agreement), note)
    if (verify := report.verify) is not None:
        worst = max(verify.per_head, key=lambda head: head.rms_rel)
        note = f"root mean square, at {worst.head}, on {verify.input}"
        yield Figure("worst change at the heads", words.share(worst.rms_rel) if worst.rms_rel else "none", note)
    if (boxes := report.detections) is not None and report.integers is not None:
        note = f"{boxes.new} new, on {report.integers.images} images, in {report.integers.bits} bits"
        yield Figure("boxes that integers keep", f"{boxes.matched} of {boxes.matched + boxes.lost}", note)
    if (certified := story.facts.certified) is not None:
        kinds = Counter(site.certificate.value for site in certified.sites)
        note = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())) or "nothing was changed"
        held = len(certified.sites) - len(certified.failures)
        yield Figure("certificates that hold", f"{held} of {len(certified.sites)}", note)
    if (placement := report.placement) is not None:
        value = f"{placement.npu} NPU"
        note = f"{placement.cpu} on the CPU, {len(placement.refused)} refused"
        yield Figure("nodes", value, note)
    if (cost := report.cost) is not None:
        change = f"{words.large(cost.macs_before)} before, {cost.macs_after / max(cost.macs_before, 1) - 1:+.1%}"
        yield Figure("multiply-accumulates", words.large(cost.macs_after), change)
    rules = len({rewrite.rule for rewrite in report.rewrites})
    yield Figure("rewrites", str(len(report.rewrites)), f"by {rules} rules; {len(report.declined)} near misses")


SECTION = Section(10, "summary", "Summary", build)
