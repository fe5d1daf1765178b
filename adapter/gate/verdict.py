"""What a check says: for people, for JUnit, for a forge's annotations."""

from __future__ import annotations

from dataclasses import dataclass

from ...data.matching import Matching
from ...errors import Exit
from .comparison import Comparison, Finding


@dataclass(frozen=True, slots=True)
class FaultResult:
    """A seeded fault, the anchors where it was put, and what the comparison saw first; `seen` is None for nothing.

    No anchors: the network has no place for it.
    """

    name: str
    anchors: tuple[str, ...]
    seen: Finding | None

    @property
    def placed(self) -> bool:
        """Whether it was seeded at all."""
        return bool(self.anchors)

    @property
    def is_red(self) -> bool:
        """Whether the comparison named the very layer, by its map and not by a checksum of its weights."""
        return self.seen is not None and self.seen.anchor in self.anchors and self.seen.kind in ("codes", "shape")


@dataclass(frozen=True, slots=True)
class Verdict:
    """`baseline` is the file in words; `boxes` pairs the baseline's boxes with the run's, None where nothing was run.

    `notes` explain and do not count. `faults` is None where no self-test was asked for, or none made sense.
    """

    name: str
    baseline: str
    comparison: Comparison
    boxes: Matching | None
    notes: tuple[str, ...]
    faults: tuple[FaultResult, ...] | None

    @property
    def exit_code(self) -> Exit:
        """FAILED for any difference, and for a fault that stayed green; UNSUPPORTED where no fault had a place."""
        if self.comparison.findings:
            return Exit.FAILED
        placed = [each for each in self.faults or () if each.placed]
        if self.faults is not None and not placed:
            return Exit.UNSUPPORTED
        return Exit.FINE if all(each.is_red for each in placed) else Exit.FAILED

    @property
    def headline(self) -> str:
        """The first line."""
        findings, layers = self.comparison.findings, len(self.comparison.layers)
        if not findings:
            return f"{self.name}: all {layers} layers are as in {self.baseline}"
        anchors = set(self.comparison.layers)
        differing = sum(each.anchor in anchors for each in findings)
        first = findings[0]
        what = f"{differing} of {layers} layers differ from {self.baseline}"
        return f"{self.name}: {what}; first {first.anchor}: {first.words}"

    @property
    def failure(self) -> str:
        """What went wrong, for the line on stderr; "" where nothing did."""
        findings = self.comparison.findings
        if findings:
            return f"{self.name} is not as in {self.baseline}: {findings[0].anchor} is the first that differs"
        green = [each.name for each in self.faults or () if each.placed and not each.is_red]
        if green:
            return f"the self-test fails: {', '.join(green)} not seen where it was put"
        return "the self-test had no place for any fault" if self.exit_code else ""
