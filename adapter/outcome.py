"""What the main job gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import Exit
from .artifact import Artifact
from .report.types import Report


@dataclass(frozen=True, slots=True)
class Outcome:
    """The report, how it went, and the files to be written.

    `verdict` is one line; `failures` name certificates that did not hold; `durations` are seconds by stage.
    """

    report: Report
    verdict: str
    warnings: tuple[str, ...]
    exit_code: Exit
    failures: tuple[str, ...]
    artifacts: tuple[Artifact, ...] = ()
    durations: Mapping[str, float] = field(default_factory=dict)
