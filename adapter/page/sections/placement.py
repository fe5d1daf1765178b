"""Where the nodes run, by operator; those that run nowhere with the limit's own sentence."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

from ...report.types import Refused
from ..section import Section
from ..story import Story


@dataclass(frozen=True, slots=True)
class Operator:
    """How many nodes of one operator run where."""

    op: str
    npu: int
    cpu: int
    refused: int


@dataclass(frozen=True, slots=True)
class Places:
    """By operator, the most frequent first."""

    operators: tuple[Operator, ...]
    refused: tuple[Refused, ...]


def build(story: Story) -> Places:
    """Counts of the adapted network's nodes."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for each in story.facts.located.values():
        counts[each.op][each.where] += 1
    ordered = sorted(counts.items(), key=lambda item: (-item[1].total(), item[0]))
    operators = tuple(Operator(op, found["npu"], found["cpu"], found["refused"]) for op, found in ordered)
    return Places(operators, story.facts.placement.refused)


SECTION = Section(50, "placement", "Placement", build)
