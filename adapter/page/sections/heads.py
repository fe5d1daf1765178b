"""The raw outputs level by level, and how their meaning was proven."""

from __future__ import annotations

from ...report.types import Report
from ..section import Section
from ..story import Story


def build(story: Story) -> Report | None:
    """The report itself, whose `heads` and `reading` are told; nothing where there are none."""
    report = story.report
    return report if report.heads and report.reading is not None else None


SECTION = Section(60, "heads", "Heads", build)
