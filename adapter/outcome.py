"""What the main job gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import Exit
from .artifact import Artifact
from .report.types import Report


@dataclass(frozen=True, slots=True)
class Outcome:
    """The report, the files to be written, and how it went.

    `verdict` is one line; `failures` name certificates that did not hold; `durations` are seconds by stage.
    """

    report: Report
    artifacts: tuple[Artifact, ...]
    verdict: str
    warnings: tuple[str, ...]
    exit_code: Exit
    failures: tuple[str, ...]
    durations: Mapping[str, float]
