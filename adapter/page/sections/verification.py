"""Original against adapted where it counts: head by head and role by role."""

from __future__ import annotations

from ...report.types import Verification
from ..section import Section
from ..story import Story


def build(story: Story) -> Verification | None:
    """As report.json has it; nothing where nothing was compared."""
    return story.report.verify


SECTION = Section(70, "verification", "Verification", build)
