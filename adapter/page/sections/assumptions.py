"""What the target's description assumes because no public source states it."""

from __future__ import annotations

from ....targets.types import Target
from ..section import Section
from ..story import Story


def build(story: Story) -> Target:
    """The target itself, whose `assumptions` and `basis` are told."""
    return story.facts.target


SECTION = Section(90, "assumptions", "Assumptions", build)
